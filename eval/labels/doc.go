// Package labels says how far codes of rows with labels know the classes, find
// rows from elsewhere, and follow a hierarchy of the classes, beside the same
// for the rows themselves. Olson et al., "Probing the Representational Power of
// Sparse Autoencoders in Vision Models" (2025, arXiv 2508.11277) ask these
// questions; its formulas are not published, so that each figure here names the
// one it is made by.
//
// Sets are held in memory, zeros left out: a probe of some rows would not be the
// probe of the set. Everything is computed in float64.
package labels
