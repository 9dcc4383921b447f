package afa

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// AFA is the settings of the variant "afa". Losses are those of the reference:
// the reconstruction error is a mean over rows and coordinates, the AFA loss a
// mean over rows of a squared difference of norms, and both are meant for rows
// scaled to unit variance (data.scale=row-norm).
type AFA struct {
	Coefficient    float64 `yaml:"coefficient" range:"[0,)" doc:"weight of the AFA loss, which decides how many latents a row ends up keeping"`
	Target         string  `yaml:"target" oneof:"input|centered" needs:"coefficient" doc:"the norm that the AFA loss asks of the latents: of the row, or of the row less the decoder bias, which the selection aims at"`
	Norm           string  `yaml:"norm" oneof:"latents|weighted" needs:"coefficient" doc:"the norm of the latents in the AFA loss: as they are, or each times the norm of its decoder row, as the selection counts them"`
	L1Coefficient  float64 `yaml:"l1_coefficient" range:"[0,)" doc:"weight of the mean over rows of the sum of latents; 0 leaves it out"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents that predict the residual of a row, at most as many as are dead; 0 turns the auxiliary loss off"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight of the auxiliary loss"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"a latent is dead when it was not kept for so many rows, or batches (train.dead_unit)"`
}

// New returns the variant with its defaults, those of the reference. It calls
// a latent dead after five batches of 4,096 rows.
func New() sae.Variant {
	return &AFA{
		Coefficient: 1.0 / 32, Target: "input", Norm: "latents",
		AuxK: 512, AuxCoefficient: 1.0 / 32, DeadAfter: 5 * 4096,
	}
}

// Build adds z = TopAFA(ReLU(W_enc(x - b_dec))), x̂ = z·W_dec + b_dec and the
// loss. The encoder has no bias. It starts as PyTorch's Kaiming initialisation
// of a [D,F] array does, the decoder at its directions.
func (a *AFA) Build(b *sae.Builder) sae.Out {
	g := b.G
	m := &model{
		encoder: b.Matrix("encoder.weight", b.F, b.D, sae.Uniform(math.Sqrt(6/float64(b.F))), sae.Flags{}),
		decoder: b.Matrix("decoder.weight", b.F, b.D, sae.DirectionsOf("encoder.weight"), sae.Flags{UnitRows: true, Tangent: true}),
	}
	bias := b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
	m.centered = g.AddRow(b.X(), bias.Use(), -1)
	m.norms = rowNorms(g, m.decoder.Node())

	p := newPicker(g.Pool, b.Selector())
	kept := m.code(b, startCapacity(b.Dims), p.pick, p.weightBy(g, m.norms))
	out := sae.Out{Codes: kept, Recon: g.AddRow(m.sum(b, kept), bias.Use(), 1)}
	if b.Train {
		a.losses(b, m, &out)
	}
	return out
}

// startCapacity is room for 64 latents a row. A row may keep all F of them:
// the trainer makes room when it must.
func startCapacity(d sae.Dims) int { return d.B * min(d.F, 64) }

// model is what the selection and the losses share.
type model struct {
	encoder, decoder *sae.Param     // [F,D]
	centered         *gorgonia.Node // [B,D] x - b_dec
	norms            *gorgonia.Node // [F] of the decoder rows, a constant
}

// code selects latents and gives their values.
func (m *model) code(b *sae.Builder, capacity int, pick sparseop.Picker, after *gorgonia.Node) sae.Codes {
	s := b.SelectBy(m.centered, m.encoder.Node(), nil, capacity, pick, after)
	return sae.Codes{Support: s, Values: b.G.Values(m.centered, m.encoder.Use(), nil, s)}
}

// sum is Σ z·W_dec, [B,D].
func (m *model) sum(b *sae.Builder, c sae.Codes) *gorgonia.Node {
	return b.G.SpMM(c.Values, m.decoder.Use(), c.Support)
}

// losses adds the error of reconstruction and the losses that are switched on.
func (a *AFA) losses(b *sae.Builder, m *model, out *sae.Out) {
	perEntry := 1 / float64(b.B*b.D)
	mse := b.G.SquaredError(out.Recon, b.X(), perEntry)
	terms, weights := []*gorgonia.Node{mse}, []sparseop.Coefficient{sae.Constant(1)}
	out.Terms = map[string]*gorgonia.Node{"normalized_mse": mse}
	add := func(name string, weight float64, term *gorgonia.Node) {
		terms, weights = append(terms, term), append(weights, sae.Constant(weight))
		out.Terms[name] = term
	}
	if a.Coefficient > 0 {
		add("afa", a.Coefficient, a.normLoss(b, m, out.Codes))
	}
	if a.L1Coefficient > 0 {
		add("l1", a.L1Coefficient, b.G.Sum(out.Codes.Values, 1/float64(b.B)))
	}
	if a.AuxK > 0 {
		add("auxk", a.AuxCoefficient, a.revive(b, m, out))
	}
	out.Loss = b.G.Weighted(weights, terms...)
}

// normLoss is the AFA loss, the mean over rows of (||z|| - ||x||)². Target and
// the norms of decoder rows are constants: rows have norm 1 but for rounding,
// and a bias that moves must not shorten what the latents should reach.
func (a *AFA) normLoss(b *sae.Builder, m *model, kept sae.Codes) *gorgonia.Node {
	target, z := b.X(), kept.Values
	if a.Target == "centered" {
		target = m.centered
	}
	if a.Norm == "weighted" {
		z = b.G.Mul(z, b.G.Gather(m.norms, kept.Support))
	}
	return normError(b.G, z, rowNorms(b.G, target), kept.Support, 1/float64(b.B))
}

// revive is the auxiliary loss: in each row the AuxK largest of the dead
// latents predict the residual x - x̂. Unlike AuxK of Gao et al. 2024 it is
// not divided by the residual's variance, and it trains the latents that are
// alive too.
func (a *AFA) revive(b *sae.Builder, m *model, out *sae.Out) *gorgonia.Node {
	dead := b.Dead(out.Codes, a.DeadAfter)
	selector := b.Selector()
	largest := func(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
		latents := dead.Latents()
		rule := kernel.Rule{Kind: kernel.TopK, K: min(a.AuxK, len(latents)), Subset: latents}
		return selector.Select(dst, x, w, bias, rows, d, f, rule)
	}
	revived := m.code(b, startCapacity(b.Dims), largest, dead.Node)
	e := b.G.SquaredError(m.sum(b, revived), b.G.Sub(b.X(), out.Recon), 1/float64(b.B*b.D))
	on := func() float64 { return float64(min(1, len(dead.Latents()))) }
	return b.G.Weighted([]sparseop.Coefficient{on}, e)
}
