package dictlearn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/torchfile"
)

// Write writes s as a folder that dictionary_learning loads. The scale of rows
// and norms of the decoder are folded into the weights; what the library has no
// class for is refused by name.
func Write(dir string, s *foreign.SAE) error {
	c, err := s.Plain("dictionary_learning")
	if err != nil {
		return err
	}
	switch {
	case c.Transcoder || c.Skip != nil:
		return errors.New("dictionary_learning has no transcoders and no skip connections")
	case !c.OutputBias:
		return errors.New("dictionary_learning always adds a decoder bias")
	}
	if c.DecoderNorms {
		c.FoldNorms()
	}
	name, err := classOf(c)
	if err != nil {
		return err
	}
	if err := c.FoldInputBias(classes()[name].inputBias); err != nil {
		return err
	}
	config := map[string]any{"trainer": trainerOf(c, s, name), "buffer": map[string]any{"d_submodule": c.D, "io": "out"}}
	return foreign.WriteFolder(dir, configFile, config, weightsFile, func(w io.Writer) error {
		return torchfile.Write(w, "ae", entriesOf(c, name))
	})
}

// classOf is the dict_class of s.
func classOf(s *foreign.SAE) (string, error) {
	_, one := s.OneThreshold()
	wholeK := s.K >= 1 && s.K == math.Trunc(s.K)
	switch s.Rule {
	case foreign.ReLU:
		if s.InputBias {
			return "AutoEncoder", nil
		}
		return "AutoEncoderNew", nil
	case foreign.TopK:
		return "AutoEncoderTopK", nil
	case foreign.JumpReLU:
		switch {
		case !one || !wholeK || !s.InputBias:
			return "JumpReluAutoEncoder", nil
		case len(s.Groups) > 0:
			return "MatryoshkaBatchTopKSAE", nil
		}
		return "BatchTopKSAE", nil
	case foreign.Gated:
		return "GatedAutoEncoder", nil
	}
	return "", fmt.Errorf("dictionary_learning has no class for the rule %s", s.Rule)
}

// trainerOf are the settings; those of a folder of this library are kept.
func trainerOf(c, s *foreign.SAE, name string) map[string]any {
	o := map[string]any{}
	if s.Format == "dictionary-learning" && s.Config != nil {
		if json.Unmarshal(s.Config, &o) != nil {
			o = map[string]any{}
		}
	}
	o["dict_class"], o["activation_dim"], o["dict_size"] = name, c.D, c.F
	if _, ok := o["trainer_class"]; !ok {
		o["trainer_class"] = "saectl"
	}
	if classes()[name].k {
		o["k"] = int(c.K)
	}
	if classes()[name].groups {
		o["group_sizes"] = c.Groups
	}
	if s.Scale != 1 {
		o["folded_scale"] = s.Scale
	}
	return o
}

// entriesOf are the tensors in the class's own words.
func entriesOf(s *foreign.SAE, name string) []torchfile.Entry {
	c, d, f := classes()[name], s.D, s.F
	list := []torchfile.Entry{{Name: c.bias, Shape: []int{d}, Data: foreign.ZerosFor(s.DecoderBias, d)}}
	add := func(name string, data any, shape ...int) {
		list = append(list, torchfile.Entry{Name: name, Shape: shape, Data: data})
	}
	bias := foreign.ZerosFor(s.EncoderBias, f)
	switch {
	case c.matrices:
		add("W_enc", foreign.Transpose(s.Encoder, f, d), d, f)
		add("b_enc", bias, f)
		add("W_dec", s.Decoder, f, d)
	default:
		add("encoder.weight", s.Encoder, f, d)
		add("decoder.weight", foreign.Transpose(s.Decoder, f, d), d, f)
	}
	switch {
	case c.rule == foreign.Gated:
		add("r_mag", s.MagnitudeLog, f)
		add("gate_bias", s.GateBias, f)
		add("mag_bias", s.MagnitudeBias, f)
	case !c.matrices:
		add("encoder.bias", bias, f)
	}
	if c.k {
		add("k", []int32{int32(s.K)})
	}
	switch {
	case c.cut:
		add("threshold", []float32{cutOf(s)})
	case c.rule == foreign.JumpReLU && len(s.Threshold) == 1:
		add("threshold", foreign.Filled(f, s.Threshold[0]), f)
	case c.rule == foreign.JumpReLU:
		add("threshold", s.Threshold, f)
	}
	if c.groups {
		sizes := make([]int64, len(s.Groups))
		for i, g := range s.Groups {
			sizes[i] = int64(g)
		}
		add("group_sizes", sizes, len(sizes))
	}
	return list
}

// cutOf is the scalar threshold; -1 says that there is none.
func cutOf(s *foreign.SAE) float32 {
	if v, ok := s.OneThreshold(); ok {
		return v
	}
	if s.Cut != nil {
		return float32(*s.Cut)
	}
	return -1
}
