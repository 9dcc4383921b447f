package eval

import "fmt"

func dictionaryDefinitions() []Definition {
	const pairs = "over ordered pairs i ≠ j, c = cosine of decoder rows"
	list := []Definition{
		{Name: "coherence_max", Formula: "max |c| " + pairs, Source: "mutual coherence, Donoho and Huo 2001", Equals: "overcomplete 0.3.0 dictionary_collinearity, which adds 1e-6 to norms"},
		{Name: "coherence_mean", Formula: "mean |c| " + pairs, Source: "average coherence"},
		{Name: "max_cosine_signed", Formula: "max c " + pairs, Source: "coherence without pairs that point apart"},
		{Name: "min_cosine_signed", Formula: "min c " + pairs, Source: "most opposite pair"},
		{Name: "mean_cosine_signed", Formula: "mean c " + pairs, Source: "0 for a balanced dictionary"},
		{Name: "rms_cosine", Formula: "√(mean c²) " + pairs, Source: "at least the Welch bound where F > D"},
		{Name: "welch_bound", Formula: "√((F - D) / (D(F - 1))), the least coherence_max that F unit rows can have", Source: "Welch 1974"},
		{Name: "average_max_decoder_cosine_sim", Formula: "mean over latents of the largest signed cosine to another decoder row", Source: "nearest neighbours", Equals: "SAEBench 0.6.0 core, same name"},
		{Name: "average_max_encoder_cosine_sim", Formula: "mean over latents of the largest signed cosine to another encoder row", Source: "nearest neighbours", Equals: "SAEBench 0.6.0 core, same name"},
		{Name: "encoder_decoder_cosine_mean", Formula: "mean over latents of the cosine of encoder and decoder row", Source: "1 for tied weights", Equals: "sae-lens 6.54 and SAEBench 0.6.0 encoder_decoder_cosine_sim, averaged"},
		{Name: "encoder_norm_mean", Formula: "mean ‖encoder row‖", Source: "lengths of rows", Equals: "sae-lens 6.54 encoder_norm, averaged"},
		{Name: "decoder_norm_mean", Formula: "mean ‖decoder row‖", Source: "lengths of rows"},
		{Name: "decoder_norm_min", Formula: "smallest ‖decoder row‖", Source: "lengths of rows"},
		{Name: "decoder_norm_max", Formula: "largest ‖decoder row‖", Source: "lengths of rows"},
		{Name: "epsilon_max_raw_gram", Formula: "max of <w_i,w_j>, signed, i ≠ j, decoder rows not normalised", Source: "top-afa-sae 1c7a683", Equals: "top-afa epsilon_max"},
		{Name: "epsilon_mean_raw_gram", Formula: "mean of <w_i,w_j>, signed, i ≠ j, decoder rows not normalised", Source: "top-afa-sae 1c7a683", Equals: "top-afa epsilon_mean"},
		{Name: "frobenius_unit_gram_minus_identity", Formula: "‖G - I‖_F, G the cosines of decoder rows", Source: "distance from an orthonormal dictionary"},
		{Name: "frobenius_raw_gram_minus_identity", Formula: "‖W_dec W_decᵀ - I‖_F", Source: "distance from an orthonormal dictionary"},
		{Name: "stable_rank_decoder", Formula: "‖W_dec‖_F² / ‖W_dec‖₂², the second the largest singular value", Source: "directions that the dictionary spans"},
		{Name: "energy_of_codes_sum", Formula: "Σ over latents of ‖mean(f)·decoder row‖", Source: "share of each latent in the mean reconstruction", Equals: "overcomplete 0.3.0 energy_of_codes, summed"},
	}
	for _, t := range []int{90, 95, 99} {
		list = append(list, Definition{Name: fmt.Sprintf("duplicates_%d", t), Formula: fmt.Sprintf("latents with a decoder row at a signed cosine above 0.%d to another", t), Unit: "latents", Source: "features found twice"})
	}
	list = append(list, Definition{Name: "babel_k", Formula: "Babel function at order k = l0, rounded: the largest sum over latents of the k largest |c| to others", Source: "Tropp 2004, cumulative coherence"})
	for _, o := range babelOrders() {
		list = append(list, Definition{Name: fmt.Sprintf("babel_%d", o), Formula: fmt.Sprintf("Babel function at order %d: the largest sum over latents of that many largest |c| to others", o), Source: "Tropp 2004, cumulative coherence"})
	}
	return inFamily("dictionary", list)
}

func coactivationDefinitions() []Definition {
	list := []Definition{
		{Name: "effective_rank_codes", Formula: "exp(-Σp ln p), p the eigenvalues of fᵀf scaled to sum 1; of 256 rows drawn at random where F is over 256", Source: "Roy and Vetterli 2007"},
		{Name: "effective_rank_unit_codes", Formula: "the same with the codes of each row scaled to norm 1", Source: "Roy and Vetterli 2007"},
		{Name: "connectivity_1_minus_nnz_share", Formula: "1 - ordered pairs of latents, the diagonal counted, that are active on a common row / F²", Source: "connectivity of MP-SAE's library code"},
		{Name: "codes_correlation_max_abs", Formula: "largest |covariance (N-1) / (sd_i sd_j + 1e-6)| of two latents; F up to 32,768", Source: "redundant latents", Equals: "overcomplete 0.3.0 codes_correlation_matrix, maximum"},
		{Name: "negative_interference_spectral_norm", Formula: "‖relu(-(fᵀf)∘(W_dec W_decᵀ))‖₂, entry-wise product; F up to 1,024", Source: "interference of MP-SAE's library code"},
		{Name: "coactive_pair_abs_cosine_row_mean_then_mean", Formula: "mean |cosine| of decoder rows over the pairs active on a row, averaged over rows with 2 or more", Source: "conditional orthogonality, MP-SAE"},
		{Name: "coactive_pair_abs_cosine_row_max_then_mean", Formula: "largest |cosine| of decoder rows over the pairs active on a row, averaged over rows with 2 or more", Source: "conditional orthogonality, MP-SAE"},
	}
	list = append(list, Definition{Name: "residual_cosine_max_mean", Formula: "largest |cosine| of what is left of a row, z - f·W_dec - b_dec, with a decoder row active on it, averaged over rows with some of both", Source: "residual orthogonality, MP-SAE"})
	for o := 1; o <= 8; o++ {
		list = append(list, Definition{Name: fmt.Sprintf("babel_coactivated_%d", o), Formula: fmt.Sprintf("Babel function at order %d among the decoder rows active on a row, averaged over rows with more than %d", o, o), Source: "co-activated Babel, MP-SAE"})
	}
	return inFamily("latents that are active together", list)
}
