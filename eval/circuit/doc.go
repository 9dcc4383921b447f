// Package circuit looks for the attention heads that a behaviour needs, from
// codes alone: a small autoencoder turns each head's output on each example
// into one number, and heads that use numbers on examples with the behaviour
// (positive) which never occur without it (negative) are taken for the circuit.
// O'Neill and Bui, "Sparse Autoencoders Enable Scalable and Reliable Circuit
// Identification in Language Models" (2024, arXiv 2405.12522), and its code.
//
// Size letters: E examples, H heads of all layers, layer by layer, D values a
// head writes, F latents, N rows of a batch (E·H).
package circuit
