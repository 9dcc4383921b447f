package circuit

import (
	"context"
	"fmt"
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
)

// The axes along which the decoder is kept at norm 1.
const (
	// AxisOutputs keeps, for each of the D outputs, its values over the latents
	// at norm 1, as the paper's code does.
	AxisOutputs = "outputs"
	// AxisAtoms keeps each latent's decoder row at norm 1, as is usual.
	AxisAtoms = "atoms"
)

// Settings are those of the discrete autoencoder.
type Settings struct {
	Latents int     `json:"latents"` // F
	Lambda  float64 `json:"lambda"`  // weight of Σ f
	Axis    string  `json:"decoder_norm_axis"`
	Steps   int     `json:"steps"` // each on all training rows
	Rate    float64 `json:"lr"`
}

// DefaultSettings are those of the paper's main results.
func DefaultSettings() Settings {
	return Settings{Latents: 200, Lambda: 0.02, Axis: AxisOutputs, Steps: 500, Rate: 1e-3}
}

// Validate names a setting that cannot be met.
func (s Settings) Validate() error {
	switch {
	case s.Latents < 1 || s.Steps < 0:
		return fmt.Errorf("latents is %d and steps %d; give 1 or more, and 0 or more", s.Latents, s.Steps)
	case !(s.Lambda >= 0) || math.IsInf(s.Lambda, 0) || !(s.Rate > 0) || math.IsInf(s.Rate, 0):
		return fmt.Errorf("lambda is %v and lr %v; give a number from 0 up, and one above 0", s.Lambda, s.Rate)
	case s.Axis != AxisOutputs && s.Axis != AxisAtoms:
		return fmt.Errorf("the decoder's axis is %q; give %s or %s", s.Axis, AxisOutputs, AxisAtoms)
	}
	return nil
}

// A Discrete is the autoencoder of the paper: f = ReLU((x - b)·W_encᵀ + b_enc),
// x̂ = f·W_dec + b with one bias b for both, a unit norm for each encoder row,
// and the loss mean (x - x̂)² over all numbers + λ·mean Σ f over rows. It is fitted
// on all its rows at once, which are few. It is not safe for concurrent use.
type Discrete struct {
	Encoder     []float32 // [F,D]
	EncoderBias []float32 // [F]
	Decoder     []float32 // [F,D]
	Bias        []float32 // [D]

	s Settings
	d int

	gemm     *kernel.GEMM
	centred  []float32 // [N,D] x - b
	code     []float32 // [N,F]
	recon    []float32 // [N,D]
	gradient [4][]float32
	moments  [8][]float32
	step     int
	onCode   []float32 // [N,F] gradient
}

// A Loss is the loss of one step, before the step.
type Loss struct {
	MSE, L1 float64 // L1 is not yet weighted
}

// NewDiscrete draws weights for rows of d values: normal, then brought to their
// norms; biases of the encoder uniform in ±1/√D, b = 0.
func NewDiscrete(d int, s Settings, seed uint64, pool *kernel.Pool) *Discrete {
	m := &Discrete{
		Encoder: make([]float32, s.Latents*d), EncoderBias: make([]float32, s.Latents),
		Decoder: make([]float32, s.Latents*d), Bias: make([]float32, d), s: s, d: d, gemm: kernel.NewGEMM(pool),
	}
	data.NormalFill(m.Encoder, seed, streamEncoder)
	data.NormalFill(m.Decoder, seed, streamDecoder)
	for i := range m.EncoderBias {
		m.EncoderBias[i] = float32((2*data.Uniform(seed, streamBias, uint64(i)) - 1) / math.Sqrt(float64(d)))
	}
	return m
}

// Random streams of a trial.
const (
	streamEncoder = iota + 1
	streamDecoder
	streamBias
	streamTrain
	streamExamples
)

func (m *Discrete) params() [4][]float32 {
	return [4][]float32{m.Encoder, m.Decoder, m.EncoderBias, m.Bias}
}

// strides are where the vectors of norm 1 lie in a matrix [F,D]: first entries
// begin apart, and the entries of one lie step apart.
func (m *Discrete) strides(decoder bool) (count, apart, length, step int) {
	if decoder && m.s.Axis == AxisOutputs {
		return m.d, 1, m.s.Latents, m.d
	}
	return m.s.Latents, m.d, m.d, 1
}

// normalise brings encoder and decoder to their norms.
func (m *Discrete) normalise() {
	for k, w := range [][]float32{m.Encoder, m.Decoder} {
		count, apart, length, step := m.strides(k == 1)
		for i := range count {
			sum := 0.0
			for j := range length {
				v := float64(w[i*apart+j*step])
				sum += v * v
			}
			inverse := 1 / math.Sqrt(sum)
			if sum == 0 {
				inverse = 0
			}
			for j := range length {
				w[i*apart+j*step] = float32(float64(w[i*apart+j*step]) * inverse)
			}
		}
	}
}

// project takes from the gradient g of a matrix w the part along its vectors
// of norm 1.
func (m *Discrete) project(g, w []float32, decoder bool) {
	count, apart, length, step := m.strides(decoder)
	for i := range count {
		inner, square := 0.0, 0.0
		for j := range length {
			at := i*apart + j*step
			inner += float64(g[at]) * float64(w[at])
			square += float64(w[at]) * float64(w[at])
		}
		if square == 0 {
			continue
		}
		c := inner / math.Sqrt(square)
		for j := range length {
			at := i*apart + j*step
			g[at] -= float32(c * float64(w[at]))
		}
	}
}

// encode sets code [N,F] of rows x [N,D].
func (m *Discrete) encode(x []float32) {
	n := len(x) / m.d
	m.centred, m.code = reuse.Slice(m.centred, n*m.d), reuse.Slice(m.code, n*m.s.Latents)
	for i := range n {
		kernel.Sub(m.centred[i*m.d:(i+1)*m.d], x[i*m.d:(i+1)*m.d], m.Bias)
		copy(m.code[i*m.s.Latents:(i+1)*m.s.Latents], m.EncoderBias)
	}
	m.gemm.NT(m.code, m.centred, m.Encoder, n, m.s.Latents, m.d, true)
	for i, v := range m.code {
		m.code[i] = max(v, 0)
	}
}

// forward sets code and recon, and returns the loss.
func (m *Discrete) forward(x []float32) Loss {
	m.encode(x)
	n := len(x) / m.d
	m.recon = reuse.Slice(m.recon, n*m.d)
	for i := range n {
		copy(m.recon[i*m.d:(i+1)*m.d], m.Bias)
	}
	m.gemm.NN(m.recon, m.code, m.Decoder, n, m.d, m.s.Latents, true)
	l1 := 0.0
	for _, v := range m.code {
		l1 += float64(v)
	}
	return Loss{MSE: kernel.SquaredError(x, m.recon) / float64(len(x)), L1: l1 / float64(n)}
}

// backward sets the gradients after forward.
func (m *Discrete) backward(x []float32) {
	n, f := len(x)/m.d, m.s.Latents
	for i, p := range m.params() {
		m.gradient[i] = reuse.Slice(m.gradient[i], len(p))
	}
	onRecon := m.recon
	kernel.ScaledDifference(onRecon, float32(2/float64(len(x))), m.recon, x)
	m.onCode = reuse.Slice(m.onCode, n*f)
	m.gemm.NT(m.onCode, onRecon, m.Decoder, n, f, m.d, false)
	push := float32(m.s.Lambda / float64(n))
	for i, v := range m.code {
		m.onCode[i] += push
		if v <= 0 {
			m.onCode[i] = 0
		}
	}
	m.gemm.TN(m.gradient[0], m.onCode, m.centred, f, m.d, n, false)
	m.gemm.TN(m.gradient[1], m.code, onRecon, f, m.d, n, false)
	clear(m.gradient[2])
	clear(m.gradient[3])
	for i := range n {
		kernel.Add(m.gradient[2], m.onCode[i*f:(i+1)*f])
		kernel.Add(m.gradient[3], onRecon[i*m.d:(i+1)*m.d])
	}
	for j, v := range m.gradient[2] { // x - b is what the encoder sees
		kernel.Axpy(m.gradient[3], -v, m.Encoder[j*m.d:(j+1)*m.d])
	}
}

// Step takes one step of Adam (betas 0.9 and 0.999, epsilon 1e-8) on rows x
// [N,D] and returns the loss before it.
func (m *Discrete) Step(x []float32) Loss {
	m.normalise()
	loss := m.forward(x)
	m.backward(x)
	m.project(m.gradient[0], m.Encoder, false)
	m.project(m.gradient[1], m.Decoder, true)
	m.step++
	adam := kernel.NewAdamStep(m.s.Rate, 0.9, 0.999, 1e-8, m.step)
	for i, p := range m.params() {
		if m.moments[2*i] == nil {
			m.moments[2*i], m.moments[2*i+1] = make([]float32, len(p)), make([]float32, len(p))
		}
		kernel.Adam(p, m.gradient[i], m.moments[2*i], m.moments[2*i+1], adam)
	}
	return loss
}

// Fit takes all steps on rows x [N,D], brings the weights to their norms and
// returns the loss after it.
func (m *Discrete) Fit(ctx context.Context, x []float32) (Loss, error) {
	for range m.s.Steps {
		if err := ctx.Err(); err != nil {
			return Loss{}, err
		}
		m.Step(x)
	}
	m.normalise()
	loss := m.forward(x)
	if math.IsNaN(loss.MSE) || math.IsInf(loss.MSE, 0) {
		return loss, fmt.Errorf("circuit: the fit did not stay finite; lower lr (%g)", m.s.Rate)
	}
	return loss, nil
}

// Codes are the latents that fire most on rows x [N,D], ties and rows without
// any the lowest; zero says which rows have none.
func (m *Discrete) Codes(x []float32) (code []int32, zero []bool) {
	m.encode(x)
	f := m.s.Latents
	for i := range len(x) / m.d {
		best, row := 0, m.code[i*f:(i+1)*f]
		for j, v := range row {
			if v > row[best] {
				best = j
			}
		}
		code, zero = append(code, int32(best)), append(zero, row[best] == 0)
	}
	return code, zero
}
