package interop

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// expectation is what case.json says of an SAE.
type expectation struct {
	Architecture, Dtype       string
	Activation                string
	DictClass                 string `json:"dict_class"`
	DIn                       int    `json:"d_in"`
	Latents                   int
	DOut                      int `json:"d_out"`
	K                         float64
	Threshold                 *float64
	ApplyBDecToInput          *bool  `json:"apply_b_dec_to_input"`
	NormalizeActivations      string `json:"normalize_activations"`
	Transcode, SkipConnection *bool
	GroupSizes                []int `json:"group_sizes"`
	MaxIterations             *int  `json:"max_iterations"`
	RescaleActsByDecoderNorm  *bool `json:"rescale_acts_by_decoder_norm"`
	StopOnDuplicateSupport    *bool `json:"stop_on_duplicate_support"`
	ResidualThreshold         *float64
}

type caseFile struct {
	Format, Path string
	Checkpoint   string            `json:"checkpoint_path"`
	Layers       map[string]string // of several hook points
	Expect       expectation
	PerLayer     map[string]struct {
		MeanL0 float64 `json:"mean_l0"`
		Expect expectation
	} `json:"per_layer"`
	MeanL0    *float64 `json:"mean_l0"`
	Tolerance struct{ Absolute, Relative float64 }
}

// TestGoldenSAELens and the others encode and decode with every SAE that the
// tools' own libraries wrote.
func TestGoldenSAELens(t *testing.T)      { goldenSAEs(t, "formats/saelens") }
func TestGoldenSparsify(t *testing.T)     { goldenSAEs(t, "formats/sparsify") }
func TestGoldenDictionaries(t *testing.T) { goldenSAEs(t, "formats/dictionary_learning") }

func goldenSAEs(t *testing.T, folder string) {
	saetest.FolderCases(t, folder, func(t *testing.T, c *saetest.Case, dir string) {
		var f caseFile
		c.JSON(&f)
		if f.Layers == nil {
			s := openSAE(t, filepath.Join(dir, f.Path), f.Format)
			f.check(t, s, f.Expect)
			f.compare(t, c, s, "x", "z", "x_hat", f.MeanL0)
			f.others(t, c, s)
			roundTrip(t, s)
		}
		for hook, path := range f.Layers {
			s := openSAE(t, filepath.Join(dir, path), f.Format)
			f.check(t, s, f.PerLayer[hook].Expect)
			l0 := f.PerLayer[hook].MeanL0
			f.compare(t, c, s, hook+"/x", hook+"/z", hook+"/x_hat", &l0)
		}
		if f.Checkpoint != "" {
			f.midway(t, c, openSAE(t, filepath.Join(dir, f.Checkpoint), f.Format))
		}
	})
}

// openSAE reads an SAE, recognised by its files.
func openSAE(t *testing.T, path, format string) *foreign.SAE {
	t.Helper()
	s, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Format != strings.ReplaceAll(format, "_", "-") {
		t.Errorf("recognised as %s, is %s", s.Format, format)
	}
	return s
}

// check compares what was read with what the case says is there.
func (f *caseFile) check(t *testing.T, s *foreign.SAE, e expectation) {
	t.Helper()
	if want := e.Architecture + e.Activation + e.DictClass; s.Architecture != want {
		t.Errorf("architecture %s, want %s", s.Architecture, want)
	}
	if s.D != e.DIn || s.F != e.Latents || e.DOut != 0 && s.DOut != e.DOut {
		t.Errorf("sizes %d, %d, %d, want %+v", s.D, s.F, s.DOut, e)
	}
	if e.K != 0 && s.K != e.K || e.Dtype != "" && s.Dtype != strings.TrimPrefix(e.Dtype, "torch.") {
		t.Errorf("k %g, dtype %s, want %+v", s.K, s.Dtype, e)
	}
	if e.Threshold != nil && (s.Cut == nil || *s.Cut != *e.Threshold) {
		t.Errorf("threshold %v, want %g", s.Cut, *e.Threshold)
	}
	if !slices.Equal(s.Groups, e.GroupSizes) {
		t.Errorf("groups %v, want %v", s.Groups, e.GroupSizes)
	}
	for _, w := range []struct {
		name string
		have bool
		want *bool
	}{
		{"apply_b_dec_to_input", s.InputBias, e.ApplyBDecToInput}, {"transcode", s.Transcoder, e.Transcode},
		{"rescale_acts_by_decoder_norm", s.DecoderNorms, e.RescaleActsByDecoderNorm}, {"stop_on_duplicate_support", s.StopOnDuplicate, e.StopOnDuplicateSupport},
	} {
		if w.want != nil && w.have != *w.want {
			t.Errorf("%s is %v, want %v", w.name, w.have, *w.want)
		}
	}
}

// encode runs a batch through s and gives the latents densely.
func encode(t *testing.T, s *foreign.SAE, x []float32) (z, recon []float32) {
	t.Helper()
	m, err := foreign.NewModel(s, sae.ModelOptions{Rows: len(x) / s.D, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	codes, err := m.Encode(&activations.Batch{N: len(x) / s.D, D: s.D, X: x})
	if err != nil {
		t.Fatal(err)
	}
	z = make([]float32, codes.N*s.F)
	for i := range codes.N {
		index, value := codes.Row(i)
		for e, f := range index {
			z[i*s.F+int(f)] = value[e]
		}
	}
	return z, slices.Clone(m.Recon())
}

// compare encodes tensor x and compares latents, whose support must be equal,
// and reconstructions.
func (f *caseFile) compare(t *testing.T, c *saetest.Case, s *foreign.SAE, x, z, recon string, l0 *float64) {
	t.Helper()
	haveZ, haveRecon := encode(t, s, c.Floats(x))
	f.near(t, z, haveZ, c.Floats(z), true)
	f.near(t, recon, haveRecon, c.Floats(recon), false)
	if l0 == nil {
		return
	}
	n := 0
	for _, v := range haveZ {
		if v != 0 {
			n++
		}
	}
	if got := float64(n) * float64(s.F) / float64(len(haveZ)); got != *l0 {
		t.Errorf("mean L0 %g, want %g", got, *l0)
	}
}

func (f *caseFile) near(t *testing.T, name string, have, want []float32, support bool) {
	t.Helper()
	if len(have) != len(want) {
		t.Errorf("%s: %d numbers, want %d", name, len(have), len(want))
		return
	}
	for i, w := range want {
		if support && (w != 0) != (have[i] != 0) {
			t.Errorf("%s[%d] is %g, want %g: another support", name, i, have[i], w)
			return
		}
		if d := math.Abs(float64(have[i] - w)); !(d <= f.Tolerance.Absolute+f.Tolerance.Relative*math.Abs(float64(w))) {
			t.Errorf("%s[%d] is %g, want %g", name, i, have[i], w)
			return
		}
	}
}

// others compares the further ways to encode that a case has numbers of.
func (f *caseFile) others(t *testing.T, c *saetest.Case, s *foreign.SAE) {
	t.Helper()
	for _, rule := range []string{"threshold", "batch"} {
		if c.Has("z_" + rule) {
			other, err := s.With(rule)
			if err != nil {
				t.Fatal(err)
			}
			f.compare(t, c, other, "x", "z_"+rule, "x_hat_"+rule, nil)
		}
	}
	if c.Has("z_unit_decoder") {
		unit := s.Clone()
		unit.FoldNorms()
		f.compare(t, c, unit, "x", "z_unit_decoder", "x_hat_unit_decoder", nil)
	}
	if c.Has("x_hat_without_skip") {
		without := *s
		without.Skip = nil
		f.compare(t, c, &without, "x", "z", "x_hat_without_skip", nil)
	}
	if c.Has("x_hat_forward_4k") {
		four := *s
		four.K *= 4
		_, recon := encode(t, &four, c.Floats("x"))
		f.near(t, "x_hat_forward_4k", recon, c.Floats("x_hat_forward_4k"), false)
	}
	for g := range s.Groups {
		name := string(rune('1' + g))
		if !c.Has("z_groups_" + name) {
			continue
		}
		first, err := s.FirstGroups(g + 1)
		if err != nil {
			t.Fatal(err)
		}
		z, recon := encode(t, first, c.Floats("x"))
		f.near(t, "z_groups_"+name, widen(z, first.F, s.F), c.Floats("z_groups_"+name), true)
		f.near(t, "x_hat_groups_"+name, recon, c.Floats("x_hat_groups_"+name), false)
	}
}

// widen pads rows of n numbers with zeros.
func widen(z []float32, n, to int) []float32 {
	out := make([]float32, len(z)/n*to)
	for i := range len(z) / n {
		copy(out[i*to:], z[i*n:(i+1)*n])
	}
	return out
}

// midway compares a checkpoint, by the rule of training.
func (f *caseFile) midway(t *testing.T, c *saetest.Case, s *foreign.SAE) {
	t.Helper()
	batch, err := s.With("batch")
	if err != nil {
		t.Fatal(err)
	}
	f.compare(t, c, batch, "mid_x", "mid_z_batch", "mid_x_hat", nil)
	if len(s.Warnings) == 0 {
		t.Error("nothing warns that this is a checkpoint of training")
	}
	folded := s.Clone()
	if err := folded.FoldScale(); err != nil {
		t.Fatal(err)
	}
	z, recon := encode(t, s, c.Floats("mid_x"))
	foldedZ, foldedRecon := encode(t, folded, c.Floats("mid_x"))
	f.near(t, "folded z", foldedZ, z, true)
	f.near(t, "folded x_hat", foldedRecon, recon, false)
	roundTrip(t, s)
}

// roundTrip stores s and reads it back: every bit must be there.
func roundTrip(t *testing.T, s *foreign.SAE) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "imported")
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	back, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(s, back); d != "" {
		t.Errorf("stored and read back: %s differs", d)
	}
	if err := s.Save(dir); err == nil {
		t.Error("a folder was written over")
	}
}
