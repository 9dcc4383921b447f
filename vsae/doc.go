// Package vsae holds the variational autoencoder with TopK (vSAE; Baker and Li
// 2025, arXiv 2509.22994), in the form that its authors evaluated and in the
// one that they describe.
//
// A latent has a posterior N(μ, σ²) with μ = ReLU(W_enc x + b_enc) and σ none,
// fixed or learned (log σ² = W_var x + b_var, clamped). In training the K
// latents of largest |z| are kept of a sample z = μ + σ·ε, signs too; after
// training z = μ. The loss adds β times the divergence KL(N(μ,σ²) || N(0,1)),
// over all latents before the choice or over those kept.
//
// With σ none or fixed the divergence is ½||μ||² and a constant. The evaluated
// models had σ none, so they are TopK with a penalty of ½β||μ||²; penalty=squares
// is that null model under its own name.
//
// Noise is a function of (seed, step, row, latent). Only the ε that can matter
// to a choice are computed: a row's K-th largest |z| so far and the leading
// zeros of the random bits rule out the others. No [B,F] matrix is formed; the
// divergence over all latents, dense by nature, goes through tiles.
package vsae
