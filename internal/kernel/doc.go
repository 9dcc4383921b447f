// Package kernel holds the float32 loops of saectl: vector and matrix
// products, the selection of active latents, Adam, and the pool of threads
// that runs them. It knows nothing of graphs or files.
//
// Matrices are row-major slices. Size letters: B rows in a batch, D activation
// width, F latents, K active a row. Slices are borrowed for the length of a
// call and never kept. Lengths that do not fit are a programming error and
// panic, as indexing out of range does.
//
// Every sum has one order, whatever the number of threads. Results are equal
// bit for bit for one set of kernels; see Name for which set runs.
package kernel
