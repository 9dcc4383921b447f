package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/sae"
)

// keeper and noisy are variants with settings of every type and rule. keeper
// has the keys that the shipped presets set.
type keeper struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents kept"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"rows"`
	Inference      string  `yaml:"inference" oneof:"rank|threshold|running" doc:"rule"`
	Beta           float64 `yaml:"threshold_beta" range:"[0,1)" needs:"inference=threshold|running" doc:"decay"`
	Warm           uint64  `yaml:"threshold_warm" needs:"threshold_beta" doc:"rows before"`
	Transcode      bool    `yaml:"transcode" doc:"predict the target"`
	Skip           bool    `yaml:"skip" needs:"transcode" doc:"linear part"`

	private int // no setting
}

type noisy struct {
	Sigma float64 `yaml:"sigma" range:"(0,2]" doc:"noise"`
	K     int     `yaml:"k" range:"[1,)" doc:"latents kept"`
}

func (*keeper) Build(*sae.Builder) sae.Out { return sae.Out{} }
func (*noisy) Build(*sae.Builder) sae.Out  { return sae.Out{} }

func newKeeper() sae.Variant {
	return &keeper{K: 32, AuxK: 512, AuxCoefficient: 0.03125, DeadAfter: 10_000_000, Inference: "rank", Beta: 0.9, Warm: 7, private: 1}
}

func registry() sae.Registry {
	return sae.Registry{
		"topk": newKeeper, "batchtopk": newKeeper, "noisy": func() sae.Variant { return &noisy{Sigma: 0.5, K: 1} },
	}
}

// inFolder writes run.yaml into a new folder and goes there, so that messages
// name the file alone.
func inFolder(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("run.yaml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustResolve(t *testing.T, l Layers) (*Settings, []string) {
	t.Helper()
	s, warnings, err := Resolve(l, registry())
	if err != nil {
		t.Fatal(err)
	}
	return s, warnings
}

func TestLayers(t *testing.T) {
	inFolder(t, "seed: 3\nout: from-file\ntopk: {k: 7, aux_coefficient: 0.5}\noptimizer:\ntrain: {steps: 50}\n")
	s, _ := mustResolve(t, Layers{File: "run.yaml", Set: []string{"topk.k=9", "train.rows=2.5e6"}, Dump: "d", Out: "o"})
	if k := s.Section.(*keeper); k.K != 9 || k.AuxCoefficient != 0.5 || k.AuxK != 512 {
		t.Errorf("section %+v", k)
	}
	if s.Train.Rows != 2_500_000 || s.Train.Steps != 0 || s.Seed != 3 || s.Dump != "d" || s.Out != "o" {
		t.Errorf("settings %+v", s)
	}
	if s.Optimizer != sae.DefaultOptimizer() || s.SAE != sae.DefaultModel() {
		t.Errorf("a file starts from other defaults than the structs': %+v %+v", s.Optimizer, s.SAE)
	}
	if s, _ = mustResolve(t, Layers{File: "run.yaml"}); s.Train.Steps != 50 || s.Train.Rows != 0 || s.Out != "from-file" {
		t.Errorf("train %+v, out %q", s.Train, s.Out)
	}
	if s, _ = mustResolve(t, Layers{File: "run.yaml", Set: []string{"train.steps=0"}}); s.Train.TotalSteps() != 0 {
		t.Errorf("a length of 0 asked for gives %+v", s.Train)
	}
}

// The variant of the command line drops the section of the file's variant.
func TestVariantOverFile(t *testing.T) {
	inFolder(t, "seed: 3\ntopk: {k: 7}\nnoisy: {sigma: 1}\n")
	s, _ := mustResolve(t, Layers{File: "run.yaml", Set: []string{"variant=noisy"}})
	if n, ok := s.Section.(*noisy); !ok || n.Sigma != 1 || s.Seed != 3 {
		t.Errorf("settings %+v", s)
	}
	inFolder(t, "topk: {k: zero}\n")
	if _, _, err := Resolve(Layers{File: "run.yaml", Set: []string{"variant=noisy"}}, registry()); err == nil {
		t.Error("a dropped section is not read")
	}
}

func TestWhatARunStartsFrom(t *testing.T) {
	s, _ := mustResolve(t, Layers{})
	preset, _ := mustResolve(t, Layers{Preset: "topk"})
	if !reflect.DeepEqual(s, preset) || s.Optimizer.LR == sae.DefaultOptimizer().LR {
		t.Errorf("nothing asked for gives %+v, want the preset topk", s)
	}
	s, _ = mustResolve(t, Layers{Set: []string{"variant=noisy"}})
	if d := defaults("noisy", registry()); !reflect.DeepEqual(s, d) {
		t.Errorf("a variant without preset gives %+v, want %+v", s, d)
	}
	sample, _ := mustResolve(t, Layers{Preset: "sample"})
	s, _ = mustResolve(t, Layers{Preset: "sample", Set: []string{"variant=noisy"}})
	if s.SAE != sample.SAE || s.Dump != sample.Dump || s.Variant != "noisy" {
		t.Errorf("the sample with another variant gives %+v", s)
	}
	s, _ = mustResolve(t, Layers{Preset: "sample", Set: []string{"variant=batchtopk"}})
	if own, _ := mustResolve(t, Layers{Preset: "sample-batchtopk"}); !reflect.DeepEqual(s, own) {
		t.Errorf("the sample with batchtopk gives %+v, want its namesake", s)
	}
	s, _ = mustResolve(t, Layers{Preset: "batchtopk", Set: []string{"variant=topk", "seed=1"}})
	if want, _ := mustResolve(t, Layers{Preset: "topk", Set: []string{"seed=1"}}); !reflect.DeepEqual(s, want) {
		t.Errorf("a preset with another variant gives %+v, want that variant's preset", s)
	}
}

// --config topk is the preset also where a folder has that name, but a file
// of that name comes first.
func TestFileBeforePreset(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("topk", 0o755); err != nil {
		t.Fatal(err)
	}
	s, _ := mustResolve(t, Layers{File: "topk"})
	if preset, _ := mustResolve(t, Layers{Preset: "topk"}); !reflect.DeepEqual(s, preset) {
		t.Errorf("got %+v, want the preset", s)
	}
	if err := os.WriteFile("sample", []byte("seed: 99\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, _ = mustResolve(t, Layers{File: "sample"}); s.Seed != 99 {
		t.Error("a preset hides the file of its name")
	}
}

func TestResumedRun(t *testing.T) {
	first, _ := mustResolve(t, Layers{Preset: "sample", Set: []string{"topk.aux_k=0", "seed=5"}})
	again, _ := mustResolve(t, Layers{Base: first.YAML()})
	if !reflect.DeepEqual(first, again) {
		t.Errorf("resumed with %v", Diff(first, again))
	}
	longer, _ := mustResolve(t, Layers{Base: first.YAML(), Set: []string{"train.steps=9000"}})
	if d := Diff(first, longer); len(d) != 1 || d[0].String() != "train.steps is 9000, was "+d[0].Old {
		t.Errorf("extended with %v", d)
	}
}

// A setting may lose its effect by a higher layer; it then has its default.
func TestFeatureTurnedOffAbove(t *testing.T) {
	inFolder(t, "topk: {aux_coefficient: 0.5, inference: threshold, threshold_beta: 0.5, threshold_warm: 3}\n")
	s, _ := mustResolve(t, Layers{File: "run.yaml", Set: []string{"topk.aux_k=0", "topk.inference=rank"}})
	want := newKeeper().(*keeper)
	want.AuxK = 0
	if got := s.Section.(*keeper); *got != *want {
		t.Errorf("section %+v, want %+v", got, want)
	}
}

func TestWarnings(t *testing.T) {
	inFolder(t, "train: {steps: 10, save_every: 10}\noptimizer: {warmup: 10}\n")
	for _, c := range []struct {
		set  []string
		want []string
	}{
		{nil, nil},
		{[]string{"optimizer.warmup=11", "train.save_every=11"}, []string{
			"optimizer.warmup is 11 steps and the run has 10, so the rate stays below optimizer.lr",
			"train.save_every is 11 steps and the run has 10, so only its end is saved",
		}},
		{[]string{"train.rows=1023"}, []string{"the run has no step: train.rows is 1023, train.batch is 1024 and train.steps is 0"}},
		{[]string{"train.screen=off"}, nil},
		{[]string{"train.screen=statistical"}, []string{
			"train.screen is statistical: its bound is not certified, so a latent that should be kept may rarely be missed, and runs with equal settings may differ; auto misses none",
		}},
		{[]string{"topk.aux_k=100000000", "topk.k=100000000"}, nil}, // a mere size
	} {
		_, got := mustResolve(t, Layers{File: "run.yaml", Set: c.set})
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: warnings %q, want %q", c.set, got, c.want)
		}
	}
	if _, got := mustResolve(t, Layers{Preset: "sample", Set: []string{"train.steps=300"}}); len(got) > 0 {
		t.Errorf("warnings %q about what nobody asked for", got)
	}
}

func TestDiff(t *testing.T) {
	a, _ := mustResolve(t, Layers{Set: []string{"topk.k=8", "data.where=pos>0"}})
	b, _ := mustResolve(t, Layers{Set: []string{"topk.k=9", "topk.aux_k=0", "topk.inference=running", "seed=1"}})
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	aux, _ := mustResolve(t, Layers{})
	k := aux.Section.(*keeper)
	want := []string{
		"seed is 1, was 0", "topk.k is 9, was 8", "topk.aux_k is 0, was " + numberText(float64(k.AuxK)),
		"topk.aux_coefficient is not set, was " + numberText(k.AuxCoefficient), "topk.dead_after is not set, was " + numberText(float64(k.DeadAfter)),
		"topk.inference is running, was rank", `data.where is "", was pos>0`,
		"topk.threshold_beta is 0.9, was not set", "topk.threshold_warm is 7, was not set",
	}
	if !slices.Equal(got, want) {
		t.Errorf("differences\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c, _ := mustResolve(t, Layers{File: "topk", Set: []string{"variant=noisy"}})
	d, _ := mustResolve(t, Layers{File: "topk"})
	if got := Diff(c, d); len(got) != 1 || got[0].Key != "variant" {
		t.Errorf("other variants differ in %v", got)
	}
}

func TestKeys(t *testing.T) {
	keys := Keys(registry())
	at := func(name string) Key {
		t.Helper()
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
		if i < 0 {
			t.Fatalf("no key %s", name)
		}
		return keys[i]
	}
	if k := at("variant"); k.Default != "topk" || !slices.Equal(k.Choices, []string{"batchtopk", "noisy", "topk"}) {
		t.Errorf("%+v", k)
	}
	want := Key{Name: "topk.threshold_beta", Type: "a number", Default: "0.9", Limits: "at least 0 and below 1", Needs: "topk.inference=threshold|running", Doc: "decay"}
	if k := at(want.Name); !reflect.DeepEqual(k, want) {
		t.Errorf("%+v, want %+v", k, want)
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.Name] || k.Doc == "" || k.Type == "" {
			t.Errorf("%+v is there twice, or lacks words", k)
		}
		seen[k.Name] = true
	}
	at("noisy.sigma")
}

type byValue struct{}

func (byValue) Build(*sae.Builder) sae.Out { return sae.Out{} }

// A mistake in a variant's tags is an error that names the field.
func TestMalformedTags(t *testing.T) {
	for want, v := range map[string]any{
		"field A: no tag yaml": &struct{ A int }{},
		"field B: no config can hold a []int": &struct {
			B []int `yaml:"b" doc:"d"`
		}{},
		"field C: range": &struct {
			C int `yaml:"c" range:"1-3" doc:"d"`
		}{},
		"field D: needs x.e, which is no earlier key": &struct {
			D int `yaml:"d" needs:"e" doc:"d"`
			E int `yaml:"e" doc:"d"`
		}{},
	} {
		f := &form{Settings: &Settings{}}
		if err := f.add("x", reflect.ValueOf(v).Elem()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: error %v, want %q", v, err, want)
		}
	}
	reg := sae.Registry{"topk": func() sae.Variant { return byValue{} }}
	if _, _, err := Resolve(Layers{}, reg); err == nil || !strings.Contains(err.Error(), "want a pointer to a struct") {
		t.Errorf("a variant by value: error %v", err)
	}
}

// knownPresets are those of variants that registry has. That the others
// resolve is a test of the command, which has all variants.
func knownPresets(t *testing.T) (known []string) {
	for _, name := range Presets() {
		l, err := parsePreset(name)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := l.find("variant")
		if ok && registry()[a.value.Value] != nil {
			known = append(known, name)
		}
	}
	if len(known) < 3 {
		t.Fatalf("only %v of %v are of variants that the test has", known, Presets())
	}
	return known
}

func TestPresetNamesAreVariants(t *testing.T) {
	for _, name := range knownPresets(t) {
		if s, _ := mustResolve(t, Layers{Preset: name}); registry()[name] != nil && s.Variant != name {
			t.Errorf("the preset %s trains %s", name, s.Variant)
		}
		if filepath.Base(name) != name || strings.Contains(name, ".") {
			t.Errorf("preset %q", name)
		}
	}
}
