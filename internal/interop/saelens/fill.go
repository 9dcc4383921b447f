package saelens

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/jsonfile"
)

func number(n int) string { return strconv.Itoa(n) }

// sae is what the settings say, without tensors.
func (c *settings) sae() *foreign.SAE {
	s := &foreign.SAE{
		Format: "saelens", Architecture: c.architecture, D: c.dIn, F: c.dSAE, DOut: c.dOut,
		Rule: architectures()[c.architecture], InputBias: c.biasToInput, OutputBias: true,
		Normalize: foreign.NormNone, Scale: 1, Dtype: c.dtype(),
	}
	switch c.normalize {
	case "constant_norm_rescale":
		s.Normalize = foreign.NormConstant
	case "layer_norm":
		s.Normalize = foreign.NormLayer
	}
	if strings.HasSuffix(c.architecture, "transcoder") {
		s.Transcoder, s.InputBias = true, false
	}
	switch {
	case s.Rule == foreign.TopK || s.Rule == foreign.AbsTopK:
		s.K = float64(c.k())
		s.DecoderNorms = c.BoolOr("rescale_acts_by_decoder_norm", false)
	case isTraining(c.architecture):
		s.K = c.Float("k")
		s.DecoderNorms = c.BoolOr("rescale_acts_by_decoder_norm", true)
		if !(s.K > 0 && s.K <= float64(s.F)) {
			c.Fail("k must be in (0,%d], is %g", s.F, s.K)
		}
		if c.Has("matryoshka_widths") {
			s.Groups = groupsOf(c.Ints("matryoshka_widths"), s.F)
		}
	case s.Rule == foreign.Pursuit:
		c.pursuit(s)
	}
	s.Config = c.whole()
	return s
}

// k is the number of latents of a row. The library takes 100 where it is
// missing, which no file means.
func (c *settings) k() int {
	o, key := c.Object, "k"
	if c.legacy && !c.Has("k") && c.Has("activation_fn_kwargs") {
		o = c.Object.Object("activation_fn_kwargs")
	}
	k := o.Int(key)
	if err := o.Err(); err != nil {
		c.Fail("%w", err)
	}
	if c.Err() == nil && (k < 1 || k > c.dSAE) {
		c.Fail("k must be 1..%d, is %d", c.dSAE, k)
	}
	return k
}

func (c *settings) pursuit(s *foreign.SAE) {
	s.OutputBias = c.biasToInput
	s.MaxIterations = c.dIn
	if c.Has("max_iterations") {
		s.MaxIterations = positive(c.Object, "max_iterations")
	}
	s.ResidualThreshold = max(0, c.Float("residual_threshold"))
	s.StopOnDuplicate = c.Bool("stop_on_duplicate_support")
}

// groupsOf turns the widths of nested dictionaries into sizes of groups.
func groupsOf(widths []int, f int) (groups []int) {
	last := 0
	for _, w := range append(widths, f) {
		if w > last {
			groups = append(groups, w-last)
			last = w
		}
	}
	return groups
}

// whole is cfg.json with its keys in order.
func (c *settings) whole() json.RawMessage {
	b := []byte("{")
	for i, key := range c.Keys() {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			c.Fail("%w", err)
		}
		b = append(append(append(b, name...), ':'), c.Raw(key)...)
	}
	return append(b, '}')
}

// take reads the tensors of the architecture.
func (c *settings) take(s *foreign.SAE, t *foreign.Table) {
	d, f := s.D, s.F
	if s.Rule != foreign.Pursuit {
		s.Encoder = foreign.Transpose(t.Take("W_enc", d, f), d, f)
	}
	s.Decoder = t.Take("W_dec", f, s.DOut)
	s.DecoderBias = t.Take("b_dec", s.DOut)
	if s.Rule == foreign.Pursuit {
		return
	}
	switch {
	case s.Rule == foreign.Gated:
		s.GateBias, s.MagnitudeBias, s.MagnitudeLog = t.Take("b_gate", f), t.Take("b_mag", f), t.Take("r_mag", f)
	default:
		s.EncoderBias = t.Take("b_enc", f)
	}
	switch {
	case isTraining(c.architecture):
		s.Threshold = t.Take("topk_threshold")
	case s.Rule == foreign.JumpReLU:
		s.Threshold = t.Take("threshold", f)
	}
	if strings.Contains(c.architecture, "skip") {
		s.Skip = t.Take("W_skip", s.DOut, d)
	}
	c.finetuned(t)
}

// finetuned reads the factors of old files, which must be ones: a file with
// others was written to be folded.
func (c *settings) finetuned(t *foreign.Table) {
	if !c.legacy || !t.Has("scaling_factor") {
		return
	}
	for _, v := range t.Take("scaling_factor", c.dSAE) {
		if v == 1 {
			continue
		}
		if c.BoolOr("finetuning_scaling_factor", false) {
			t.Fail("scaling_factor is not 1 and finetuning_scaling_factor is true: factors on latents are not read; fold them into W_dec first")
		} else {
			t.Fail("scaling_factor is not 1 but finetuning_scaling_factor is false")
		}
		return
	}
}

// scaled reads the scale of a checkpoint, whose weights live in scaled units.
func (c *settings) scaled(s *foreign.SAE, dir string) error {
	path := filepath.Join(dir, scalerFile)
	if !exists(path) {
		if isTraining(c.architecture) && c.normalize != "none" {
			s.Warn("%s says normalize_activations %s but there is no %s: rows are not scaled", configFile, c.normalize, scalerFile)
		}
		return nil
	}
	o, err := jsonfile.Read(path)
	if err != nil {
		return err
	}
	if o.BoolOr("has_whitening", false) || exists(filepath.Join(dir, whitening)) {
		return foldWhitening(s, filepath.Join(dir, whitening))
	}
	if o.Has("scaling_factor") {
		s.Scale = o.Float("scaling_factor")
		if o.Err() == nil && !(s.Scale > 0) {
			o.Fail("scaling_factor must be above 0, is %g", s.Scale)
		}
	}
	return o.Err()
}

// warn says what a user of this file should know.
func (c *settings) warn(s *foreign.SAE) {
	if isTraining(c.architecture) {
		s.Warn("a checkpoint of training: latents above the running threshold %g are kept, as after training, not the k largest of a batch", s.Threshold[0])
		if s.Threshold[0] <= 0 {
			s.Warn("its threshold was never set, so all positive latents are kept")
		}
	} else if c.normalize == "expected_average_only_in" || c.normalize == "covariance_whitening" {
		s.Warn("%s says normalize_activations %s, a scaling of training that is folded into the weights when they are saved: none is applied. If it was not folded, it is lost", configFile, c.normalize)
	}
	if s.Dtype == "float64" {
		s.Warn("its numbers are float64 and are rounded to float32")
	}
}
