// Package eval measures a trained autoencoder on rows of a dump and shows what
// its latents do. Run makes one pass over the rows for all metrics and gives a
// Report; Inspect describes single latents; Compare sets a report against a
// baseline. It reads data.Source batches and an encoder such as sae.Model, and
// its results are printed by cmd/saectl.
//
// Sums are in float64 and in the order of the rows, so that a figure does not
// depend on the size of a batch or the number of threads, bit for bit. A
// figure that is not defined on the rows given (a cosine of nothing, a
// variance of one row) is absent from the report, never NaN.
//
// Size letters as in package sae: B rows in a batch, N rows in all, D
// activation width, F latents, K latents kept in a row. x is a row in the
// dump's own units, x̂ its reconstruction in the same units, e = x - x̂, f the
// values of its latents, W_dec [F,D] the decoder.
package eval
