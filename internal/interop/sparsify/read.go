// Package sparsify reads and writes the folders of EleutherAI's sparsify:
// cfg.json and sae.safetensors, one folder a hook point (read of eai-sparsify
// 1.3.3).
package sparsify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/jsonfile"
)

// The files of a folder.
const (
	configFile  = "cfg.json"
	weightsFile = "sae.safetensors"
)

// Is reports whether dir looks like a folder of sparsify, or one with such
// folders in it.
func Is(dir string) bool {
	return has(dir, weightsFile) || len(hookpoints(dir)) > 0
}

func has(dir, file string) bool {
	_, err := os.Stat(filepath.Join(dir, file))
	return err == nil
}

// hookpoints lists the folders of a run of several hook points, which alone
// have a cfg.json.
func hookpoints(dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if in := filepath.Join(dir, e.Name()); e.IsDir() && has(in, configFile) && has(in, weightsFile) {
			names = append(names, e.Name())
		}
	}
	return names
}

// config is cfg.json.
type config struct {
	Activation string `json:"activation"`
	Expansion  int    `json:"expansion_factor"`
	Normalize  bool   `json:"normalize_decoder"`
	Latents    int    `json:"num_latents"`
	K          int    `json:"k"`
	Multi      bool   `json:"multi_topk"`
	Skip       bool   `json:"skip_connection"`
	Transcode  bool   `json:"transcode"`
	D          int    `json:"d_in"`
}

// Read reads the SAE in dir.
func Read(dir string) (*foreign.SAE, error) {
	if !has(dir, configFile) {
		if names := hookpoints(dir); len(names) > 0 {
			return nil, fmt.Errorf("%s: holds one autoencoder a hook point: %s; give the folder of one", dir, strings.Join(names, ", "))
		}
	}
	o, err := jsonfile.Read(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	c := settings(o)
	if err := o.Err(); err != nil {
		return nil, err
	}
	t, f, err := foreign.OpenSafetensors(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := c.sae()
	latents := fmt.Sprintf("num_latents is %d", s.F)
	if c.Latents == 0 {
		latents = fmt.Sprintf("d_in·expansion_factor is %d", s.F)
	}
	t.Sizes = fmt.Sprintf("cfg.json: d_in is %d, %s", c.D, latents)
	s.Dtype = t.Dtype("encoder.weight") // that of all
	s.Encoder, s.EncoderBias = t.Take("encoder.weight", s.F, s.D), t.Take("encoder.bias", s.F)
	s.Decoder, s.DecoderBias = t.Take("W_dec", s.F, s.D), t.Take("b_dec", s.D)
	if c.Skip {
		s.Skip = t.Take("W_skip", s.D, s.D)
	}
	if err := t.Done(c.Activation + " (skip_connection " + fmt.Sprint(c.Skip) + ")"); err != nil {
		return nil, err
	}
	if s.Config, err = json.Marshal(c); err != nil {
		return nil, err
	}
	if c.Multi {
		s.Warn("multi_topk: forward of the library reconstructs from the 4k largest latents; here, as in its encode and decode, from k")
	}
	return s, nil
}

// settings reads cfg.json, with the library's defaults for what it may lack.
func settings(o *jsonfile.Object) config {
	c := config{
		Activation: o.StringOr("activation", "topk"), Normalize: o.BoolOr("normalize_decoder", true),
		Multi: o.BoolOr("multi_topk", false), Skip: o.BoolOr("skip_connection", false), Transcode: o.BoolOr("transcode", false),
	}
	if !slices.Contains([]string{"topk", "groupmax"}, c.Activation) {
		o.Fail("unknown activation %.40q; topk and groupmax are read", c.Activation)
	}
	if c.D = o.Int("d_in"); o.Err() == nil && c.D < 1 {
		o.Fail("d_in must be positive, is %d", c.D)
	}
	if o.Has("num_latents") {
		c.Latents = o.Int("num_latents")
	}
	if c.Latents == 0 || o.Has("expansion_factor") {
		c.Expansion = o.Int("expansion_factor")
	}
	f := c.latents()
	if o.Err() == nil && (f < 1 || f > 1<<40) {
		o.Fail("num_latents %d and expansion_factor %d give no number of latents", c.Latents, c.Expansion)
	}
	if c.K = o.Int("k"); o.Err() == nil && (c.K < 1 || c.K > f) {
		o.Fail("k must be 1..%d, is %d", f, c.K)
	}
	if o.Err() == nil && c.Activation == "groupmax" && f%c.K != 0 {
		o.Fail("%d latents do not divide into k=%d groups", f, c.K)
	}
	return c
}

func (c config) latents() int {
	if c.Latents != 0 {
		return c.Latents
	}
	if c.Expansion < 0 || c.D > 0 && c.Expansion > (1<<40)/c.D {
		return -1
	}
	return c.D * c.Expansion
}

func (c config) sae() *foreign.SAE {
	rule := foreign.TopK
	if c.Activation == "groupmax" {
		rule = foreign.GroupMax
	}
	return &foreign.SAE{
		Format: "sparsify", Architecture: c.Activation, D: c.D, F: c.latents(), DOut: c.D, Transcoder: c.Transcode,
		Rule: rule, K: float64(c.K), InputBias: !c.Transcode, OutputBias: true, Normalize: foreign.NormNone, Scale: 1,
	}
}
