package sae

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// startFromData sets the parameters that start from the first batch, unless
// they were given: decoder biases, then decoder rows, then what copies them.
func (t *Trainer) startFromData(in *activations.Batch) error {
	x, d := in.X[:in.N*in.D], in.D
	if t.graph.b.target != nil {
		x, d = in.Target[:in.N*in.DOut], in.DOut
	}
	for _, p := range t.graph.Params {
		if t.given(p) || !p.Flags.FromData {
			continue
		}
		b, err := decoderBias(t.plan.Model.DecoderBias, x, p.Cols)
		if err != nil {
			return err
		}
		copy(t.graph.Weights[p.Name], b)
	}
	switch t.plan.Model.DecoderInit {
	case "", "random":
		return nil
	case "data":
		t.leanOnRows(x, d)
		return nil
	}
	return fmt.Errorf("sae: decoder_init %q is not random or data", t.plan.Model.DecoderInit)
}

func (t *Trainer) given(p *Param) bool {
	_, given := t.plan.Init[p.Name]
	return given
}

// leanOnRows turns each row of a decoder half way towards a row of the batch,
// its mean removed, and makes the copies of that decoder anew. On the two real
// dumps of docs/bench this lowers FVU by 1 % and leaves fewer latents dead
// than either half alone.
func (t *Trainer) leanOnRows(x []float32, d int) {
	mean, leant := columnMeans(x, d), false
	for _, p := range t.graph.Params {
		switch {
		case t.given(p) || p.Flags.FromData:
		case p.Flags.FromRows && p.Cols == d:
			leant = true
			for r := range p.Rows {
				n := r % (len(x) / d) // the batch is shuffled; no row serves twice before all have
				lean(t.graph.Weights[p.Name][r*d:(r+1)*d], x[n*d:(n+1)*d], mean)
			}
		case leant:
			p.Init(t.graph.Weights[p.Name], p, t.plan.Seed, t.graph.Weights)
		}
	}
}

// lean sets w to the direction between w and x - mean, with the norm of w. A
// row that is the mean leaves w as it is.
func lean(w, x []float32, mean []float64) {
	norm, length := math.Sqrt(kernel.SumSquares(w)), 0.0
	for j, v := range x {
		length += (float64(v) - mean[j]) * (float64(v) - mean[j])
	}
	if norm == 0 || length == 0 {
		return
	}
	length = math.Sqrt(length)
	for j, v := range x {
		w[j] = float32(float64(w[j])/norm + (float64(v)-mean[j])/length)
	}
	kernel.Scale(w, float32(norm/math.Sqrt(kernel.SumSquares(w))))
}
