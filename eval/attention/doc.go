// Package attention takes apart autoencoders that were trained on the outputs
// of an attention layer: rows that are the outputs z of all heads before W_O,
// one after another (TransformerLens hook_z). It says which heads write a
// latent, from which tokens they bring it (direct feature attribution, DFA),
// and what the latent writes further on.
//
// The formulas are those of Kissane, Krzyzanowski, Bloom, Conmy and Nanda,
// "Interpreting Attention Layer Outputs with Sparse Autoencoders" (2024, arXiv
// 2406.17759), and of its code.
//
// Size letters: F latents, H heads, G key-value heads (H of them, or fewer that
// the heads share in turn: head h reads key-value head h div (H/G)), E values
// a head, D = H·E values a row, M values of the residual stream, S positions of
// a sequence. t is the position that is written, s the one that is read.
// Everything is computed in float64 from float32 inputs.
package attention
