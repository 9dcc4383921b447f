package topk

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// saelens is a golden case of TopKTrainingSAE or BatchTopKTrainingSAE of SAELens
// 6.54.12: forward and backward passes without updates, and the exported model.
// Its README states the formulas.
type saelens struct {
	Config struct {
		Arch       string
		D, F, B    int
		K          float64
		Aux        float64
		Rescale    bool
		InputBias  bool    `json:"apply_b_dec_to_input"`
		Normalize  string  `json:"normalize_activations"`
		ThresholdR float64 `json:"thr_lr"`
		Export     bool
	}
	Factor  *float64 `json:"scaling_factor"`
	Batches []struct {
		Loss      float64
		MSE       float64 `json:"mse_loss"`
		Aux       float64 `json:"auxiliary_reconstruction_loss"`
		Kept      float64 `json:"l0_nonzero"`
		Threshold float64 `json:"topk_threshold"`
	}

	c *saetest.Case
}

// TestGoldenSAELens runs the cases of TopK and BatchTopK; those of JumpReLU are
// in internal/baselines.
func TestGoldenSAELens(t *testing.T) {
	saetest.Golden(t, "saelens-topk", func(t *testing.T, c *saetest.Case) {
		s := &saelens{c: c}
		c.JSON(s)
		if s.Config.Arch == "jumprelu" {
			t.Skip("a case of the package internal/baselines")
		}
		s.training(t)
		if s.Config.Export {
			s.inference(t)
		}
		c.Used(t, "batch0.hidden_pre")
	})
}

// variant is the case's settings; folded ones have the norms in the weights.
func (s *saelens) variant(folded bool) sae.Variant {
	mode := SAELens{Decoder: "free", Rescale: s.Config.Rescale && !folded}
	auxK := 0
	if s.c.Has("dead_mask") {
		auxK = s.Config.D / 2
	}
	if s.Config.Arch == "topk" {
		v := New().(*TopK)
		v.K, v.AuxK, v.AuxCoefficient, v.DeadAfter = int(s.Config.K), auxK, s.Config.Aux, 1
		v.AuxLoss, v.AuxScale, v.AuxSigned, v.InputBias, v.SAELens = "held", true, true, s.Config.InputBias, mode
		return v
	}
	v := NewBatch().(*BatchTopK)
	v.K, v.total = int(math.Ceil(s.Config.K)), int(s.Config.K*float64(s.Config.B))
	v.AuxK, v.AuxCoefficient, v.DeadAfter = auxK, s.Config.Aux, 1
	v.AuxLoss, v.AuxScale, v.AuxSigned, v.SAELens = "held", true, true, mode
	v.ThresholdFrom, v.ThresholdBeta = "zero", 1-s.Config.ThresholdR
	return v
}

func (s *saelens) weights(prefix string) map[string][]float32 {
	w := map[string][]float32{}
	for ours, theirs := range saetest.Names() {
		w[ours] = s.c.Floats(prefix + theirs)
	}
	return w
}

// training passes all batches, with an update too small to move a weight.
func (s *saelens) training(t *testing.T) {
	rows := s.Config.B * s.Config.D
	x := scaled(s.c.Floats("x_raw"), s.Factor)
	saetest.Within(t, "scaled rows", x[:rows], s.c.Floats("batch0.sae_in"), 1e-5)
	units := s.normalise(append([]float32{}, x[:rows]...))
	p := sae.Plan{
		Variant: &inRowUnits{s.variant(false), units, x[:rows]}, D: s.Config.D, Threads: 2, Init: s.weights(""),
		Model: sae.ModelSettings{Latents: s.Config.F, DecoderBias: "zero"}, Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	p.Train.Batch, p.Train.Steps, p.Train.DeadMask = s.Config.B, len(s.Batches), "before"
	p.Optimizer.LR, p.Optimizer.Warmup, p.Optimizer.Clip = 1e-30, 0, 0
	tr, err := sae.NewTrainer(p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for i, want := range s.Batches {
		if s.c.Has("dead_mask") {
			copy(tr.Since(), s.c.Ints("dead_mask"))
		}
		in := append([]float32{}, x[i*rows:(i+1)*rows]...)
		units = s.normalise(in)
		if err := tr.Step(&activations.Batch{N: s.Config.B, D: s.Config.D, X: in}); err != nil {
			t.Fatal(err)
		}
		saetest.Near(t, "loss", tr.Loss(), want.Loss, scalarTolerance)
		saetest.Near(t, "mse", tr.Terms()["mse"], want.MSE, scalarTolerance)
		saetest.Near(t, "auxk", s.Config.Aux*tr.Terms()["auxk"], want.Aux, scalarTolerance)
		saetest.Near(t, "latents of a row", tr.Codes().L0(), want.Kept, scalarTolerance)
		if s.Config.Arch == "batchtopk" {
			saetest.Near(t, "threshold", tr.State("threshold")[0], want.Threshold, scalarTolerance)
		}
		if i == 0 {
			s.first(t, tr, units)
		}
	}
}

// first compares what the case holds of the first batch.
func (s *saelens) first(t *testing.T, tr *sae.Trainer, units rowUnits) {
	saetest.WithinNorm(t, "latents", s.rescaled(saetest.Dense(tr.Codes())), s.c.Floats("batch0.feature_acts"), gradientTolerance)
	saetest.WithinNorm(t, "reconstruction", units.undo(tr.Recon()), s.c.Floats("batch0.sae_out"), gradientTolerance)
	for ours, theirs := range saetest.Names() {
		saetest.WithinNorm(t, "gradient of "+ours, tr.RawGradient(ours), s.c.Floats("batch0.grad."+theirs), gradientTolerance)
	}
}

// rescaled multiplies latents [n,F] by the norms of their decoder rows where the
// case does.
func (s *saelens) rescaled(z []float32) []float32 {
	if !s.Config.Rescale {
		return z
	}
	w, d := s.c.Floats("W_dec"), s.Config.D
	for i := range z {
		f := i % s.Config.F
		sum := 0.0
		for _, v := range w[f*d : (f+1)*d] {
			sum += float64(v) * float64(v)
		}
		z[i] *= float32(math.Sqrt(sum))
	}
	return z
}

// inference evaluates the exported weights, which hold scale and norms.
func (s *saelens) inference(t *testing.T) {
	x := append([]float32{}, s.c.Floats("inference.x")...)
	rows := len(x) / s.Config.D
	units := s.normalise(x)
	states := map[string][]float64{}
	if s.Config.Arch == "batchtopk" {
		thresholds := s.c.Floats("inference.threshold")
		states["threshold"] = []float64{float64(thresholds[0])}
		for f, v := range thresholds {
			if v != thresholds[0] {
				t.Fatalf("latent %d has another threshold", f)
			}
		}
	}
	m, err := sae.NewModel(s.variant(true), sae.Dims{D: s.Config.D, F: s.Config.F, DOut: s.Config.D}, s.weights("inference."),
		states, sae.ModelOptions{Rows: rows, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(&activations.Batch{N: rows, D: s.Config.D, X: x})
	if err != nil {
		t.Fatal(err)
	}
	saetest.WithinNorm(t, "latents after export", saetest.Dense(codes), s.c.Floats("inference.feature_acts"), gradientTolerance)
	saetest.WithinNorm(t, "reconstruction after export", units.undo(m.Recon()), s.c.Floats("inference.sae_out"), gradientTolerance)
}

func scaled(x []float32, factor *float64) []float32 {
	y := append([]float32{}, x...)
	for i := range y {
		if factor != nil {
			y[i] *= float32(*factor)
		}
	}
	return y
}

// rowUnits brings a reconstruction back to the units of its rows.
type rowUnits struct {
	d           int
	scale, mean []float32 // [N]
}

// normalise changes rows x in place as SAELens does at run time.
func (s *saelens) normalise(x []float32) rowUnits {
	d := s.Config.D
	u := rowUnits{d: d}
	for i := 0; i < len(x); i += d {
		row, mean, divisor, back := x[i:i+d], 0.0, 1.0, 1.0
		if s.Config.Normalize == "layer_norm" {
			for _, v := range row {
				mean += float64(v) / float64(d)
			}
		}
		sum := 0.0
		for _, v := range row {
			sum += (float64(v) - mean) * (float64(v) - mean)
		}
		switch s.Config.Normalize {
		case "layer_norm":
			back = math.Sqrt(sum / float64(d-1))
			divisor = back + 1e-5
		case "constant_norm_rescale":
			back = math.Sqrt(sum / float64(d))
			divisor = back
		}
		for j, v := range row {
			row[j] = float32((float64(v) - mean) / divisor)
		}
		u.scale, u.mean = append(u.scale, float32(back)), append(u.mean, float32(mean))
	}
	return u
}

func (u rowUnits) undo(y []float32) []float32 {
	out := make([]float32, len(y))
	for i, v := range y {
		out[i] = v*u.scale[i/u.d] + u.mean[i/u.d]
	}
	return out
}

// inRowUnits is a variant whose squared error is in the units that rows had
// before they were normalised: SAELens takes the loss there.
type inRowUnits struct {
	sae.Variant
	units rowUnits
	rows  []float32 // [B,D] as they were
}

// Build puts the error in those units in the place of the variant's own.
func (v *inRowUnits) Build(b *sae.Builder) sae.Out {
	out := v.Variant.Build(b)
	if !b.Train || slices.Max(v.units.scale) == 1 && slices.Min(v.units.scale) == 1 {
		return out
	}
	fill := func(f func(i int) float32) sae.Fill {
		return func(dst []float32, _ int, _ *activations.Batch) error {
			for i := range dst {
				dst[i] = f(i)
			}
			return nil
		}
	}
	k := b.Feed("row_scale", fill(func(i int) float32 { return v.units.scale[i] }), b.B)
	target := b.Feed("row_target", fill(func(i int) float32 { return v.rows[i] - v.units.mean[i/b.D] }), b.B, b.D)
	out.Loss = b.MeanSquared(byRow(b.G, out.Recon, k), target)
	out.Terms["mse"] = out.Loss
	return out
}

// byRow multiplies rows of x [B,D] by k [B], a constant.
func byRow(g *sparseop.Graph, x, k *gorgonia.Node) *gorgonia.Node {
	return g.CustomWRT("byRow", x.Shape(), sparseop.Func{F32: timesRow[float32], F64: timesRow[float64]}, []bool{true, false},
		func(in gorgonia.Nodes, _, grad *gorgonia.Node) gorgonia.Nodes {
			return gorgonia.Nodes{byRow(g, grad, in[1]), nil}
		}, x, k)
}

func timesRow[T float32 | float64](dst []T, in [][]T) {
	d := len(dst) / len(in[1])
	for i, v := range in[0] {
		dst[i] = v * in[1][i/d]
	}
}
