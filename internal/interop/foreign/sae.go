package foreign

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A Rule says which latents of a row are active and with what value. a is the
// row times the encoder plus its bias, times the norm of the latent's decoder row
// where DecoderNorms says so.
type Rule string

// The rules.
const (
	ReLU      Rule = "relu"             // max(0, a)
	JumpReLU  Rule = "jumprelu"         // max(0, a) where a > threshold
	TopK      Rule = "topk"             // the k largest of a row, those above 0
	AbsTopK   Rule = "abstopk"          // the k of largest |a|, signed
	BatchTopK Rule = "batchtopk"        // the k·B largest of a batch, those above 0
	GroupMax  Rule = "groupmax"         // the largest of each of k groups of neighbours, where above 0
	Gated     Rule = "gated"            // max(0, a·exp(r)+m) where a + gate > 0
	Pursuit   Rule = "matching-pursuit" // the best latent of what is left, again and again
)

// The normalisations of rows, undone on reconstructions but a transcoder's.
const (
	NormNone     = "none"
	NormConstant = "constant-norm" // every row gets norm sqrt(D)
	NormLayer    = "layer-norm"    // mean 0, standard deviation 1 (with D-1, plus 1e-5)
)

// An SAE is an autoencoder of another tool. Rows x give
//
//	u = Scale·normalised x, less the decoder bias where InputBias
//	z = Rule(u·encoderᵀ + encoder bias)
//	x̂ = z·decoder + decoder bias where OutputBias, normalisation and scale undone, + x·skipᵀ
//
// where the decoder's rows are divided by their norms first if DecoderNorms.
type SAE struct {
	Format       string `json:"format"`       // saelens, sparsify, dictionary-learning, gemma-scope, saectl
	Architecture string `json:"architecture"` // the format's own word
	D            int    `json:"d"`
	F            int    `json:"latents"`
	DOut         int    `json:"d_out"`
	Transcoder   bool   `json:"transcoder"` // predicts other values than the rows it reads

	Rule         Rule    `json:"rule"`
	K            float64 `json:"k,omitempty"`
	InputBias    bool    `json:"input_bias"`
	OutputBias   bool    `json:"output_bias"`
	DecoderNorms bool    `json:"decoder_norms,omitempty"`
	Normalize    string  `json:"normalize"`
	Scale        float64 `json:"scale"`

	// Of matching pursuit: steps at most, the norm of a residual that ends a row
	// (0 for none), and whether a step that changes no support ends it.
	MaxIterations     int     `json:"max_iterations,omitempty"`
	ResidualThreshold float64 `json:"residual_threshold,omitempty"`
	StopOnDuplicate   bool    `json:"stop_on_duplicate_support,omitempty"`

	Groups   []int           `json:"groups,omitempty"`   // Matryoshka: latents of each group
	Cut      *float64        `json:"cut,omitempty"`      // a threshold beside another rule, as its file states it
	Config   json.RawMessage `json:"config,omitempty"`   // the tool's own settings, word for word
	Dtype    string          `json:"dtype,omitempty"`    // of the numbers in the file: float32 bfloat16 float16 float64
	Warnings []string        `json:"warnings,omitempty"` // what a user should know of this file

	Tensors `json:"-"`
}

// Tensors are the parameters; one that a rule does not have is nil.
type Tensors struct {
	Encoder       []float32 // [F,D]
	EncoderBias   []float32 // [F]
	Decoder       []float32 // [F,DOut]
	DecoderBias   []float32 // [DOut]
	Threshold     []float32 // [F], or [1] for all
	GateBias      []float32 // [F] of gated: added to a before the gate
	MagnitudeBias []float32 // [F] of gated: m
	MagnitudeLog  []float32 // [F] of gated: r
	Skip          []float32 // [DOut,D]
}

// Warn keeps something that a user should know.
func (s *SAE) Warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
}

// Check refuses sizes and settings that do not fit one another. Readers have
// checked tensors in the words of their files before.
func (s *SAE) Check() error {
	if s.D < 1 || s.F < 1 || s.DOut < 1 || s.Scale == 0 || math.IsInf(s.Scale, 0) || math.IsNaN(s.Scale) {
		return fmt.Errorf("sizes d %d, latents %d, d_out %d or scale %g are out of range", s.D, s.F, s.DOut, s.Scale)
	}
	if !s.Transcoder && s.D != s.DOut {
		return fmt.Errorf("an autoencoder of rows of %d values gives %d", s.D, s.DOut)
	}
	if s.Transcoder && (s.Normalize != NormNone || s.InputBias || s.Scale != 1) {
		return errors.New("a transcoder with normalised or scaled rows, or with its decoder bias taken off them, is not known")
	}
	if !slices.Contains([]string{NormNone, NormConstant, NormLayer}, s.Normalize) {
		return fmt.Errorf("normalisation %q is not known", s.Normalize)
	}
	if s.Normalize == NormLayer && s.D < 2 {
		return errors.New("layer normalisation needs rows of 2 values or more")
	}
	for name, t := range s.sizes() {
		if t.have != t.want && (t.have != 0 || t.needed) {
			return fmt.Errorf("%s holds %d numbers, needs %d", name, t.have, t.want)
		}
	}
	if n := len(s.Threshold); n > 1 && n != s.F {
		return fmt.Errorf("%d thresholds for %d latents", n, s.F)
	}
	return s.checkRule()
}

// A size is what a tensor holds and has to.
type size struct {
	have, want int
	needed     bool
}

func (s *SAE) sizes() map[string]size {
	gated := s.Rule == Gated
	return map[string]size{
		"encoder":        {len(s.Encoder), s.F * s.D, s.Rule != Pursuit},
		"encoder bias":   {len(s.EncoderBias), s.F, false},
		"decoder":        {len(s.Decoder), s.F * s.DOut, true},
		"decoder bias":   {len(s.DecoderBias), s.DOut, s.InputBias || s.OutputBias},
		"gate bias":      {len(s.GateBias), s.F, gated},
		"magnitude bias": {len(s.MagnitudeBias), s.F, gated},
		"magnitude log":  {len(s.MagnitudeLog), s.F, gated},
		"skip":           {len(s.Skip), s.DOut * s.D, false},
	}
}

func (s *SAE) checkRule() error {
	whole := s.K == math.Trunc(s.K)
	switch s.Rule {
	case ReLU, Gated:
		return nil
	case JumpReLU:
		if len(s.Threshold) == 0 {
			return errors.New("jumprelu without a threshold")
		}
		return nil
	case Pursuit:
		if s.MaxIterations < 1 || s.ResidualThreshold < 0 || s.Transcoder || s.Skip != nil {
			return fmt.Errorf("matching pursuit of %d steps, residual threshold %g, is out of range", s.MaxIterations, s.ResidualThreshold)
		}
		return nil
	case TopK, AbsTopK, GroupMax, BatchTopK:
		if !(s.K > 0 && s.K <= float64(s.F)) || s.Rule != BatchTopK && !whole {
			return fmt.Errorf("k must be 1..%d, is %g", s.F, s.K)
		}
		if s.Rule == GroupMax && s.F%int(s.K) != 0 {
			return fmt.Errorf("%d latents do not divide into k=%g groups", s.F, s.K)
		}
		return nil
	}
	return fmt.Errorf("rule %q is not known", s.Rule)
}

// ThresholdOf is the threshold of a latent.
func (s *SAE) ThresholdOf(f int) float32 {
	if len(s.Threshold) == 1 {
		return s.Threshold[0]
	}
	return s.Threshold[f]
}

// OneThreshold is the threshold that all latents share, where they do.
func (s *SAE) OneThreshold() (v float32, ok bool) {
	for i, t := range s.Threshold {
		if i > 0 && t != v {
			return 0, false
		}
		v = t
	}
	return v, len(s.Threshold) > 0
}
