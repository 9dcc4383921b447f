// Package mpsae holds the autoencoder whose encoder is matching pursuit: a row
// is explained one atom after another, each chosen against what the ones
// before have left.
//
// Source: Costa, Fel, Lubana, Tolooshams, Ba, "From Flat to Hierarchical:
// Extracting Sparse Representations with Matching Pursuit" (arXiv 2506.03093),
// algorithm 1. The implementations that are public differ in what they do with
// negative scores, atoms that come up again and rows that are done; each of
// these is a setting, and the numbers of KempnerInstitute/overcomplete 0.3.0
// (MpSAE, OMPSAE) and of SAELens 6.54 (MatchingPursuitTrainingSAE) are matched.
//
// In a row, r is what is left of it, e_j and w_j are the encoder's and the
// decoder's row of latent j (one and the same when tied), c is the score
// <r, e_j> of the latent with the largest one, and a step is r -= c·w_j.
//
// A step needs the scores of all F latents. They are computed anew each time
// (direct), or once, and then follow the row by the product of the dictionary
// with itself (Gram): s -= c·E·w_j, F operations in place of F·D. Either gives
// estimates with a bound; latents that the bound does not rule out are scored
// by kernel.Dot, which alone decides. So both give the same bits, and either may
// multiply in words of 16 bits (kernel.Estimator), twice as fast as in float32.
package mpsae
