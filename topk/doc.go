// Package topk holds the TopK and BatchTopK autoencoders.
//
// TopK (Gao et al. 2024, "Scaling and evaluating sparse autoencoders",
// section 2.3) keeps the K largest positive latents of each row; BatchTopK
// (Bussmann et al. 2024) the K·B largest of the batch, and at inference all
// above a running threshold. Dead latents are revived by AuxK (Gao et al.,
// appendix A.2): they predict the residual.
package topk
