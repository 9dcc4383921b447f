package saelens

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/safetensors"
)

// writtenVersion is the version whose files are written; loaders look for one
// from 6 on.
const writtenVersion = "6.54.0"

// Write writes s as a folder that SAELens loads for inference. The scale of rows
// is folded into the weights; what the library has no architecture for is refused
// by name.
func Write(dir string, s *foreign.SAE) error {
	c, err := s.Plain("SAELens", foreign.NormConstant, foreign.NormLayer)
	if err != nil {
		return err
	}
	architecture, err := architectureOf(c)
	if err != nil {
		return err
	}
	return foreign.WriteFolder(dir, configFile, configOf(c, s, architecture), weightsFile, func(w io.Writer) error {
		return safetensors.Write(w, nil, tensorsOf(c))
	})
}

// architectureOf is the library's word for s.
func architectureOf(s *foreign.SAE) (string, error) {
	names := map[foreign.Rule]string{
		foreign.ReLU: "standard", foreign.JumpReLU: "jumprelu", foreign.TopK: "topk",
		foreign.AbsTopK: "abstopk", foreign.Gated: "gated", foreign.Pursuit: "matching_pursuit",
	}
	name, ok := names[s.Rule]
	switch {
	case !ok:
		return "", fmt.Errorf("SAELens has no architecture for the rule %s", s.Rule)
	case s.Rule == foreign.Pursuit && s.InputBias != s.OutputBias:
		return "", fmt.Errorf("SAELens adds the decoder bias of matching_pursuit only where it takes it off rows")
	case !s.OutputBias && s.Rule != foreign.Pursuit:
		return "", fmt.Errorf("SAELens always adds a decoder bias")
	case !s.Transcoder && s.Skip != nil:
		return "", fmt.Errorf("SAELens has no autoencoder with a skip connection (tensor W_skip)")
	case !s.Transcoder:
		return name, nil
	}
	prefix := map[foreign.Rule]string{foreign.ReLU: "", foreign.JumpReLU: "jumprelu_"}
	name, ok = prefix[s.Rule]
	if !ok {
		return "", fmt.Errorf("SAELens has no transcoder with the rule %s", s.Rule)
	}
	if s.Skip != nil {
		name += "skip_"
	}
	return name + "transcoder", nil
}

// configOf is cfg.json; s is what c was made from.
func configOf(c, s *foreign.SAE, architecture string) map[string]any {
	o := map[string]any{
		"architecture": architecture, "d_in": c.D, "d_sae": c.F, "dtype": "float32", "device": "cpu",
		"apply_b_dec_to_input": c.InputBias, "reshape_activations": "none",
		"normalize_activations": map[string]string{foreign.NormNone: "none", foreign.NormConstant: "constant_norm_rescale", foreign.NormLayer: "layer_norm"}[c.Normalize],
	}
	meta := map[string]any{}
	var old struct {
		Reshape  string         `json:"reshape_activations"`
		Metadata map[string]any `json:"metadata"`
	}
	if s.Format == "saelens" && json.Unmarshal(s.Config, &old) == nil {
		if old.Reshape == "hook_z" {
			o["reshape_activations"] = old.Reshape
		}
		if old.Metadata != nil {
			meta = old.Metadata
		}
	}
	meta["sae_lens_version"] = writtenVersion
	meta["exported_by"], meta["exported_from"] = "saectl", s.Format+" "+s.Architecture
	if s.Scale != 1 {
		meta["folded_scale"] = s.Scale
	}
	o["metadata"] = meta
	if c.Transcoder {
		o["d_out"] = c.DOut
	}
	switch c.Rule {
	case foreign.TopK, foreign.AbsTopK:
		o["k"], o["rescale_acts_by_decoder_norm"] = int(c.K), c.DecoderNorms
	case foreign.Pursuit:
		o["max_iterations"], o["residual_threshold"], o["stop_on_duplicate_support"] = c.MaxIterations, c.ResidualThreshold, c.StopOnDuplicate
	}
	return o
}

// tensorsOf are those of the architecture: the loader refuses another one.
func tensorsOf(c *foreign.SAE) []safetensors.Tensor {
	d, f := c.D, c.F
	list := []safetensors.Tensor{
		{Name: "W_dec", Shape: []int{f, c.DOut}, Data: c.Decoder},
		{Name: "b_dec", Shape: []int{c.DOut}, Data: foreign.ZerosFor(c.DecoderBias, c.DOut)},
	}
	if c.Rule == foreign.Pursuit {
		return list
	}
	add := func(name string, data []float32, shape ...int) {
		list = append(list, safetensors.Tensor{Name: name, Shape: shape, Data: data})
	}
	add("W_enc", foreign.Transpose(c.Encoder, f, d), d, f)
	if c.Rule == foreign.Gated {
		add("b_gate", c.GateBias, f)
		add("b_mag", c.MagnitudeBias, f)
		add("r_mag", c.MagnitudeLog, f)
	} else {
		add("b_enc", foreign.ZerosFor(c.EncoderBias, f), f)
	}
	if c.Rule == foreign.JumpReLU {
		t := c.Threshold
		if len(t) == 1 {
			t = foreign.Filled(f, t[0])
		}
		add("threshold", t, f)
	}
	if c.Skip != nil {
		add("W_skip", c.Skip, c.DOut, d)
	}
	return list
}
