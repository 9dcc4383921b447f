// Package data turns a dump into the batches that training and evaluation
// read: sources over sources (Shuffle, Split, Scale, Prefetch), the embedded
// sample dump, and generators of synthetic dumps whose true dictionary is
// known. Everything random in it is a function of a seed and a position.
package data
