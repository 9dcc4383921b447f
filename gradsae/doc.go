// Package gradsae holds g-SAE (Olmo et al. 2024, "Features that Make a
// Difference: Leveraging Gradients for Improved Dictionary Learning", arXiv
// 2411.10397): TopK that chooses latents by more than their size.
//
// With z the pre-activation of a latent, d its decoder row and g the gradient
// of the language model's loss at the row x, a latent is ranked by
//
//	s = z·(1 + β·|<g,d>|)
//
// since taking it out of the reconstruction changes the loss by about -z·<g,d>.
// β = 0 is TopK. The gradient is data: nothing is differentiated twice, and the
// choice itself carries no gradient.
//
// The paper's text, with β, the loss and what it keeps, was not at hand; the
// formula is that of its figure 1. Where that leaves a choice, there is a
// setting. The g of an evaluation has seen the tokens that are to be predicted,
// so that a trained autoencoder does without it unless eval_score asks for it.
package gradsae
