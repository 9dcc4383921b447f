package sparsify

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/safetensors"
)

// Write writes s as a folder that sparsify loads. The scale of rows and norms of
// the decoder are folded into the weights; what the library does not know is
// refused by name.
func Write(dir string, s *foreign.SAE) error {
	c, err := s.Plain("sparsify")
	if err != nil {
		return err
	}
	switch {
	case c.Rule != foreign.TopK && c.Rule != foreign.GroupMax:
		return fmt.Errorf("sparsify has topk and groupmax alone, this autoencoder keeps latents by %s", c.Rule)
	case c.DOut != c.D:
		return fmt.Errorf("sparsify's transcoders give as many values as they read, this one reads %d and gives %d", c.D, c.DOut)
	case !c.OutputBias:
		return fmt.Errorf("sparsify always adds a decoder bias")
	}
	if c.DecoderNorms {
		c.FoldNorms()
	}
	if !c.Transcoder {
		if err := c.FoldInputBias(true); err != nil {
			return err
		}
	}
	tensors := []safetensors.Tensor{
		{Name: "W_dec", Shape: []int{c.F, c.D}, Data: c.Decoder},
		{Name: "b_dec", Shape: []int{c.D}, Data: c.DecoderBias},
		{Name: "encoder.bias", Shape: []int{c.F}, Data: foreign.ZerosFor(c.EncoderBias, c.F)},
		{Name: "encoder.weight", Shape: []int{c.F, c.D}, Data: c.Encoder},
	}
	if c.Skip != nil {
		tensors = append(tensors, safetensors.Tensor{Name: "W_skip", Shape: []int{c.D, c.D}, Data: c.Skip})
	}
	return foreign.WriteFolder(dir, configFile, configOf(c), weightsFile, func(w io.Writer) error {
		return safetensors.Write(w, map[string]string{"format": "pt"}, tensors)
	})
}

// configOf is cfg.json. Of a folder of sparsify it is as it was.
func configOf(s *foreign.SAE) config {
	c := config{}
	if s.Format == "sparsify" && json.Unmarshal(s.Config, &c) == nil && c.D == s.D {
		return c
	}
	c = config{Activation: "topk", Expansion: 1, Normalize: true, Latents: s.F, K: int(s.K), Skip: s.Skip != nil, Transcode: s.Transcoder, D: s.D}
	if s.Rule == foreign.GroupMax {
		c.Activation = "groupmax"
	}
	return c
}
