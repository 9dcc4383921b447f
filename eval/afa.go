package eval

import (
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
)

// quasiOrthogonality compares the norm of the latents with that of the row:
// the ZF plot and ε_LBO of the Top-AFA paper. The theory wants unit decoder
// rows, so f̃ = (f_j‖d_j‖, ‖b_dec‖) folds their norms in and counts the bias as
// one more latent. z and ẑ are the row and its reconstruction in the units the
// encoder works in, the bias not taken off.
type quasiOrthogonality struct {
	s       Subject
	lengths []float64 // [F] ‖d_j‖
	bias    float64   // ‖b_dec‖
	of      []norms   // [N] of the batch
	scaled  scaler

	rows        int64 // with f̃ ≠ 0
	length      float64
	over        int64
	gap         float64
	sharp       float64
	sharpRows   int64
	inside      [3]int64
	correlation correlation
	bound       *sampled // ε_LBO
	zf          *zfSample
}

// norms are what a row adds.
type norms struct {
	z, f, tilde     float64 // ‖z‖², ‖f‖², ‖f̃‖²
	recon, absolute float64 // ‖ẑ‖², ‖f̃‖₁
	err             float64 // ‖z - ẑ‖²
	row             int64
}

// zfPoints is how many rows the ZF plot shows.
const zfPoints = 1000

// insideBands are the half-widths e of the bands around the line ‖f̃‖ = ‖z‖.
func insideBands() [3]float64 { return [3]float64{0.25, 0.5, 1} }

// newQuasiOrthogonality returns nil where the decoder does not predict rows.
func newQuasiOrthogonality(s Subject) *quasiOrthogonality {
	w := s.Weight("decoder.weight")
	if s.Transcoder || len(w) != s.F*s.D || s.F < 2 {
		return nil
	}
	m := &quasiOrthogonality{s: s, scaled: scaler{scale: s.Scale}, bound: &sampled{most: maxSampled}, zf: &zfSample{most: 4 * zfPoints}}
	for i := range s.F {
		m.lengths = append(m.lengths, norm(w[i*s.D:(i+1)*s.D]))
	}
	m.bias = norm(s.Weight("decoder.bias"))
	return m
}

func (m *quasiOrthogonality) Add(s *Sample) {
	x := m.scaled.rows(s)
	if len(m.of) < s.N {
		m.of = make([]norms, s.N)
	}
	recon := make([][]float32, s.pool.Threads())
	s.pool.Run((s.N+rowChunk-1)/rowChunk, task(func(worker, item int) {
		if recon[worker] == nil {
			recon[worker] = make([]float32, s.D)
		}
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			index, values := s.Codes.Row(i)
			m.of[i] = m.measure(x[i*s.D:(i+1)*s.D], index, values, recon[worker])
			m.of[i].row = s.rowNumber(i)
		}
	}))
	for _, row := range m.of[:s.N] {
		m.addRow(row)
	}
}

func (m *quasiOrthogonality) measure(z []float32, index []int32, values []float32, recon []float32) norms {
	r := norms{z: kernel.SumSquares(z), tilde: m.bias * m.bias, absolute: m.bias}
	for e, f := range index {
		v := float64(values[e])
		r.f += v * v
		r.tilde += v * v * m.lengths[f] * m.lengths[f]
		r.absolute += abs(v) * m.lengths[f]
	}
	clear(recon)
	copy(recon, m.s.Weight("decoder.bias"))
	kernel.SumRows(recon, values, m.s.Weight("decoder.weight"), index)
	r.recon = kernel.SumSquares(recon)
	for i, v := range z {
		e := float64(v) - float64(recon[i])
		r.err += e * e
	}
	return r
}

func (m *quasiOrthogonality) addRow(r norms) {
	if r.tilde == 0 {
		return
	}
	m.rows++
	z, tilde := math.Sqrt(r.z), math.Sqrt(r.tilde)
	bound := abs(r.z-r.tilde) / (float64(m.s.F-1) * r.tilde)
	order := uint32(data.Bits(0, 0, uint64(r.row)))
	m.bound.add(order, bound)
	m.zf.add(order, ZFRow{Row: r.row, Z: z, F: tilde, Recon: math.Sqrt(r.recon), Error: r.err})
	m.correlation.add(z, tilde)
	m.length += tilde
	if tilde > z {
		m.over++
	}
	for i, e := range insideBands() {
		if bound <= e/float64(m.s.F-1) {
			m.inside[i]++
		}
	}
	gap := math.Sqrt(r.f) - z
	m.gap += gap * gap
	if cross := r.absolute*r.absolute - r.tilde; cross > 1e-12*r.tilde {
		m.sharp += abs(r.recon-r.tilde) / cross
		m.sharpRows++
	}
}

func (m *quasiOrthogonality) Report(r *Report) {
	n := m.rows
	values := m.bound.sorted()
	kept := int64(len(values))
	r.Set("eps_lbo_mean", m.bound.mean(), n)
	r.Set("eps_lbo_median", quantile(values, 0.5), kept)
	top := quantile(values, 0.99)
	r.Set("eps_lbo_q99", top, kept)
	clipped := 0.0
	for _, v := range values {
		clipped += min(v, top)
	}
	r.Set("eps_lbo_clipped_mean", mean(clipped, kept), kept)
	r.Set("eps_sharp_mean", mean(m.sharp, m.sharpRows), m.sharpRows)
	r.Set("norm_f_tilde_mean", mean(m.length, n), n)
	r.Set("share_f_above_z", mean(float64(m.over), n), n)
	r.Set("pearson_z_f", m.correlation.value(), n)
	for i, name := range []string{"share_inside_e_0.25", "share_inside_e_0.5", "share_inside_e_1"} {
		r.Set(name, mean(float64(m.inside[i]), n), n)
	}
	r.Set("afa_gap_squared_mean", mean(m.gap, n), n)
	r.ZF = m.zf.first(zfPoints)
	zf := Series{Definition: "ZF plot: ‖z‖ as x and ‖f̃‖ as y of up to 1,000 rows drawn at random"}
	for _, row := range r.ZF {
		zf.X, zf.Y = append(zf.X, row.Z), append(zf.Y, row.F)
	}
	r.Series["zf"] = zf
	if kept < n {
		r.Warn("eps_lbo_median, eps_lbo_q99 and eps_lbo_clipped_mean are of %d rows drawn at random", kept)
	}
}

func afaDefinitions() []Definition {
	const paper, note = "Top-AFA paper, arXiv 2503.24277", "f̃ = (f_j‖d_j‖, ‖b_dec‖), z the row in the encoder's units"
	return inFamily("quasi-orthogonality", []Definition{
		{Name: "eps_lbo_mean", Formula: "mean of ε_LBO = |‖z‖² - ‖f̃‖²| / ((F - 1)‖f̃‖²); " + note, Source: paper},
		{Name: "eps_lbo_median", Formula: "median of ε_LBO", Source: paper, Equals: "top-afa-sae 1c7a683 zf-plot notebook"},
		{Name: "eps_lbo_q99", Formula: "0.99 quantile of ε_LBO, linear interpolation", Source: paper},
		{Name: "eps_lbo_clipped_mean", Formula: "mean of ε_LBO clipped from above at its 0.99 quantile", Source: paper},
		{Name: "eps_sharp_mean", Formula: "mean of |‖ẑ‖² - ‖f̃‖²| / (‖f̃‖₁² - ‖f̃‖²), ẑ = f·W_dec + b_dec: a lower bound of the coherence that each row proves", Source: "middle step of the same proof, on the reconstruction"},
		{Name: "norm_f_tilde_mean", Formula: "mean ‖f̃‖", Source: "y axis of the ZF plot"},
		{Name: "share_f_above_z", Formula: "share of rows with ‖f̃‖ > ‖z‖: over-activated", Source: "ZF plot"},
		{Name: "pearson_z_f", Formula: "Pearson correlation of ‖z‖ and ‖f̃‖ over rows", Source: "ZF plot"},
		{Name: "share_inside_e_0.25", Formula: "share of rows with ε_LBO ≤ 0.25 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "share_inside_e_0.5", Formula: "share of rows with ε_LBO ≤ 0.5 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "share_inside_e_1", Formula: "share of rows with ε_LBO ≤ 1 / (F - 1)", Source: "bands of the ZF plot"},
		{Name: "afa_gap_squared_mean", Formula: "mean of (‖f‖ - ‖z‖)², decoder norms not folded in", Source: "AFA loss of the same paper", Equals: "top-afa-sae 1c7a683 AFA loss"},
	})
}
