package vsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// VSAE is the settings of the variant "vsae". Means and deviations are in the
// units that the trainer sees (data.scale).
type VSAE struct {
	K int `yaml:"k" range:"[1,)" doc:"latents kept in a row, those of largest |z| (K)"`

	Variance   string  `yaml:"variance" oneof:"fixed|none|learned" doc:"variance σ² of a latent's posterior: the same for all, none (z = μ, the form that the paper's figures are of), or an encoder head's"`
	Sigma      float64 `yaml:"sigma" range:"[0,)" needs:"variance=fixed" doc:"deviation σ of every latent; 0 is as variance none"`
	LogVarInit float64 `yaml:"log_var_init" needs:"variance=learned" doc:"log σ² at the start"`
	LogVarMin  float64 `yaml:"log_var_min" needs:"variance=learned" doc:"least log σ²; below, its head learns nothing"`
	LogVarMax  float64 `yaml:"log_var_max" needs:"variance=learned" doc:"largest log σ²; above, its head learns nothing"`
	ReluMu     bool    `yaml:"relu_mu" doc:"means are not negative: μ = ReLU(W_enc x + b_enc)"`

	KLCoefficient float64 `yaml:"kl_coefficient" range:"[0,)" doc:"weight β of the penalty; 0 leaves it out"`
	Penalty       string  `yaml:"penalty" oneof:"kl|squares" needs:"kl_coefficient" doc:"what β weighs, a mean over rows of a sum over latents: the divergence from N(0,1) in nats, or (the null model) μ²"`
	KLScope       string  `yaml:"kl_scope" oneof:"all|selected" needs:"kl_coefficient" doc:"latents that the penalty sums over: all of them before the choice, or those that were kept"`
	KLWarmup      float64 `yaml:"kl_warmup" range:"[0,1]" needs:"kl_coefficient" doc:"share of the run over which the penalty's weight rises linearly from 0"`
	MuClamp       float64 `yaml:"mu_clamp" range:"(0,)" needs:"penalty=kl" doc:"largest |μ| that the divergence sees; beyond, it pulls no more"`

	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents of largest |z| that predict the residual of a row, at most as many as are dead; 0 turns AuxK off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the AuxK loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it has not fired for so many rows (train.fired says what firing is)"`
	AuxBias        bool    `yaml:"aux_bias" needs:"aux_k" doc:"the dead latents predict with the decoder bias, which the residual is already free of (vSAE with an untied bias)"`

	Bias        string  `yaml:"bias" oneof:"untied|tied" doc:"the decoder bias is the decoder's alone, or also taken off a row before it is encoded; sae.decoder_bias says where it starts"`
	Init        string  `yaml:"init" oneof:"gaussian|uniform" doc:"distribution of the directions that decoder rows start with; the encoder starts as a copy"`
	InitNorm    float64 `yaml:"init_norm" range:"(0,)" doc:"norm of the rows of decoder and encoder at the start"`
	Constraint  string  `yaml:"decoder_constraint" oneof:"none|unit" doc:"decoder rows are free, or brought to norm 1 (optimizer.unit_rows says when)"`
	ProjectGrad bool    `yaml:"project_decoder_grad" doc:"the part of the gradient along a decoder row is removed"`

	draw      uint64                   // number of the draw that an evaluation samples with; 0 for none
	posterior bool                     // an evaluation gives means and variances of all latents
	given     func(step int) []float32 // of a test that brings the noise ε, [B,F]
}

// New returns the variant with its defaults. The variance's are those of the
// reference (commit 8e1581a); σ and β are small enough that the latents survive,
// with rows whose coordinates have variance 1.
func New() sae.Variant {
	return &VSAE{
		K: 32, Variance: "fixed", Sigma: 0.2,
		LogVarInit: -2, LogVarMin: -6, LogVarMax: 2, ReluMu: true,
		KLCoefficient: 0.01, Penalty: "kl", KLScope: "all", KLWarmup: 0.1, MuClamp: 10,
		AuxK: 256, AuxCoefficient: 1.0 / 32, DeadAfter: 10_000_000,
		Bias: "untied", Init: "gaussian", InitNorm: 1, Constraint: "none",
	}
}

// WithK is a copy that keeps k latents of a row.
func (v *VSAE) WithK(k int) sae.Variant {
	c := *v
	c.K = k
	return &c
}

// Sampled is a copy that keeps latents of a sample in evaluation too, as in
// training. Each draw, from 1 up, has noise of its own, a function of the draw
// and of how many rows were evaluated before.
func (v *VSAE) Sampled(draw uint64) sae.Variant {
	c := *v
	c.draw = draw
	return &c
}

// Posterior is a copy whose evaluation gives, as the extra nodes "mean" and
// "variance", μ and σ² of all latents of each row, [B,F]. There is no variance
// where nothing is sampled.
func (v *VSAE) Posterior() sae.Variant {
	c := *v
	c.posterior = true
	return &c
}

// Samples reports whether training samples.
func (v *VSAE) Samples() bool {
	return v.Variance == "learned" || v.Variance == "fixed" && v.Sigma > 0
}

// Build adds the posterior of the latents, the choice of K of them, x̂ =
// z·W_dec + b_dec and the loss.
func (v *VSAE) Build(b *sae.Builder) sae.Out {
	m := v.model(b)
	kept := m.keep(v.K, nil)
	out := sae.Out{Codes: kept.Codes, Recon: m.Decode(kept.Codes), Extra: m.extra()}
	if b.Train {
		v.losses(m, kept, &out)
	}
	return out
}

// model declares the parameters.
func (v *VSAE) model(b *sae.Builder) *model {
	if v.LogVarMin > v.LogVarMax {
		panic("vsae.log_var_min is above vsae.log_var_max")
	}
	m := &model{Coder: b.Coder(), v: v, b: b}
	start := sae.UnitNormal(v.InitNorm)
	if v.Init == "uniform" {
		start = onSphere(sae.Uniform(1), v.InitNorm)
	}
	m.Decoder = b.Matrix("decoder.weight", b.F, b.D, start, sae.Flags{UnitRows: v.Constraint == "unit", Tangent: v.ProjectGrad, FromRows: true})
	m.Encoder = b.Matrix("encoder.weight", b.F, b.D, sae.CopyOf("decoder.weight", 1), sae.Flags{})
	m.EncoderBias = b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	m.DecoderBias = b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
	if v.Variance == "learned" {
		m.logVar = b.Matrix("log_variance.weight", b.F, b.D, sae.Uniform(kaiming(b.D)), sae.Flags{})
		m.logVarBias = b.Vector("log_variance.bias", b.F, sae.Filled(v.LogVarInit), sae.Flags{})
	}
	m.Input = b.X()
	if v.Bias == "tied" {
		m.Input = b.G.AddRow(b.X(), m.DecoderBias.Use(), -1)
	}
	if v.Samples() && (b.Train || v.draw > 0) {
		m.noise = newNoise(b, v)
	}
	return m
}

// kaiming is the bound of PyTorch's kaiming_uniform_ with a = 0.01 for rows of
// d numbers.
func kaiming(d int) float64 { return math.Sqrt(6 / ((1 + 1e-4) * float64(d))) }

// onSphere brings rows to the given norm.
func onSphere(draw sae.Init, norm float64) sae.Init {
	return func(dst []float32, p *sae.Param, seed uint64, made map[string][]float32) {
		draw(dst, p, seed, made)
		for r := range p.Rows {
			row := dst[r*p.Cols : (r+1)*p.Cols]
			kernel.Scale(row, float32(norm/math.Sqrt(kernel.SumSquares(row))))
		}
	}
}

// losses adds the error of reconstruction, the penalty and AuxK.
func (v *VSAE) losses(m *model, kept latents, out *sae.Out) {
	mse := m.b.MeanSquared(out.Recon, m.b.X())
	terms, weights := []*gorgonia.Node{mse}, []sparseop.Coefficient{sae.Constant(1)}
	out.Terms = map[string]*gorgonia.Node{"mse": mse}
	if v.KLCoefficient > 0 {
		penalty := m.penalty(kept)
		scaled := m.b.G.Weighted([]sparseop.Coefficient{v.weight(m.b)}, penalty)
		out.Terms[v.Penalty], out.Terms["scaled_"+v.Penalty] = penalty, scaled
		terms, weights = append(terms, scaled), append(weights, sae.Constant(1))
	}
	if v.AuxK > 0 {
		out.Terms["auxk"] = m.revive(out)
		terms, weights = append(terms, out.Terms["auxk"]), append(weights, sae.Constant(v.AuxCoefficient))
	}
	out.Loss = m.b.G.Weighted(weights, terms...)
}

// weight is the penalty's at the step under way.
func (v *VSAE) weight(b *sae.Builder) sparseop.Coefficient {
	warmup := int(v.KLWarmup * float64(b.Steps()))
	return func() float64 {
		if b.Step() >= warmup {
			return v.KLCoefficient
		}
		return v.KLCoefficient * float64(b.Step()) / float64(warmup)
	}
}
