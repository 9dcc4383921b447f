// Package afa holds the top-AFA autoencoder, which has no k: each row keeps
// as many latents as it takes for their norm to meet the row's own.
//
// Source: Lee, Davies, Canby, Hockenmaier, "Evaluating and Designing Sparse
// Autoencoders by Approximating Quasi-Orthogonality" (arXiv 2503.24277), and
// its reference, SewoongLee/top-afa-sae at 1c7a683. For a dictionary of nearly
// orthogonal unit rows ||z|| is close to ||x||, so ||x|| is an approximate
// feature activation, AFA: a closed form that says how long the latents should
// be. The selection takes latents until they are, and the AFA loss pulls the
// two norms together.
//
// In a row, a is ReLU of the pre-activations, n the norms of the decoder rows,
// t the norm of the row less the decoder bias, and c_j the norm of the j
// largest a·n.
package afa
