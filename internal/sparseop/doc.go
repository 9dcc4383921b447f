// Package sparseop holds the operations of a sparse autoencoder as Gorgonia
// ops: a selection and three products that are closed under differentiation,
// and the few reductions that codes need.
//
// Latents are never a [B,F] matrix. The latents of a batch are codes: a
// Support (which latents of each row) that carries no gradient, and a node of
// values on it that does. A values node has a fixed capacity, because
// Gorgonia fixes shapes when a graph is built; the support counts how many
// entries are in use and the tail is zero. Only ops of this package reduce
// over entries, so the capacity changes no bit of a result.
//
// Sizes: B rows of a batch, D width of an activation, F latents, C capacity
// of a values node, n entries in use.
//
// Ops come in float32, on the loops of internal/kernel, and in float64, in
// plain Go, for checking gradients.
package sparseop
