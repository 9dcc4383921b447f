// Package saelens reads and writes the folders of SAELens: cfg.json and
// sae_weights.safetensors, of version 6 (read of sae-lens 6.54) and the flat
// settings before it, and checkpoints in the middle of a training run.
package saelens

import (
	"errors"
	"io/fs"
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
	weightsFile = "sae_weights.safetensors"
	scalerFile  = "activation_scaler.json"
	whitening   = "activation_whitening.safetensors"
)

// Is reports whether dir looks like a folder of SAELens.
func Is(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, weightsFile))
	return err == nil
}

// settings are cfg.json with the defaults of its version.
type settings struct {
	*jsonfile.Object
	architecture    string
	dIn, dSAE, dOut int
	normalize       string
	biasToInput     bool
	legacy          bool
}

// architectures says of each what it is; those of training are read from
// checkpoints.
func architectures() map[string]foreign.Rule {
	return map[string]foreign.Rule{
		"standard": foreign.ReLU, "jumprelu": foreign.JumpReLU, "topk": foreign.TopK, "abstopk": foreign.AbsTopK,
		"gated": foreign.Gated, "matching_pursuit": foreign.Pursuit,
		"transcoder": foreign.ReLU, "skip_transcoder": foreign.ReLU,
		"jumprelu_transcoder": foreign.JumpReLU, "jumprelu_skip_transcoder": foreign.JumpReLU,
		"batchtopk": foreign.JumpReLU, "matryoshka_batchtopk": foreign.JumpReLU,
	}
}

func isTraining(architecture string) bool {
	return architecture == "batchtopk" || architecture == "matryoshka_batchtopk"
}

// Read reads the SAE in dir.
func Read(dir string) (*foreign.SAE, error) {
	o, err := jsonfile.Read(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	c := settingsOf(o)
	s := c.sae()
	if err := o.Err(); err != nil {
		return nil, err
	}
	t, f, err := foreign.OpenSafetensors(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t.Sizes = "cfg.json says d_in " + number(c.dIn) + ", d_sae " + number(c.dSAE)
	if c.dOut != c.dIn {
		t.Sizes += ", d_out " + number(c.dOut)
	}
	c.take(s, t)
	if err := c.scaled(s, dir); err != nil {
		return nil, err
	}
	if err := t.Done(c.architecture); err != nil {
		return nil, err
	}
	c.warn(s)
	return s, nil
}

// settingsOf reads what all architectures have.
func settingsOf(o *jsonfile.Object) *settings {
	c := &settings{Object: o, legacy: isLegacy(o)}
	if c.architecture = o.StringOr("architecture", ""); c.legacy {
		c.migrate()
	} else if o.Err() == nil && c.architecture == "" {
		o.Fail("architecture is missing")
	}
	if _, known := architectures()[c.architecture]; !known {
		names := make([]string, 0, 12)
		for name := range architectures() {
			names = append(names, name)
		}
		slices.Sort(names)
		o.Fail("unknown architecture %.40q; those read are %s", c.architecture, strings.Join(names, ", "))
	}
	c.dIn, c.dSAE = positive(o, "d_in"), positive(o, "d_sae")
	if c.dOut = c.dIn; strings.HasSuffix(c.architecture, "transcoder") {
		c.dOut = positive(o, "d_out")
	}
	c.checkWords()
	return c
}

// positive is a size, which must be 1 or more.
func positive(o *jsonfile.Object, key string) int {
	n := o.Int(key)
	if o.Err() == nil && n < 1 {
		o.Fail("%s must be positive, is %d", key, n)
	}
	return n
}

// isLegacy reports whether the settings are older than version 6: no version, at
// the top or in metadata, or a lower one.
func isLegacy(o *jsonfile.Object) bool {
	version := o.StringOr("sae_lens_version", "")
	if version == "" && o.Has("metadata") {
		version = o.Object("metadata").StringOr("sae_lens_version", "")
	}
	major, _, _ := strings.Cut(version, ".")
	return len(major) == 0 || len(major) == 1 && major < "6"
}

// migrate gives flat settings the words of version 6.
func (c *settings) migrate() {
	if c.architecture == "" {
		c.architecture = "standard"
	}
	activation := "relu"
	for _, key := range []string{"activation_fn_str", "activation_fn"} {
		activation = c.StringOr(key, activation)
	}
	switch activation {
	case "relu":
	case "topk":
		c.architecture = "topk"
	default:
		c.Fail("activation_fn %.40q is not known; relu and topk are", activation)
	}
}

// checkWords reads the words that change what is computed.
func (c *settings) checkWords() {
	c.biasToInput = c.BoolOr("apply_b_dec_to_input", true)
	c.normalize = "none"
	switch raw := string(c.Raw("normalize_activations")); {
	case raw == "true" && c.legacy:
		c.normalize = "expected_average_only_in"
	case raw == "false" && c.legacy:
	default:
		c.normalize = c.StringOr("normalize_activations", "none")
	}
	known := []string{"none", "expected_average_only_in", "covariance_whitening", "constant_norm_rescale", "layer_norm"}
	if !slices.Contains(known, c.normalize) {
		c.Fail("normalize_activations %.40q is not known; %s are", c.normalize, strings.Join(known, ", "))
	}
	if r := c.StringOr("reshape_activations", "none"); r != "none" && r != "hook_z" {
		c.Fail("reshape_activations %.40q is not known; none and hook_z are", r)
	}
	c.dtype()
}

// dtype is the type of the numbers; old settings have "torch." before it.
func (c *settings) dtype() string {
	d := strings.TrimPrefix(c.StringOr("dtype", "float32"), "torch.")
	if !slices.Contains([]string{"float32", "float64", "bfloat16", "float16"}, d) {
		c.Fail("unknown dtype %.40q; float32, float64, bfloat16 and float16 are read", d)
	}
	return d
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
