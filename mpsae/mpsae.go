package mpsae

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// MPSAE is the settings of the variant "mpsae".
type MPSAE struct {
	K           int     `yaml:"k" range:"[0,)" doc:"steps of a row at most (K); 0 for as many as a row is wide"`
	Tolerance   float64 `yaml:"tolerance" range:"[0,)" doc:"a row is done when the norm of what is left of it is below this; 0 leaves that to k"`
	ToleranceOf string  `yaml:"tolerance_of" oneof:"absolute|row" doc:"tolerances are norms in the units the trainer sees, or shares of the row's own norm"`

	Coefficient string `yaml:"coefficient" oneof:"relu|signed" doc:"a row ends when no score is positive, or goes on with the largest score, whatever its sign"`
	Reselect    string `yaml:"reselect" oneof:"allow|ban|stop" doc:"a latent that comes up again adds to its value, is passed over, or adds and ends the row"`

	Tied        bool   `yaml:"tied" doc:"the dictionary is its own encoder"`
	EncoderBias bool   `yaml:"encoder_bias" needs:"tied=false" doc:"the encoder has a bias"`
	Bias        bool   `yaml:"bias" doc:"a bias is taken off rows before and put back after; it starts as sae.decoder_bias says"`
	UnitRows    string `yaml:"unit_rows" oneof:"step|start|never" doc:"dictionary rows have norm 1 after each step, at the start only, or not even there (Xavier's start)"`
	Scale       bool   `yaml:"scale" doc:"train one positive factor for the whole dictionary"`

	Dropout      float64 `yaml:"dropout" range:"[0,1)" doc:"share of latents that a training step does without"`
	DropoutSteps int     `yaml:"dropout_steps" range:"[0,)" needs:"dropout" doc:"steps from the start with dropout; 0 for all"`

	Loss              string  `yaml:"loss" oneof:"sum|mean" doc:"squared error of a row summed over coordinates, or their mean"`
	L1Coefficient     float64 `yaml:"l1_coefficient" range:"[0,)" doc:"weight of the mean over rows of the sum of |latents|; 0 leaves it out"`
	ReviveCoefficient float64 `yaml:"revive_coefficient" range:"[0,)" doc:"weight of the mean score that what is left of rows has with unused latents, which pulls these towards it; 0 leaves it out"`
	ReviveBelow       float64 `yaml:"revive_below" range:"(0,)" needs:"revive_coefficient" doc:"a latent is unused when its largest value in the batch is below this"`
	ReviveOver        int     `yaml:"revive_over" range:"[0,)" needs:"revive_coefficient" doc:"nothing is revived unless more latents than this are unused"`

	Inference           string  `yaml:"inference" oneof:"pursuit|orthogonal|projected" doc:"after training pursue as in training, with the least-squares values of all latents so far after each step (orthogonal matching pursuit), or with an approximation of those that are not negative (overcomplete's OMPSAE)"`
	InferenceIterations int     `yaml:"inference_iterations" range:"[1,)" needs:"inference=projected" doc:"gradient steps of each approximation"`
	InferenceK          int     `yaml:"inference_k" range:"[-1,)" doc:"steps at most after training; 0 for k, -1 for k or as many as a row is wide, whichever is more"`
	InferenceTolerance  float64 `yaml:"inference_tolerance" range:"[-1,)" doc:"tolerance after training; -1 for that of training"`

	Forward    string `yaml:"forward" oneof:"auto|direct|gram" doc:"score all latents in each step, or follow their scores by the product of the dictionary with itself; auto takes the cheaper. Results are the same"`
	GramMemory int    `yaml:"gram_memory" range:"[0,)" needs:"forward=auto|gram" doc:"most MiB that this product may take, 2·F² bytes where the processor multiplies words of 16 bits, else 4·F²; beyond, direct is used"`

	watch func(*pursuit)                // of a test that looks at each step of a row
	mask  func(dst []float32, step int) // of a test that brings the latents kept by dropout
}

// New returns the variant with its defaults.
func New() sae.Variant {
	return &MPSAE{
		K: 32, ToleranceOf: "absolute", Coefficient: "relu", Reselect: "allow",
		Tied: true, UnitRows: "step", Loss: "sum",
		ReviveCoefficient: 0.01, ReviveBelow: 0.01, ReviveOver: 10,
		Inference: "pursuit", InferenceIterations: 10, InferenceTolerance: -1,
		Forward: "auto", GramMemory: 1024,
	}
}

// WithK is a copy that takes k steps in a row after training, whatever is
// left; fewer where a row ends by itself.
func (m *MPSAE) WithK(k int) sae.Variant {
	c := *m
	c.InferenceK, c.InferenceTolerance = k, 0
	return &c
}

// WithTolerance is a copy that goes on with a row after training until the
// norm of what is left is below t, in the units of tolerance_of.
func (m *MPSAE) WithTolerance(t float64) sae.Variant {
	c := *m
	c.InferenceK, c.InferenceTolerance = -1, t
	return &c
}

// model is the graph under construction.
type model struct {
	b        *sae.Builder
	p        *pursuit
	centered *gorgonia.Node // [B,D] the rows less the bias
	encoder  *gorgonia.Node // [F,D], for ops with a gradient
	decoder  *gorgonia.Node // [F,D], the encoder itself when tied
	bias     *gorgonia.Node // [F] of the encoder, or nil
	factor   *gorgonia.Node // [1] exp of the trained scale, or nil
	residual *gorgonia.Node // [B,D] what the steps leave of the rows
	pull     *gorgonia.Node // [F,D] the encoder, for another place in the formulas
	raw      *gorgonia.Node // [C] the latents' values for the dictionary with its factor
}

// Build adds z = pursuit(x - b), x̂ = z·W + b and the loss. The error is
// computed from what the pursuit leaves, which is x - x̂.
func (m *MPSAE) Build(b *sae.Builder) sae.Out {
	g := b.G
	n := &model{b: b, p: newPursuit(g.Pool, m.rule(b), m.scoring(b)), centered: b.X()}
	constants := m.parameters(n)
	if m.Bias {
		bias := b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{FromData: true})
		n.centered = g.AddRow(b.X(), bias.Use(), -1)
	}
	capacity := b.B * min(n.p.steps, b.F, startSteps)
	s := b.SelectWith(n.centered, constants.encoder, constants.bias, n.p.beside(constants, m.dropped(b)), capacity, n.p.pick)
	n.residual = n.p.left(n, s)
	out := sae.Out{
		Codes: sae.Codes{Support: s, Values: n.values(s)},
		Recon: g.Sub(b.X(), n.residual),
		Extra: n.p.report(g, s),
	}
	if b.Train {
		m.losses(n, &out)
	}
	if m.watch != nil {
		m.watch(n.p)
	}
	return out
}

// startSteps is how many steps of a row there is room for at the start; the
// trainer makes room when it must.
const startSteps = 64

// rule is how rows are to be pursued in this graph.
func (m *MPSAE) rule(b *sae.Builder) rule {
	r := rule{
		steps: m.K, tolerance: m.Tolerance, relative: m.ToleranceOf == "row", signed: m.Coefficient == "signed",
		ban: m.Reselect == "ban", stop: m.Reselect == "stop",
	}
	if !b.Train {
		switch m.InferenceK {
		case 0:
		case -1:
			r.steps = max(m.K, b.D)
		default:
			r.steps = m.InferenceK
		}
		if m.InferenceTolerance >= 0 {
			r.tolerance = m.InferenceTolerance
		}
		r.orthogonal, r.projected = m.Inference == "orthogonal", m.Inference == "projected"
		r.iterations = m.InferenceIterations
	}
	if r.steps == 0 {
		r.steps = b.D
	}
	r.ban = r.ban || r.orthogonal || r.projected
	return r
}

// constants are the parameters as what no gradient flows through.
type constants struct{ encoder, decoder, bias *gorgonia.Node }

// parameters declares the dictionary and, where it is not its own, the
// encoder.
func (m *MPSAE) parameters(n *model) (c constants) {
	b, flags, start := n.b, sae.Flags{UnitRows: m.UnitRows == "step", FromRows: true}, sae.UnitNormal(1)
	if m.UnitRows == "never" {
		start = sae.Uniform(math.Sqrt(6 / float64(b.F+b.D)))
	}
	w := b.Matrix("decoder.weight", b.F, b.D, start, flags)
	n.decoder, c.decoder = w.Use(), w.Node()
	if m.Scale {
		n.factor = exp(b.G, b.Vector("decoder.log_scale", 1, sae.Zero, sae.Flags{}).Use())
		n.decoder = scaled(b.G, n.decoder, n.factor)
		c.decoder = n.decoder
	}
	n.encoder, n.pull, c.encoder = n.decoder, n.decoder, c.decoder
	if m.Tied {
		if !m.Scale {
			n.pull = w.Use()
		}
		return c
	}
	e := b.Matrix("encoder.weight", b.F, b.D, sae.CopyOf("decoder.weight", 1), sae.Flags{})
	n.encoder, n.pull, c.encoder = e.Use(), e.Use(), e.Node()
	if m.EncoderBias {
		bias := b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
		n.bias, c.bias = bias.Use(), bias.Node()
	}
	return c
}

// values are the latents' values [C], such that the decoder's rows times them
// sum to the reconstruction.
func (n *model) values(s *sparseop.Support) *gorgonia.Node {
	n.raw = n.p.codes(n, s)
	if n.factor == nil {
		return n.raw
	}
	return scaled(n.b.G, n.raw, n.factor)
}
