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

	rows         int64   // with f̃ ≠ 0
	z, f, length float64 // Σ ‖z‖, Σ ‖f‖, Σ ‖f̃‖
	over         int64
	gap          float64
	sharp        ratioMean // ε that a row proves, by ‖f̃‖₁ and by the number of its latents
	sharpK       ratioMean
	onRecon      float64   // Σ ε_LBO with ẑ in place of z
	withoutBias  ratioMean // ε_LBO with f̃ less the bias
	identity     normIdentity
	inside       [3]int64
	correlation  correlation
	bound        *sampled // ε_LBO
	zf           *drawn[ZFRow]
	points       int // rows of the ZF plot to report
}

// ratioMean is a mean over the rows that have the figure.
type ratioMean struct {
	sum  float64
	rows int64
}

// add takes in above/below of a row where below is not 0.
func (m *ratioMean) add(above, below float64) {
	if below > 0 {
		m.sum += above / below
		m.rows++
	}
}

func (m *ratioMean) set(r *Report, name string) { r.Set(name, mean(m.sum, m.rows), m.rows) }

// norms are what a row adds.
type norms struct {
	z, f, tilde     float64 // ‖z‖², ‖f‖², ‖f̃‖²
	recon, absolute float64 // ‖ẑ‖², ‖f̃‖₁
	err             float64 // ‖z - ẑ‖², of rows for the ZF plot
	directions      int     // f̃ that are not zero, the bias counted
	row             int64
	order           uint32 // random, of the row
}

// zfPoints is how many rows the ZF plot shows.
const zfPoints = 1000

// insideBands are the half-widths e of the bands around the line ‖f̃‖ = ‖z‖.
func insideBands() [3]float64 { return [3]float64{0.25, 0.5, 1} }

func newQuasiOrthogonality(s Subject, lengths []float64, points int) *quasiOrthogonality {
	bias := norm(s.Weight("decoder.bias"))
	return &quasiOrthogonality{
		s: s, lengths: lengths, bias: bias, identity: newIdentity(s, lengths, bias),
		bound: newSampled(maxSampled), points: points, zf: &drawn[ZFRow]{most: 4 * points},
	}
}

// add takes in what was measured of the rows of s.
func (m *quasiOrthogonality) add(s *Sample) {
	for _, row := range m.of[:s.N] {
		m.addRow(row)
	}
	m.identity.add(s, m.of)
}

// measure compares a row of the given number, in the units of the encoder, with
// its code and with what that decodes to.
func (m *quasiOrthogonality) measure(z, recon []float32, index []int32, values []float32, row int64) norms {
	r := norms{z: kernel.SumSquares(z), recon: kernel.SumSquares(recon), tilde: m.bias * m.bias, absolute: m.bias, row: row}
	if m.bias > 0 {
		r.directions = 1
	}
	for e, f := range index {
		v := float64(values[e])
		r.f += v * v
		r.tilde += v * v * m.lengths[f] * m.lengths[f]
		r.absolute += abs(v) * m.lengths[f]
		if v != 0 {
			r.directions++
		}
	}
	if r.order = uint32(data.Bits(0, 0, uint64(row))); !m.zf.wants(r.order) {
		return r
	}
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
	m.bound.add(r.order, bound)
	m.zf.add(r.order, ZFRow{Row: r.row, Z: z, F: tilde, Recon: math.Sqrt(r.recon), Error: r.err})
	m.correlation.add(z, tilde)
	m.z, m.f, m.length = m.z+z, m.f+math.Sqrt(r.f), m.length+tilde
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
	m.bounds(r)
}

// bounds takes in the bounds beside the paper's own.
func (m *quasiOrthogonality) bounds(r norms) {
	missed, others := abs(r.recon-r.tilde), float64(m.s.F-1)
	if cross := r.absolute*r.absolute - r.tilde; cross > 1e-12*r.tilde {
		m.sharp.add(missed, cross)
	}
	m.sharpK.add(missed, float64(r.directions-1)*r.tilde)
	m.onRecon += missed / (others * r.tilde)
	if bare := r.tilde - m.bias*m.bias; bare > 1e-12*r.tilde {
		m.withoutBias.add(abs(r.z-bare), others*bare)
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
	r.Set("eps_lbo_q25", quantile(values, 0.25), kept)
	r.Set("eps_lbo_q75", quantile(values, 0.75), kept)
	r.Set("eps_lbo_reconstruction_mean", mean(m.onRecon, n), n)
	m.withoutBias.set(r, "eps_lbo_bias_excluded_mean")
	m.sharp.set(r, "eps_sharp_mean")
	m.sharpK.set(r, "eps_sharp_k_mean")
	m.identity.report(r)
	r.Set("decoder_bias_norm", m.bias, 0)
	r.Set("norm_z_mean", mean(m.z, n), n)
	r.Set("norm_f_mean", mean(m.f, n), n)
	r.Set("norm_f_tilde_mean", mean(m.length, n), n)
	r.Set("share_f_above_z", mean(float64(m.over), n), n)
	r.Set("pearson_z_f", m.correlation.value(), n)
	for i, name := range []string{"share_inside_e_0.25", "share_inside_e_0.5", "share_inside_e_1"} {
		r.Set(name, mean(float64(m.inside[i]), n), n)
	}
	r.Set("afa_gap_squared_mean", mean(m.gap, n), n)
	m.series(r, values, top)
	if kept < n {
		r.Warn("eps_lbo_median, eps_lbo_q99 and eps_lbo_clipped_mean are of %d rows drawn at random", kept)
	}
}

// epsilonBins are bins of the histogram of ε_LBO.
const epsilonBins = 40

// series sets the rows of the ZF plot and the histogram of ε_LBO, of ascending
// values clipped at top.
func (m *quasiOrthogonality) series(r *Report, values []float64, top float64) {
	r.ZF = m.zf.first(m.points)
	zf := Series{Definition: "ZF plot: ‖z‖ as x and ‖f̃‖ as y of up to 1,000 rows drawn at random"}
	for _, row := range r.ZF[:min(zfPoints, len(r.ZF))] {
		zf.X, zf.Y = append(zf.X, row.Z), append(zf.Y, row.F)
	}
	r.Series["zf"] = zf
	if !(top > 0) {
		return
	}
	h := Series{Definition: "rows by ε_LBO, clipped from above at its 0.99 quantile, in 40 bins closed on the left", Y: make([]float64, epsilonBins)}
	for i := range epsilonBins + 1 {
		h.X = append(h.X, top*float64(i)/epsilonBins)
	}
	for _, v := range values {
		h.Y[int(min(epsilonBins-1, v/top*epsilonBins))]++ // v may be any number of times top
	}
	r.Series["eps_lbo_histogram"] = h
}
