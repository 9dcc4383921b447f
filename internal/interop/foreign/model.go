package foreign

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/sae"
)

// A Model encodes and decodes with an SAE in float32. It takes rows in the
// dump's own units and gives reconstructions in them, and satisfies eval.Model.
// It is not safe for concurrent use.
type Model struct {
	SAE *SAE
	sae.Dims
	Scale data.Scale // what is done to rows first

	pool     *kernel.Pool
	selector *kernel.Selector
	gemm     *kernel.GEMM
	support  kernel.Support
	norms    []float32 // [F] of the decoder's rows, or nil
	decoder  []float32 // [F,DOut] divided by norms where these are
	floor    float32   // no threshold is below it

	raw   []float32         // [N,D] rows as they came, where there is a skip connection
	input activations.Batch // X [N,D] is what the encoder sees
	codes sae.Encoded
	recon []float32 // [N,DOut]
	chase pursuit
}

// NewModel makes a model of s, which is not copied. Close ends its workers.
func NewModel(s *SAE, o sae.ModelOptions) (*Model, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	m := &Model{SAE: s, Dims: sae.Dims{B: o.Batch(s.F), D: s.D, F: s.F, DOut: s.DOut}, decoder: s.Decoder}
	m.Scale = s.scale()
	if s.DecoderNorms {
		m.norms = s.Norms()
		m.decoder = divideRows(s.Decoder, m.norms)
	}
	m.floor = math.MaxFloat32
	for _, t := range s.Threshold {
		m.floor = min(m.floor, t)
	}
	m.pool = kernel.NewPool(o.Threads)
	m.selector, m.gemm = kernel.NewSelector(m.pool), kernel.NewGEMM(m.pool)
	m.selector.Fixed = true
	return m, nil
}

// scale is what is done to rows, in the words of package data.
func (s *SAE) scale() data.Scale {
	switch {
	case s.Normalize == NormConstant:
		return data.Scale{Kind: data.ScaleUnitNorm, Factor: s.Scale}
	case s.Normalize == NormLayer:
		return data.Scale{Kind: data.ScaleRowNorm, Factor: 1}
	case s.Scale != 1:
		return data.Scale{Kind: data.ScaleMeanNorm, Factor: s.Scale}
	}
	return data.Scale{Kind: data.ScaleNone, Factor: 1}
}

// Norms are those of the decoder's rows, [F].
func (s *SAE) Norms() []float32 {
	norms := make([]float32, s.F)
	for f := range norms {
		norms[f] = float32(math.Sqrt(kernel.SumSquares(s.Decoder[f*s.DOut : (f+1)*s.DOut])))
	}
	return norms
}

// divideRows is a copy of w [F,D] with row f divided by norms[f]; a row of norm
// 0 stays as it is.
func divideRows(w, norms []float32) []float32 {
	out, d := make([]float32, len(w)), len(w)/len(norms)
	for i, v := range w {
		out[i] = v
		if n := norms[i/d]; n > 0 {
			out[i] = v / n
		}
	}
	return out
}

// Threads is how many workers compute.
func (m *Model) Threads() int { return m.pool.Threads() }

// Close ends the model's workers.
func (m *Model) Close() { m.pool.Close() }

// Encode gives the latents of up to B rows; they hold until the next call. The
// batch is not changed.
func (m *Model) Encode(in *activations.Batch) (sae.Encoded, error) {
	if in.D != m.D {
		return sae.Encoded{}, fmt.Errorf("rows have %d values, the autoencoder reads %d", in.D, m.D)
	}
	x := in.X[:in.N*in.D]
	if m.SAE.Skip != nil {
		m.raw = append(m.raw[:0], x...)
	}
	m.input.X = reuse.Slice(m.input.X, len(x))
	m.input.N, m.input.D = in.N, in.D
	m.Scale.Prepare(in.N)
	m.pool.Run(blocksOf(in.N), kernel.TaskFunc(func(_, block int) {
		lo, hi := block*rowBlock, min(in.N, (block+1)*rowBlock)
		copy(m.input.X[lo*m.D:hi*m.D], x[lo*m.D:hi*m.D])
		m.Scale.ApplyRows(&m.input, lo, hi)
		for i := lo; i < hi && m.SAE.InputBias; i++ {
			row := m.input.X[i*m.D : (i+1)*m.D]
			kernel.Sub(row, row, m.SAE.DecoderBias)
		}
	}))
	if m.SAE.Rule == Pursuit {
		return m.pursue(in.N)
	}
	return m.choose(in.N)
}

// Recon is the reconstruction of the last batch in the dump's units, [N,DOut],
// and holds until the next call of Encode.
func (m *Model) Recon() []float32 {
	n, w := m.codes.N, m.DOut
	m.recon = reuse.Slice(m.recon, n*w)
	m.pool.Run(blocksOf(n), kernel.TaskFunc(func(_, block int) {
		lo, hi := block*rowBlock, min(n, (block+1)*rowBlock)
		for i := lo; i < hi; i++ {
			row := m.recon[i*w : (i+1)*w]
			index, value := m.codes.Row(i)
			kernel.SetRows(row, value, m.decoder, index, nil)
			if m.SAE.OutputBias {
				kernel.Add(row, m.SAE.DecoderBias)
			}
		}
		if !m.SAE.Transcoder {
			m.Scale.Undo(m.recon, &m.input, lo, hi)
		}
	}))
	if m.SAE.Skip != nil {
		m.gemm.NT(m.recon, m.raw, m.SAE.Skip, n, w, m.D, true)
	}
	return m.recon
}

// Extra is nil: these models have no further nodes.
func (m *Model) Extra(string) []float32 { return nil }

// Weight is a parameter under the name that saectl's own autoencoders have for
// it, nil for one that there is not; decoder.weight [F,DOut] is what latents are
// multiplied by.
func (m *Model) Weight(name string) []float32 {
	switch name {
	case "decoder.weight":
		return m.decoder
	case "decoder.bias":
		if m.SAE.OutputBias {
			return m.SAE.DecoderBias
		}
	case "encoder.weight":
		if m.SAE.Rule == Pursuit {
			return m.decoder
		}
		return m.SAE.Encoder
	case "encoder.bias":
		return m.SAE.EncoderBias
	case "skip.weight":
		return m.SAE.Skip
	}
	return nil
}

// rowBlock is how many rows a task takes at a time.
const rowBlock = 16

func blocksOf(n int) int { return (n + rowBlock - 1) / rowBlock }
