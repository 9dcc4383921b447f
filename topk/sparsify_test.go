package topk

import (
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// sparsify is a golden case of SparseCoder of eai-sparsify 1.3.3: one forward
// and backward pass. Its README states the formulas and the tolerances.
type sparsify struct {
	Config struct {
		D, F, B, K      int
		Activation      string
		Multi           bool `json:"multi_topk"`
		Skip, Transcode bool
		Aux             float64 `json:"auxk_alpha"`
	}
	Scalars struct {
		FVU   float64
		AuxK  float64 `json:"auxk_loss"`
		Multi float64 `json:"multi_topk_fvu"`
		Total float64
	}
	Zero int `json:"zero_selected"` // selected latents whose value is 0

	c *saetest.Case
}

const (
	scalarTolerance   = 1e-6
	gradientTolerance = 1e-5
	outputTolerance   = 1e-5
)

func TestGoldenSparsify(t *testing.T) {
	saetest.Golden(t, "sparsify-topk", func(t *testing.T, c *saetest.Case) {
		s := &sparsify{c: c}
		c.JSON(s)
		s.total(t)
		s.term(t, "fvu", "grad_fvu.")
		if c.Has("dead_mask") {
			s.term(t, "auxk", "grad_auxk_loss.")
		}
		if s.Config.Multi {
			s.term(t, "multi_topk", "grad_multi_topk_fvu.")
		}
		s.normalised(t)
		s.everyPositive(t)
		s.returned(t)
		c.Used(t)
	})
}

// names gives the case's name of each parameter.
func (s *sparsify) names() map[string]string {
	names := saetest.Names()
	if s.Config.Skip {
		names["skip.weight"] = "W_skip"
	}
	return names
}

func (s *sparsify) weights() map[string][]float32 {
	w := map[string][]float32{}
	for ours, theirs := range s.names() {
		w[ours] = s.c.Floats(theirs)
	}
	return w
}

func (s *sparsify) batch() *activations.Batch {
	b := &activations.Batch{N: s.Config.B, D: s.Config.D, X: s.c.Floats("x")}
	if s.Config.Transcode {
		b.Target, b.DOut = s.c.Floats("y"), s.Config.D
	}
	return b
}

// variant is the case's settings. k0, the most latents that AuxK keeps, is
// floor(d/2). Where selected values are 0 the selection is an input.
func (s *sparsify) variant() *TopK {
	v := New().(*TopK)
	v.K, v.Loss, v.Gradient, v.AuxScale = s.Config.K, "fvu", "decoder", true
	v.AuxK, v.AuxCoefficient, v.DeadAfter = 0, s.Config.Aux, 1
	v.MultiTopK, v.Groups = s.Config.Multi, s.Config.Activation == "groupmax"
	v.Transcode, v.Skip = s.Config.Transcode, s.Config.Skip
	if s.c.Has("dead_mask") {
		v.AuxK = s.Config.D / 2
	}
	if s.c.Has("total_variance") {
		v.Variance = float64(s.c.Floats("total_variance")[0])
	}
	if s.Zero > 0 {
		v.pick = given(s.c.Indices("indices"), s.Config.K)
	}
	return v
}

// given picks k latents of each row that are known beforehand. One that is not
// positive has the value 0.
func given(index []int32, k int) sparseop.Picker {
	return func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), append(dst.Index[:0], index...), make([]float32, len(index))
		for i := range rows {
			e := dst.Score[i*k : (i+1)*k]
			kernel.Dots(e, x[i*d:(i+1)*d], w, index[i*k:(i+1)*k], nil)
			for j, l := range index[i*k : (i+1)*k] {
				e[j] = max(e[j]+bias[l], 0)
			}
			dst.RowPtr = append(dst.RowPtr, int32((i+1)*k))
		}
		return nil
	}
}

// step makes one step on the case's rows with the case's dead latents.
func (s *sparsify) step(t *testing.T, v sae.Variant, rate float64) *sae.Trainer {
	t.Helper()
	p := sae.Plan{
		Variant: v, D: s.Config.D, DOut: s.Config.D, Threads: 2, Init: s.weights(),
		Model: sae.ModelSettings{Latents: s.Config.F, DecoderBias: "zero"}, Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Train.Batch, p.Train.Steps, p.Train.DeadMask, p.Train.Fired = s.Config.B, 1, "before", "index"
	p.Optimizer.LR, p.Optimizer.Warmup, p.Optimizer.Clip, p.Optimizer.Project = rate, 0, 0, "row"
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if s.c.Has("dead_mask") {
		copy(tr.Since(), s.c.Ints("dead_mask"))
	}
	if err := tr.Step(s.batch()); err != nil {
		t.Fatal(err)
	}
	return tr
}

// total checks the forward pass, all losses and the gradient of their sum.
func (s *sparsify) total(t *testing.T) {
	tr := s.step(t, s.variant(), 1e-3)
	saetest.Same(t, "indices", tr.Codes().Index, s.c.Indices("indices"))
	saetest.Within(t, "values", tr.Codes().Value, s.c.Floats("values"), outputTolerance)
	saetest.Within(t, "reconstruction", tr.Recon(), s.c.Floats("first.sae_out"), outputTolerance)
	saetest.Near(t, "total", tr.Loss(), s.Scalars.Total, scalarTolerance)
	saetest.Near(t, "fvu", tr.Terms()["fvu"], s.Scalars.FVU, scalarTolerance)
	saetest.Near(t, "auxk", tr.Terms()["auxk"], s.Scalars.AuxK, scalarTolerance)
	saetest.Near(t, "multi_topk", tr.Terms()["multi_topk"], s.Scalars.Multi, scalarTolerance)
	s.gradients(t, tr, "grad_total.")
	saetest.WithinNorm(t, "projected", tr.Gradient("decoder.weight"), s.c.Floats("projected.grad_W_dec"), gradientTolerance)
}

// gradients compares gradients as backward leaves them; one that the case
// does not hold is exactly zero.
func (s *sparsify) gradients(t *testing.T, tr *sae.Trainer, prefix string) {
	t.Helper()
	for ours, theirs := range s.names() {
		got := tr.RawGradient(ours)
		if s.c.Has(prefix + theirs) {
			saetest.WithinNorm(t, prefix+ours, got, s.c.Floats(prefix+theirs), gradientTolerance)
		} else {
			saetest.Same(t, prefix+ours, got, make([]float32, len(got)))
		}
	}
}

// term checks the gradient of one term alone, without its weight.
func (s *sparsify) term(t *testing.T, name, prefix string) {
	t.Helper()
	s.gradients(t, s.step(t, saetest.Term(s.variant(), name), 1e-3), prefix)
}

// normalised looks at the decoder after a step too small to move it.
func (s *sparsify) normalised(t *testing.T) {
	tr := s.step(t, s.variant(), 1e-30)
	saetest.Within(t, "normalised", tr.Weights()["decoder.weight"], s.c.Floats("normalised.W_dec"), scalarTolerance)
}

// model encodes the case's rows with other settings.
func (s *sparsify) model(t *testing.T, v *TopK, check func(codes sae.Encoded, recon []float32)) {
	t.Helper()
	w := s.weights()
	if !v.Skip {
		delete(w, "skip.weight")
	}
	d := sae.Dims{D: s.Config.D, F: s.Config.F, DOut: s.Config.D}
	m, err := sae.NewModel(v, d, w, map[string][]float64{"threshold": {-1}}, sae.ModelOptions{Rows: s.Config.B, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(s.batch())
	if err != nil {
		t.Fatal(err)
	}
	check(codes, m.Recon())
}

// everyPositive keeps all that a threshold which is not set keeps: the ReLU of
// every pre-activation.
func (s *sparsify) everyPositive(t *testing.T) {
	v := s.variant()
	v.pick, v.Inference = nil, "threshold"
	s.model(t, v, func(codes sae.Encoded, _ []float32) {
		saetest.Within(t, "pre_acts", saetest.Dense(codes), s.c.Floats("pre_acts"), outputTolerance)
	})
}

// returned is what the reference's forward gives to its caller: with the
// second loss its 4k latents, and their reconstruction without the skip.
func (s *sparsify) returned(t *testing.T) {
	v := s.variant()
	if s.Config.Multi {
		v.K, v.Skip = 4*s.Config.K, false
	}
	s.model(t, v, func(codes sae.Encoded, recon []float32) {
		saetest.Same(t, "returned indices", codes.Index, s.c.Indices("returned.indices"))
		saetest.Within(t, "returned values", codes.Value, s.c.Floats("returned.values"), outputTolerance)
		saetest.Within(t, "returned reconstruction", recon, s.c.Floats("returned.sae_out"), outputTolerance)
	})
}
