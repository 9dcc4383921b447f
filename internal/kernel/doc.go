// Package kernel holds the float32 loops of saectl: vector and matrix
// products, the selection of active latents, Adam, and the pool of threads
// that runs them. It knows nothing of graphs or files.
//
// Matrices are row-major slices. Size letters: B rows in a batch, D activation
// width, F latents, K active a row. Slices are borrowed for the length of a
// call and never kept. Lengths that do not fit are a programming error and
// panic, as indexing out of range does.
//
// Loops are written for AVX-512 and AVX2 by internal/asmgen, and in plain Go
// for every other processor and under the build tag purego. The best set that
// the processor runs is chosen when the program starts; the variable
// SAECTL_KERNELS (avx512, avx2, generic) names a lower one. See Name.
//
// Every sum has one order, whatever the number of threads. Results are equal
// bit for bit for one set of kernels; sets differ in the last bits, since they
// add in other orders. What is scored for selection is scored by Dot, so that
// no faster path changes a choice.
package kernel
