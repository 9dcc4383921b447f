package configs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/saectl/saectl/sae"
)

// Two variants with settings of every type.
type keeper struct {
	K              int     `yaml:"k" range:"[1,)" doc:"latents kept"`
	AuxK           int     `yaml:"aux_k" range:"[0,)" doc:"dead latents kept"`
	AuxCoefficient float64 `yaml:"aux_coefficient" range:"[0,)" needs:"aux_k" doc:"weight"`
	DeadAfter      int64   `yaml:"dead_after" range:"[1,)" needs:"aux_k" doc:"rows"`
	Loss           string  `yaml:"loss" oneof:"mse|fvu" doc:"loss"`
	Skip           bool    `yaml:"skip" doc:"skip"`
	unexported     int
}

type noisy struct {
	Sigma float64 `yaml:"sigma" range:"(0,2]" doc:"noise"`
}

func (*keeper) Build(*sae.Builder) sae.Out { return sae.Out{} }
func (*noisy) Build(*sae.Builder) sae.Out  { return sae.Out{} }

func registry() sae.Registry {
	keep := func() sae.Variant {
		return &keeper{K: 32, AuxK: 512, AuxCoefficient: 0.03125, DeadAfter: 10_000_000, Loss: "mse"}
	}
	return sae.Registry{"topk": keep, "batchtopk": keep, "noisy": func() sae.Variant { return &noisy{Sigma: 0.5} }}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name, file string
		set        []string
		want       string
	}{
		{"unknown key", "topk:\n  kk: 3\n", nil, "run.yaml:2: topk.kk is not a setting; did you mean topk.k?"},
		{"unknown section", "optimiser:\n  lr: 1\n", nil, "run.yaml:2: optimiser.lr is not a setting; did you mean optimizer.lr?"},
		{"wrong section", "train:\n  lr: 1\n", nil, "train.lr is not a setting; did you mean"},
		{"no key in section", "", []string{"lr=1"}, "--set lr=1: lr is not a setting; did you mean optimizer.lr?"},
		{"section as key", "topk: 3\n", nil, "run.yaml:1: topk is a section; put its keys under it"},
		{"text for a number", "topk:\n  k: many\n", nil, `run.yaml:2: topk.k is "many"; want a whole number`},
		{"fraction", "topk: {k: 1.5}\n", nil, `run.yaml:1: topk.k is "1.5"; want a whole number`},
		{"number in quotes", "topk: {k: \"16\"}\n", nil, `topk.k is "16"; want a whole number`},
		{"number for a switch", "topk: {skip: 1}\n", nil, `topk.skip is "1"; want true or false`},
		{"empty", "topk: {k: }\n", nil, "topk.k is empty; want a whole number"},
		{"list", "topk: {k: [1, 2]}\n", nil, "topk.k is a list (lists are for saectl sweep)"},
		{"below range", "topk: {k: 0}\n", nil, "topk.k is 0; want a whole number of at least 1"},
		{"infinite", "optimizer: {lr: .inf}\n", nil, "optimizer.lr is +Inf; want a number"},
		{"not a number", "optimizer: {lr: .nan}\n", nil, "optimizer.lr is NaN; want a number"},
		{"open range", "variant: noisy\nnoisy: {sigma: 0}\n", nil, "noisy.sigma is 0; want a number above 0 and of at most 2"},
		{"negative seed", "seed: -1\n", nil, `seed is "-1"; want a whole number`},
		{"choice", "topk: {loss: msee}\n", nil, `topk.loss is "msee"; want one of mse, fvu; did you mean mse?`},
		{"other variant", "noisy: {sigma: 1}\n", nil, "run.yaml:1: noisy.sigma is a setting of the variant noisy, this run trains topk"},
		{"other variant by set", "", []string{"noisy.sigma=1"}, "noisy.sigma is a setting of the variant noisy"},
		{"no effect", "topk:\n  aux_k: 0\n  dead_after: 5\n", nil, "run.yaml:3: topk.dead_after has no effect while topk.aux_k is 0; leave it out, or set topk.aux_k"},
		{"no effect by set", "topk: {aux_k: 0}\n", []string{"topk.dead_after=5"}, "--set topk.dead_after=5: topk.dead_after has no effect"},
		{"variant", "variant: topkk\n", nil, `run.yaml:1: variant "topkk" is unknown; there are batchtopk, noisy, topk; did you mean topk?`},
		{"twice", "seed: 1\nseed: 2\n", nil, "run.yaml:2: seed is given twice, first in line 1"},
		{"set twice", "", []string{"seed=1", "seed=2"}, "seed is set twice"},
		{"rows and steps", "train: {rows: 5000, steps: 10}\n", nil, "say the same thing; give one of them"},
		{"alias", "seed: &a 1\n", nil, "anchors and aliases are not read"},
		{"not keys", "- 1\n", nil, "run.yaml:1: want keys and sections"},
		{"two documents", "seed: 1\n---\nseed: 2\n", nil, "one document"},
		{"syntax", "topk: {k: 3\n", nil, "run.yaml: "},
		{"no equals", "", []string{"topk.k"}, "--set topk.k: want key=value"},
		{"deeper", "topk: {k: {a: 1}}\n", nil, "topk.k is a section; want a whole number"},
	}
	for _, c := range cases {
		_, _, err := Resolve(Layers{File: write(t, c.file), Set: c.set}, registry())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v\nwant %q", c.name, err, c.want)
		}
	}
	if _, _, err := Resolve(Layers{File: "topkk"}, registry()); err == nil || !strings.Contains(err.Error(), "did you mean topk?") {
		t.Errorf("a config that is neither file nor preset: %v", err)
	}
	big := write(t, strings.Repeat("# filler\n", maxFile/8))
	if _, _, err := Resolve(Layers{File: big}, registry()); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a config of a megabyte: %v", err)
	}
}

func resolve(t *testing.T, l Layers) *Settings {
	t.Helper()
	s, _, err := Resolve(l, registry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLayers(t *testing.T) {
	file := write(t, "variant: topk\nseed: 3\ntopk: {k: 7, aux_coefficient: 0.5}\ntrain: {steps: 50}\n")
	s := resolve(t, Layers{File: file, Set: []string{"topk.k=9", "train.rows=1e6"}, Dump: "d", Out: "o"})
	if k := s.Section.(*keeper); k.K != 9 || k.AuxCoefficient != 0.5 || k.AuxK != 512 {
		t.Errorf("section %+v", k)
	}
	if s.Train.Rows != 1_000_000 || s.Train.Steps != 0 || s.Seed != 3 || s.Dump != "d" || s.Out != "o" {
		t.Errorf("settings %+v", s)
	}
	s = resolve(t, Layers{File: file, Set: []string{"variant=noisy"}})
	if n, ok := s.Section.(*noisy); !ok || n.Sigma != 0.5 || s.Seed != 3 {
		t.Errorf("another variant over a file: %+v", s)
	}
	s = resolve(t, Layers{File: file, Set: []string{"topk.aux_k=0"}})
	if s.Section.(*keeper).AuxK != 0 {
		t.Error("a feature that a higher layer turns off is refused or kept")
	}
	if s = resolve(t, Layers{Set: []string{"variant=noisy", "data.where=pos>0 && doc<5"}}); s.Data.Where != "pos>0 && doc<5" {
		t.Errorf("where is %q", s.Data.Where)
	}
	if s = resolve(t, Layers{}); s.Variant != "topk" || s.Optimizer.LR == sae.DefaultOptimizer().LR {
		t.Errorf("without a config: %+v, want the preset topk", s)
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, err := Resolve(Layers{Set: []string{"train.steps=10", "optimizer.warmup=20"}}, registry())
	if err != nil || len(warnings) != 2 {
		t.Errorf("warnings %q, %v; want one of the warm-up and one of save_every", warnings, err)
	}
}

func TestPresetsResolveAndRoundTrip(t *testing.T) {
	for _, name := range Presets() {
		b, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), "topk") {
			continue // its variant is checked by the command's own test
		}
		s := resolve(t, Layers{Preset: name})
		checkRoundTrip(t, s)
	}
}

func checkRoundTrip(t interface{ Fatalf(string, ...any) }, s *Settings) {
	text := s.YAML()
	back, err := Parse("config.yaml", text, registry())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if d := Diff(s, back); len(d) > 0 {
		t.Fatalf("came back with %v from\n%s", d, text)
	}
	if again := back.YAML(); string(again) != string(text) {
		t.Fatalf("written again as\n%s\nfirst\n%s", again, text)
	}
}

// Any settings say the same in a file and by --set, and survive being written.
func TestFileEqualsSet(t *testing.T) {
	values := map[string]*rapid.Generator[string]{
		"topk.k": rapid.SampledFrom([]string{"1", "16", "4096"}), "topk.skip": rapid.SampledFrom([]string{"true", "false"}),
		"topk.loss": rapid.SampledFrom([]string{"mse", "fvu"}), "topk.dead_after": rapid.SampledFrom([]string{"1", "1e7", "12345678901"}),
		"optimizer.lr": rapid.SampledFrom([]string{"3e-4", "0.01", "1", "1.0e-3"}), "seed": rapid.SampledFrom([]string{"0", "18446744073709551615"}),
		"data.where": rapid.SampledFrom([]string{"pos>0", "doc < 3", "label==2"}), "out": rapid.SampledFrom([]string{"a b", "7", "true", "it's", "~/x: y", "null"}),
		"train.steps": rapid.SampledFrom([]string{"1", "100"}),
	}
	rapid.Check(t, func(r *rapid.T) {
		var set []string
		sections := map[string][]string{}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			g := values[key]
			if !rapid.Bool().Draw(r, key+" given") {
				continue
			}
			v := g.Draw(r, key)
			section, name, ok := strings.Cut(key, ".")
			if !ok {
				section, name = "", key
			}
			set = append(set, key+"="+v)
			if key == "data.where" || key == "out" {
				v = quoted(v)
			}
			sections[section] = append(sections[section], name+": "+v)
		}
		text := strings.Join(sections[""], "\n") + "\n"
		for section, lines := range sections {
			if section != "" {
				text += fmt.Sprintf("%s:\n  %s\n", section, strings.Join(lines, "\n  "))
			}
		}
		fromFile, err := parseYAML("f", []byte(text))
		if err != nil {
			r.Fatalf("%v in %s", err, text)
		}
		f := newForm("topk", registry())
		if err := f.apply([]layer{fromFile}, registry()); err != nil {
			r.Fatalf("%v in %s", err, text)
		}
		top, err := Layers{Set: set}.top()
		if err != nil {
			r.Fatal(err)
		}
		g := newForm("topk", registry())
		if err := g.apply([]layer{top}, registry()); err != nil {
			r.Fatal(err)
		}
		if a, b := f.settings(), g.settings(); !reflect.DeepEqual(a, b) {
			r.Fatalf("the file gives\n%s\n--set gives\n%s", a.YAML(), b.YAML())
		}
		checkRoundTrip(r, f.settings())
	})
}

func TestDiffNamesWhatDiffers(t *testing.T) {
	a := resolve(t, Layers{Set: []string{"topk.k=8"}})
	b := resolve(t, Layers{Set: []string{"topk.k=9", "topk.aux_k=0"}})
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := "topk.aux_coefficient is not set, was 0.03125|topk.aux_k is 0, was 512|topk.dead_after is not set, was 10000000|topk.k is 9, was 8"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("differences %s\nwant %s", s, want)
	}
}

func TestKeysAreDocumented(t *testing.T) {
	for _, k := range Keys(registry()) {
		if k.Doc == "" || k.Type == "" {
			t.Errorf("%+v lacks a description", k)
		}
	}
}
