// Package baselines holds the autoencoders whose sparsity is a penalty: ReLU
// with L1 (Bricken et al. 2023; weighted by decoder norms as in Anthropic's
// update of April 2024), gated (Rajamanoharan et al. 2024, arXiv 2404.16014)
// and JumpReLU (Rajamanoharan et al. 2024, arXiv 2407.14435).
//
// A row keeps as many latents as the penalty leaves it. The penalty's weight
// is a coefficient, or is steered by a controller to a number of latents
// (Penalty.TargetL0).
//
// Parameters beside encoder.weight [F,D], encoder.bias [F], decoder.weight
// [F,D] and decoder.bias [D]: gated has no encoder.bias but gate.bias [F],
// magnitude.bias [F] and magnitude.log_scale [F]; JumpReLU has threshold [F].
//
// Early in training half of all latents may be positive. Products then go over
// whole tiles of latents (internal/sparseop), until they are sparse.
package baselines
