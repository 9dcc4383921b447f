package eval

import "math"

// reconstruction measures how well x̂ meets x, under our definition and under
// each definition that other toolkits call explained variance.
type reconstruction struct {
	rows, used   int64       // used: rows with ‖x‖ > 0
	x, e         *columnSums // of x and of the error
	sum          RowSums     // over rows
	rmse         float64     // Σ ‖e‖
	in, out      float64     // Σ ‖x‖, Σ ‖x̂‖
	cosine       float64     // Σ cos(x,x̂)
	ratio        float64     // Σ ‖x̂‖/‖x‖
	normalised   float64     // Σ ‖e‖²/‖x‖²
	relL2, relL1 float64     // Σ ‖e‖/(‖x‖+1e-6), in L2 and L1
}

func newReconstruction(width int) *reconstruction {
	return &reconstruction{x: newColumnSums(width), e: newColumnSums(width)}
}

func (m *reconstruction) Add(s *Sample) {
	m.x.add(s.pool, s.N, s.Want, nil)
	m.e.add(s.pool, s.N, s.Want, s.Recon)
	for _, row := range s.Sums {
		m.addRow(row)
	}
	m.rows += int64(s.N)
}

func (m *reconstruction) addRow(row RowSums) {
	m.sum.Want += row.Want
	m.sum.Recon += row.Recon
	m.sum.Cross += row.Cross
	m.sum.Error += row.Error
	x, y, e := math.Sqrt(row.Want), math.Sqrt(row.Recon), math.Sqrt(row.Error)
	m.rmse += e
	m.in += x
	m.out += y
	m.relL2 += e / (x + 1e-6)
	m.relL1 += row.ErrorL1 / (row.WantL1 + 1e-6)
	if row.Want == 0 {
		return
	}
	m.used++
	m.ratio += y / x
	m.normalised += row.Error / row.Want
	if y > 0 {
		m.cosine += row.Cross / (x * y)
	}
}

func (m *reconstruction) Report(r *Report) {
	n, d := m.rows, float64(len(m.x.sum))
	perRow := m.sum.Error / float64(n)
	r.Set("mse", perRow, n)
	r.Set("mse_all_entries", perRow/d, n)
	r.Set("rmse_row_norm_mean", mean(m.rmse, n), n)
	r.Set("nmse_mean_of_row_ratios", mean(m.normalised, m.used), m.used)
	r.Set("nmse_ratio_of_sums", m.sum.Error/m.sum.Want, n)
	r.Set("explained_variance_about_zero", 1-m.sum.Error/m.sum.Want, n)
	square := m.sum.Want / float64(n)
	r.Set("explained_variance_saebench_0.6.0", 1-perRow/(square-square*square/(d*d)), n)
	r.Set("relative_avg_l2_loss", mean(m.relL2, n), n)
	r.Set("relative_avg_l1_loss", mean(m.relL1, n), n)
	r.Set("cosine", mean(m.cosine, m.used), m.used)
	r.Set("l2_ratio", mean(m.ratio, m.used), m.used)
	r.Set("l2_norm_in", mean(m.in, n), n)
	r.Set("l2_norm_out", mean(m.out, n), n)
	r.Set("relative_reconstruction_bias", m.sum.Recon/m.sum.Cross, n)
	if n > m.used {
		r.Warn("rows that are all zero: %d; cosine, l2_ratio and nmse_mean_of_row_ratios leave them out", n-m.used)
	}
	m.reportVariance(r)
}

// reportVariance sets the metrics that need the spread of x.
func (m *reconstruction) reportVariance(r *Report) {
	n, d := float64(m.rows), float64(len(m.x.sum))
	variance := m.x.total()
	if variance == 0 {
		r.Warn("the rows do not vary, so the metrics that divide by their variance are absent")
		return
	}
	fvu := m.sum.Error / variance
	r.Set("fvu", fvu, m.rows)
	r.Set("explained_variance", 1-fvu, m.rows)
	if m.rows > 1 {
		r.Set("frac_variance_explained", 1-m.e.total()/variance, m.rows)
	}
	r.Set("r2_uniform_average_over_dims", m.uniformR2(), m.rows)
	whole, between := 0.0, 0.0
	for j := range m.x.sum {
		whole += m.x.mean(j) / d
	}
	for j := range m.x.sum {
		between += (m.x.mean(j) - whole) * (m.x.mean(j) - whole)
	}
	r.Set("r2_overcomplete", 1-m.sum.Error/(n*d)/((variance+n*between)/(n*d)+1e-6), m.rows)
}

// uniformR2 is the mean over columns of R². A column that does not vary counts
// 1 when it is met and 0 when it is not, as in scikit-learn.
func (m *reconstruction) uniformR2() float64 {
	sum := 0.0
	for j := range m.x.sum {
		missed := m.e.scatter(j) + float64(m.rows)*m.e.mean(j)*m.e.mean(j)
		switch v := m.x.scatter(j); {
		case v > 0:
			sum += 1 - missed/v
		case missed == 0:
			sum++
		}
	}
	return sum / float64(len(m.x.sum))
}

func reconstructionDefinitions() []Definition {
	const lens, bench = "sae-lens 6.54 evals ", "SAEBench 0.6.0 core "
	return inFamily("reconstruction", []Definition{
		{Name: "fvu", Formula: "Σ‖e‖² / Σ‖x - mean(x)‖², sums and mean over all rows", Source: "fraction of variance unexplained", Equals: "sparsify FVU, on all rows as one batch"},
		{Name: "explained_variance", Formula: "1 - fvu; the mean of the rows predicted for every row scores 0", Source: "complement of fvu", Equals: lens + "explained_variance (6.45 and later)"},
		{Name: "mse", Formula: "mean over rows of ‖e‖², summed over the D values of a row", Unit: "squared units of the dump", Source: "Gao et al. 2024, section 2", Equals: lens + "mse"},
		{Name: "cosine", Formula: "mean of <x,x̂> / (‖x‖‖x̂‖), 0 where x̂ = 0, over rows with x ≠ 0", Source: "direction without length", Equals: lens + "cossim; " + bench + "cossim"},
		{Name: "l2_ratio", Formula: "mean of ‖x̂‖ / ‖x‖ over rows with x ≠ 0; below 1 is shrinkage", Source: "shrinkage", Equals: lens + "l2_ratio; " + bench + "l2_ratio"},
		{Name: "relative_reconstruction_bias", Formula: "mean ‖x̂‖² / mean <x,x̂>; 1 when no rescaling of x̂ would help", Source: "Rajamanoharan et al. 2024 (gated SAE), section 3", Equals: lens + "relative_reconstruction_bias, all rows as one batch"},
		{Name: "l2_norm_in", Formula: "mean ‖x‖", Unit: "units of the dump", Source: "scale of the rows", Equals: lens + "l2_norm_in"},
		{Name: "l2_norm_out", Formula: "mean ‖x̂‖", Unit: "units of the dump", Source: "scale of the reconstructions", Equals: lens + "l2_norm_out"},
		{Name: "mse_all_entries", Formula: "mean over rows and values of e²", Unit: "squared units of the dump", Source: "mse / D"},
		{Name: "rmse_row_norm_mean", Formula: "mean ‖e‖", Unit: "units of the dump", Source: "error as a length", Equals: "dictionary_learning 0.1.0 l2_loss; overcomplete 0.3.0 avg_l2_loss"},
		{Name: "nmse_mean_of_row_ratios", Formula: "mean of ‖e‖² / ‖x‖² over rows with x ≠ 0; no mean is taken off", Source: "Gao et al. 2024", Equals: "openai/sparse_autoencoder normalized_mean_squared_error"},
		{Name: "nmse_ratio_of_sums", Formula: "Σ‖e‖² / Σ‖x‖²", Source: "1 - explained_variance_about_zero"},
		{Name: "frac_variance_explained", Formula: "1 - Σ_d Var(e_d) / Σ_d Var(x_d); a constant error costs nothing", Source: "variance of the error about its own mean", Equals: "dictionary_learning 0.1.0 frac_variance_explained, all rows as one batch"},
		{Name: "explained_variance_about_zero", Formula: "1 - Σ‖e‖² / Σ‖x‖²; flatters rows with a large mean", Source: "no mean is taken off"},
		{Name: "explained_variance_saebench_0.6.0", Formula: "1 - mean‖e‖² / (S - (S/D)²), S = mean‖x‖²; what that release computes in place of a variance, for comparison only", Source: "SAEBench issue 76", Equals: bench + "explained_variance"},
		{Name: "r2_uniform_average_over_dims", Formula: "mean over values d of 1 - Σe_d² / Σ(x_d - mean x_d)²; where x_d does not vary 1 if it is met, else 0", Source: "each value counts the same", Equals: "scikit-learn r2_score uniform_average"},
		{Name: "r2_overcomplete", Formula: "1 - mean(e²) / (mean((x - g)²) + 1e-6), means over all entries, g the one mean of all entries of x", Source: "R² about a single number", Equals: "overcomplete 0.3.0 r2_score"},
		{Name: "relative_avg_l2_loss", Formula: "mean of ‖e‖₂ / (‖x‖₂ + 1e-6)", Source: "relative length of the error", Equals: "overcomplete 0.3.0 relative_avg_l2_loss"},
		{Name: "relative_avg_l1_loss", Formula: "mean of ‖e‖₁ / (‖x‖₁ + 1e-6)", Source: "relative length of the error", Equals: "overcomplete 0.3.0 relative_avg_l1_loss"},
	})
}
