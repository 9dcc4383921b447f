package eval

func afaDefinitions() []Definition {
	const paper, note = "Top-AFA paper, arXiv 2503.24277", "f̃ = (f_j‖d_j‖, ‖b_dec‖), z the row in the encoder's units"
	return inFamily("quasi-orthogonality", []Definition{
		{Name: "eps_lbo_mean", Formula: "mean of ε_LBO = |‖z‖² - ‖f̃‖²| / ((F - 1)‖f̃‖²); " + note, Source: paper},
		{Name: "eps_lbo_median", Formula: "median of ε_LBO", Source: paper, Equals: "top-afa-sae 1c7a683 zf-plot notebook"},
		{Name: "eps_lbo_q25", Formula: "0.25 quantile of ε_LBO, linear interpolation", Source: paper},
		{Name: "eps_lbo_q75", Formula: "0.75 quantile of ε_LBO, linear interpolation", Source: paper},
		{Name: "eps_lbo_q99", Formula: "0.99 quantile of ε_LBO, linear interpolation", Source: paper},
		{Name: "eps_lbo_clipped_mean", Formula: "mean of ε_LBO clipped from above at its 0.99 quantile", Source: paper},
		{Name: "eps_sharp_mean", Formula: "mean of |‖ẑ‖² - ‖f̃‖²| / (‖f̃‖₁² - ‖f̃‖²), ẑ = f·W_dec + b_dec: a lower bound of the coherence that each row proves", Source: "middle step of the same proof, on the reconstruction"},
		{Name: "eps_sharp_k_mean", Formula: "mean of |‖ẑ‖² - ‖f̃‖²| / ((k - 1)‖f̃‖²), k the f̃ that are not zero, over rows with 2 or more: the same by the number of latents", Source: "‖f̃‖₁² ≤ k‖f̃‖² in the same step"},
		{Name: "eps_lbo_reconstruction_mean", Formula: "mean of ε_LBO with ẑ in place of z: geometry without the error of reconstruction", Source: "beside the paper's bound"},
		{Name: "eps_lbo_bias_excluded_mean", Formula: "mean of ε_LBO with f̃ less the bias, over rows with a latent", Source: "beside the paper's bound"},
		{Name: "norm_identity_error", Formula: "largest |‖ẑ‖² - ‖f̃‖² - Σ_{i≠j} f̃_i f̃_j c_ij| / ‖ẑ‖², c cosines of decoder rows and bias, of the first 16 rows and one in 64 of the others, until their pairs are too many: rounding, if ẑ is the sum that the theory takes it for", Source: "equation 1 of the proof, on the data"},
		{Name: "decoder_bias_norm", Formula: "‖b_dec‖, the least ‖f̃‖ that a row can have", Source: "lower edge of the ZF plot"},
		{Name: "norm_z_mean", Formula: "mean ‖z‖", Source: "x axis of the ZF plot"},
		{Name: "norm_f_mean", Formula: "mean ‖f‖, decoder norms not folded in, the bias not counted", Source: "AFA loss of the same paper"},
		{Name: "norm_f_tilde_mean", Formula: "mean ‖f̃‖", Source: "y axis of the ZF plot"},
		{Name: "share_f_above_z", Formula: "share of rows with ‖f̃‖ > ‖z‖: over-activated", Source: "ZF plot"},
		{Name: "pearson_z_f", Formula: "Pearson correlation of ‖z‖ and ‖f̃‖ over rows", Source: "ZF plot"},
		{Name: "share_inside_e_0.25", Formula: "share of rows with ε_LBO ≤ 0.25 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "share_inside_e_0.5", Formula: "share of rows with ε_LBO ≤ 0.5 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "share_inside_e_1", Formula: "share of rows with ε_LBO ≤ 1 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "afa_gap_squared_mean", Formula: "mean of (‖f‖ - ‖z‖)², decoder norms not folded in", Source: "AFA loss of the same paper", Equals: "top-afa-sae 1c7a683 AFA loss"},
	})
}
