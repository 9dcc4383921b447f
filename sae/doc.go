// Package sae trains sparse autoencoders and loads what was trained.
//
// A Variant adds its formulas to a Gorgonia graph through a Builder. All
// else is here and the same for every variant: the machine that runs the
// graph, gradients, Adam, schedules, the unit-row constraint, dead-latent
// counters, checkpoints and the run folder.
//
// Sizes, written in brackets on every tensor: B rows in a batch, D the width
// of an activation, F latents, K active latents a row, N rows in use, n
// entries of a support, C the capacity of a values node. Weights hold one
// latent a row: encoder and decoder are both [F,D].
package sae
