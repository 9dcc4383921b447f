package main

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/gradsae"
	"github.com/saectl/saectl/internal/baselines"
	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/mpsae"
	"github.com/saectl/saectl/sae"
	"github.com/saectl/saectl/topk"
	"github.com/saectl/saectl/vsae"
)

// describeForOthers says what a run computes in the words that other tools'
// files are written from, or what of it they have no words for.
func (t *trained) describeForOthers() (*foreign.SAE, error) {
	m := t.model
	s := &foreign.SAE{
		Format: "saectl", Architecture: t.settings.Variant, D: m.D, F: m.F, DOut: m.DOut, Transcoder: m.Transcoder,
		InputBias: true, OutputBias: true, Normalize: foreign.NormNone, Scale: 1, Dtype: "float32",
	}
	w := m.Weight
	s.Encoder, s.EncoderBias = w("encoder.weight"), w("encoder.bias")
	s.Decoder, s.DecoderBias = w("decoder.weight"), w("decoder.bias")
	s.Skip = w("skip.weight")
	if s.DecoderBias == nil {
		s.DecoderBias = make([]float32, s.DOut)
	}
	switch m.Scale.Kind {
	case data.ScaleMeanNorm:
		s.Scale = m.Scale.Factor
	case data.ScaleRowNorm:
		s.Normalize = foreign.NormLayer
	}
	if m.Transcoder && m.Scale.Kind != data.ScaleNone && m.Scale.Kind != "" {
		return nil, fmt.Errorf("a transcoder trained with data.scale=%s has no form in other tools", m.Scale.Kind)
	}
	if m.Transcoder {
		s.InputBias = false
	}
	if err := t.ruleFor(s, t.settings.Section); err != nil {
		return nil, err
	}
	return s, s.Check()
}

// ruleFor fills in how the variant chooses latents.
func (t *trained) ruleFor(s *foreign.SAE, variant sae.Variant) error {
	switch v := variant.(type) {
	case *topk.TopK:
		s.Rule, s.K, s.InputBias, s.DecoderNorms = foreign.TopK, float64(v.K), s.InputBias && v.InputBias, v.Rescale
		switch {
		case v.Inference == "threshold":
			t.cut(s)
		case v.Groups && v.Rescale:
			return fmt.Errorf("topk.groups with topk.rescale has no form in other tools")
		case v.Groups:
			s.Rule = foreign.GroupMax
		}
	case *topk.AbsTopK:
		s.Rule, s.K = foreign.AbsTopK, float64(v.K)
	case *topk.BatchTopK:
		s.K, s.DecoderNorms = float64(v.K), v.Rescale
		t.cut(s)
	case *topk.Matryoshka:
		s.K = float64(v.K)
		t.cut(s)
		return groupsFor(s, v)
	case *baselines.ReLU:
		s.Rule, s.InputBias = foreign.ReLU, v.InputBias
	case *baselines.JumpReLU:
		s.Rule, s.InputBias, s.Threshold = foreign.JumpReLU, v.InputBias, t.model.Weight("threshold")
	case *baselines.Gated:
		s.Rule, s.InputBias, s.EncoderBias = foreign.Gated, v.InputBias, nil
		s.GateBias, s.MagnitudeBias, s.MagnitudeLog = t.model.Weight("gate.bias"), t.model.Weight("magnitude.bias"), t.model.Weight("magnitude.log_scale")
	case *gradsae.GradSAE:
		return gradRule(s, v)
	case *vsae.VSAE:
		s.Rule, s.K, s.InputBias = foreign.AbsTopK, float64(v.K), v.Bias == "tied"
		if v.ReluMu {
			s.Rule = foreign.TopK
		}
	case *mpsae.MPSAE:
		return pursuitRule(s, v, t.model.Weight("decoder.log_scale"))
	default:
		return fmt.Errorf("no other tool has the variant %s: how it chooses latents cannot be written", t.settings.Variant)
	}
	return nil
}

// cut takes the running threshold, which is negative while it was never set: all
// positive latents are kept then.
func (t *trained) cut(s *foreign.SAE) {
	s.Rule = foreign.JumpReLU
	v := -1.0
	if state := t.model.run.State("threshold"); len(state) == 1 {
		v = state[0]
	}
	s.Threshold = []float32{float32(v)}
	s.Cut = &v
	if s.DecoderNorms {
		t.cutByNorm(s, max(v, 0))
	}
}

// cutByNorm is a threshold on latents times the norms of their decoder rows: it
// is one of each latent's own.
func (t *trained) cutByNorm(s *foreign.SAE, threshold float64) {
	s.DecoderNorms, s.Cut, s.Threshold = false, nil, nil
	for f := range s.F {
		norm := math.Sqrt(kernel.SumSquares(s.Decoder[f*s.DOut : (f+1)*s.DOut]))
		s.Threshold = append(s.Threshold, float32(threshold/norm))
	}
}

func groupsFor(s *foreign.SAE, v *topk.Matryoshka) error {
	ends, err := v.Ends(s.F)
	last := 0
	for _, e := range ends {
		s.Groups, last = append(s.Groups, e-last), e
	}
	return err
}

func gradRule(s *foreign.SAE, v *gradsae.GradSAE) error {
	if v.EvalScore != "plain" {
		return fmt.Errorf("gradsae.eval_score=%s chooses latents by a gradient, which other tools do not read; --set is not for export: train or evaluate with plain", v.EvalScore)
	}
	if v.Relu == "none" {
		return fmt.Errorf("gradsae.relu=none keeps negative values of the largest latents, which no other tool does")
	}
	s.Rule, s.K = foreign.TopK, float64(v.K)
	return nil
}

func pursuitRule(s *foreign.SAE, v *mpsae.MPSAE, logScale []float32) error {
	refused := map[string]bool{
		"mpsae.tied=false": !v.Tied, "mpsae.coefficient=signed": v.Coefficient == "signed", "mpsae.reselect=ban": v.Reselect == "ban",
		"mpsae.inference=" + v.Inference: v.Inference != "pursuit", "mpsae.tolerance_of=row": v.ToleranceOf == "row" && (v.Tolerance > 0 || v.InferenceTolerance > 0),
		"data.scale": s.Scale != 1,
	}
	for name, is := range refused {
		if is {
			return fmt.Errorf("%s has no form in other tools' matching pursuit", name)
		}
	}
	s.Rule, s.Encoder, s.MaxIterations, s.StopOnDuplicate = foreign.Pursuit, nil, v.K, v.Reselect == "stop"
	if v.InferenceK > 0 {
		s.MaxIterations = v.InferenceK
	}
	if v.InferenceK < 0 {
		s.MaxIterations = max(v.K, s.D)
	}
	if s.MaxIterations == 0 {
		s.MaxIterations = s.D
	}
	if s.ResidualThreshold = v.Tolerance; v.InferenceTolerance >= 0 {
		s.ResidualThreshold = v.InferenceTolerance
	}
	if logScale != nil {
		factor := float32(math.Exp(float64(logScale[0])))
		s.Decoder = append([]float32{}, s.Decoder...)
		for i := range s.Decoder {
			s.Decoder[i] *= factor
		}
	}
	return nil
}
