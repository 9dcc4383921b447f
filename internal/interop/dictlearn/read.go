// Package dictlearn reads and writes the folders of dictionary_learning:
// config.json and ae.pt, a pickle of tensors (read of dictionary-learning 0.1.0).
package dictlearn

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/jsonfile"
	"github.com/saectl/saectl/internal/interop/torchfile"
)

// The files of a folder.
const (
	configFile  = "config.json"
	weightsFile = "ae.pt"
)

// Is reports whether path is a folder of dictionary_learning, or a file of
// weights in one.
func Is(path string) bool {
	if strings.HasSuffix(path, ".pt") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, weightsFile))
	return err == nil
}

// A class is what one dict_class computes and how its file names the tensors.
type class struct {
	rule      foreign.Rule
	inputBias bool
	matrices  bool   // W_enc [D,F] and W_dec [F,D] in place of encoder.weight [F,D] and decoder.weight [D,F]
	bias      string // of the decoder
	k, cut    bool   // has the scalars k and threshold
	groups    bool
}

func classes() map[string]class {
	return map[string]class{
		"AutoEncoder":            {rule: foreign.ReLU, inputBias: true, bias: "bias"},
		"AutoEncoderNew":         {rule: foreign.ReLU, bias: "decoder.bias"},
		"AutoEncoderTopK":        {rule: foreign.TopK, inputBias: true, bias: "b_dec", k: true, cut: true},
		"BatchTopKSAE":           {rule: foreign.JumpReLU, inputBias: true, bias: "b_dec", k: true, cut: true},
		"MatryoshkaBatchTopKSAE": {rule: foreign.JumpReLU, inputBias: true, matrices: true, bias: "b_dec", k: true, cut: true, groups: true},
		"JumpReluAutoEncoder":    {rule: foreign.JumpReLU, matrices: true, bias: "b_dec"},
		"GatedAutoEncoder":       {rule: foreign.Gated, inputBias: true, bias: "decoder_bias"},
	}
}

// Read reads the SAE of a folder, or the weights in a file, whose config.json
// lies beside it or, of a checkpoint, in the folder above.
func Read(path string) (*foreign.SAE, error) {
	dir, weights := path, filepath.Join(path, weightsFile)
	if strings.HasSuffix(path, ".pt") {
		dir, weights = filepath.Dir(path), path
		if filepath.Base(dir) == "checkpoints" {
			dir = filepath.Dir(dir)
		}
	}
	o, err := jsonfile.Read(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	trainer := o.Object("trainer")
	s, c := settings(trainer)
	for _, e := range []error{o.Err(), trainer.Err()} {
		if e != nil {
			return nil, e
		}
	}
	f, err := torchfile.Open(weights)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := table(weights, f)
	t.Sizes = fmt.Sprintf("config.json says activation_dim %d, dict_size %d", s.D, s.F)
	if err := fill(s, c, t, f); err != nil {
		return nil, err
	}
	s.Config = o.Raw("trainer")
	return s, s.Check()
}

// table gives the tensors of a pickle.
func table(path string, f *torchfile.File) *foreign.Table {
	t := &foreign.Table{File: path, Names: f.Names()}
	t.Info = func(name string) (string, []int, bool) {
		x := f.Tensor(name)
		if x == nil {
			return "", nil, false
		}
		return x.Dtype, x.Shape(), true
	}
	t.Load = func(name string) ([]float32, error) { return f.Tensor(name).Float32() }
	for _, o := range f.Others() {
		t.Fail("entry %.60s is %s, wants a tensor", o.Name, o.Kind)
	}
	return t
}

// settings reads the trainer's settings that say what is computed.
func settings(o *jsonfile.Object) (*foreign.SAE, class) {
	name := o.String("dict_class")
	c, known := classes()[name]
	if !known {
		names := make([]string, 0, 8)
		for n := range classes() {
			names = append(names, n)
		}
		sort.Strings(names)
		o.Fail("unknown dict_class %.40q; those read are %s", name, strings.Join(names, ", "))
	}
	s := &foreign.SAE{
		Format: "dictionary-learning", Architecture: name, Rule: c.rule, InputBias: c.inputBias, OutputBias: true,
		Normalize: foreign.NormNone, Scale: 1, D: o.Int("activation_dim"), F: o.Int("dict_size"),
	}
	s.DOut = s.D
	if o.Err() == nil && (s.D < 1 || s.F < 1) {
		o.Fail("activation_dim and dict_size must be positive, are %d and %d", s.D, s.F)
	}
	if c.k {
		if s.K = float64(o.Int("k")); o.Err() == nil && (s.K < 1 || s.K > float64(s.F)) {
			o.Fail("k must be 1..%d, is %g", s.F, s.K)
		}
	}
	if c.groups && o.Has("group_sizes") {
		s.Groups = o.Ints("group_sizes")
	}
	return s, c
}

// fill reads the tensors.
func fill(s *foreign.SAE, c class, t *foreign.Table, f *torchfile.File) error {
	d, n := s.D, s.F
	if c.rule == foreign.Gated {
		s.MagnitudeLog, s.GateBias, s.MagnitudeBias = t.Take("r_mag", n), t.Take("gate_bias", n), t.Take("mag_bias", n)
	}
	s.DecoderBias = t.Take(c.bias, d)
	if c.matrices {
		s.Encoder = foreign.Transpose(t.Take("W_enc", d, n), d, n)
		s.EncoderBias, s.Decoder = t.Take("b_enc", n), t.Take("W_dec", n, d)
	} else {
		s.Encoder = t.Take("encoder.weight", n, d)
		s.Decoder = foreign.Transpose(t.Take("decoder.weight", d, n), d, n)
		if c.rule != foreign.Gated {
			s.EncoderBias = t.Take("encoder.bias", n)
		}
	}
	switch {
	case c.cut:
		cut(s, c, t)
	case c.rule == foreign.JumpReLU:
		s.Threshold = t.Take("threshold", n)
	}
	if c.k {
		scalar(s, t, f)
	}
	if c.groups {
		groups(s, t, f)
	}
	s.Dtype = t.Dtype(c.bias)
	return t.Done(s.Architecture)
}

// cut reads the scalar threshold. TopK has one too and does not use it.
func cut(s *foreign.SAE, c class, t *foreign.Table) {
	x := t.Take("threshold")
	if len(x) != 1 {
		return
	}
	v := float64(x[0])
	s.Cut = &v
	if c.rule == foreign.JumpReLU {
		s.Threshold = x
		if v < 0 {
			s.Warn("its threshold is %g, which means never set: training ended before threshold_start_step. All positive latents are kept, far more than k", v)
		}
	}
}

// scalar compares the k of the weights with that of the settings.
func scalar(s *foreign.SAE, t *foreign.Table, f *torchfile.File) {
	t.Skip("k")
	x := f.Tensor("k")
	if x == nil {
		t.Fail("tensor k is missing")
		return
	}
	if x.Len() != 1 {
		t.Fail("tensor k has %d entries, wants one", x.Len())
		return
	}
	k, err := x.Int64()
	if err != nil {
		t.Fail("%w", err)
	} else if float64(k[0]) != s.K {
		t.Fail("k: config.json says %g, ae.pt says %d", s.K, k[0])
	}
}

// groups reads the sizes of Matryoshka's groups, which the weights state.
func groups(s *foreign.SAE, t *foreign.Table, f *torchfile.File) {
	t.Skip("group_sizes")
	x := f.Tensor("group_sizes")
	if x == nil || x.Len() > s.F {
		t.Fail("tensor group_sizes is missing, or lists more groups than latents")
		return
	}
	list, err := x.Int64()
	if err != nil {
		t.Fail("%w", err)
		return
	}
	sum, sizes := 0, []int{}
	for _, g := range list {
		if g < 1 || g > int64(s.F) {
			t.Fail("group_sizes holds %d", g)
			return
		}
		sum, sizes = sum+int(g), append(sizes, int(g))
	}
	if sum != s.F {
		t.Fail("group_sizes sum to %d, wants %d", sum, s.F)
	}
	if s.Groups != nil && !slices.Equal(s.Groups, sizes) {
		t.Fail("group_sizes: config.json says %v, ae.pt says %v", s.Groups, sizes)
	}
	s.Groups = sizes
}
