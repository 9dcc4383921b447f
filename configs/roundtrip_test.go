package configs

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A reporter is a *testing.T or a *rapid.T.
type reporter interface{ Fatalf(string, ...any) }

func checkRoundTrip(t reporter, s *Settings) {
	text := s.YAML()
	back, err := Parse("config.yaml", text, registry())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !reflect.DeepEqual(s, back) {
		t.Fatalf("came back with %v from\n%s", Diff(s, back), text)
	}
	if again := back.YAML(); !bytes.Equal(again, text) {
		t.Fatalf("written again as\n%s\nfirst\n%s", again, text)
	}
}

func TestPresetsAndVariantsRoundTrip(t *testing.T) {
	for _, name := range knownPresets(t) {
		s, _ := mustResolve(t, Layers{File: name})
		checkRoundTrip(t, s)
	}
	for name := range registry() {
		checkRoundTrip(t, defaults(name, registry()))
		s, _ := mustResolve(t, Layers{Preset: "sample", Set: []string{"variant=" + name}})
		checkRoundTrip(t, s)
	}
}

// draw gives any value that a setting may have, as text for YAML to quote.
func draw(t *rapid.T, x field) string {
	switch kind := x.value.Kind(); {
	case x.choices != nil:
		return rapid.SampledFrom(x.choices).Draw(t, x.key)
	case x.key == "variant":
		return rapid.SampledFrom([]string{"topk", "noisy"}).Draw(t, x.key)
	case x.key == "data.where":
		return rapid.SampledFrom([]string{"", "pos>0", "label==3 && (doc<100 || pos > 7)"}).Draw(t, x.key)
	case kind == reflect.String:
		odd := rapid.SampledFrom([]string{"null", "~", "1e6", "true", "a: b", "a #b", "- a", "'", `C:\new`, "a\n\tb ", "---", "é\u2028\U0001f600", "<<", "*a", "[", "0x1F", "2024-01-01", "\x7f\x1b", "=", "\ufeff"})
		return rapid.OneOf(odd, rapid.String(), rapid.StringMatching(`[ -~]{0,12}`)).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }).Draw(t, x.key)
	case kind == reflect.Bool:
		return fmt.Sprint(rapid.Bool().Draw(t, x.key))
	case kind == reflect.Uint64:
		return fmt.Sprint(rapid.Uint64().Draw(t, x.key))
	case kind == reflect.Float64:
		v := rapid.Float64Range(max(x.limits.lo, -1e300), min(x.limits.hi, 1e300)).Filter(x.limits.hold).Draw(t, x.key)
		return numberText(v)
	}
	lo, hi := max(x.limits.lo, math.MinInt32), min(x.limits.hi, math.MaxInt32)
	return fmt.Sprint(rapid.Int64Range(int64(lo), int64(hi)).Draw(t, x.key))
}

// config draws some of the settings of a variant that may stand together, as
// --set and as a file.
func config(t *rapid.T) (set []string, file string) {
	variant := rapid.SampledFrom([]string{"topk", "batchtopk", "noisy"}).Draw(t, "variant")
	f, err := newForm(variant, registry())
	if err != nil {
		t.Fatalf("%v", err)
	}
	var text strings.Builder
	section := ""
	fmt.Fprintf(&text, "variant: %s\n", variant)
	set = []string{"variant=" + variant}
	for _, x := range f.fields {
		length := x.key == "train.rows" && f.Train.Steps > 0 || x.key == "train.steps"
		if x.key == "variant" || length || f.unmet(x) != nil || !rapid.Bool().Draw(t, "with "+x.key) {
			continue
		}
		v := draw(t, x)
		typed := v
		if x.kind() == "text" {
			typed = quoted(v)
		}
		if x.section != section {
			section = x.section
			fmt.Fprintf(&text, "%s:\n", section)
		}
		indent := map[bool]string{true: "  "}[section != ""]
		fmt.Fprintf(&text, "%s%s: %s\n", indent, leaf(x.key), typed)
		set = append(set, x.key+"="+v)
		if err := x.set((assignment{text: v}).node(&x)); err != nil {
			t.Fatalf("%s=%q: %v", x.key, v, err)
		}
	}
	return set, text.String()
}

// Any settings mean the same in a file and on the command line, and come back
// from what a run keeps of them.
func TestFileEqualsSet(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, []byte("# nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		set, file := config(t)
		fromFile, err := Parse("f", []byte(file), registry())
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		fromSet, _, err := Resolve(Layers{File: empty, Set: set}, registry())
		if err != nil {
			t.Fatalf("%v in %q", err, set)
		}
		if !reflect.DeepEqual(fromFile, fromSet) {
			t.Fatalf("the file gives\n%s\n--set gives\n%s", fromFile.YAML(), fromSet.YAML())
		}
		checkRoundTrip(t, fromFile)
	})
}

// Whatever bytes a config holds, reading it ends with settings that come back
// or an error.
func FuzzParse(f *testing.F) {
	for _, name := range Presets() {
		b, err := Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("a: &a [*a, *a]\n"))
	f.Add([]byte("? {[]: &x y}\n: *x\n---\n"))
	f.Add([]byte("topk: {k: 0x1F, aux_coefficient: 1e-400}\nseed: 1_0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Parse("f", b, registry()); err == nil {
			checkRoundTrip(t, s)
		}
	})
}

// YAML shows a person what each setting is.
func TestYAMLIsReadable(t *testing.T) {
	s, _ := mustResolve(t, Layers{Set: []string{"variant=noisy", "train.steps=7"}, Dump: "a: b"})
	text := string(s.YAML())
	for _, want := range []string{
		"# autoencoder to train\nvariant: noisy\n", "dump: \"a: b\"\n", "\n\nnoisy:\n  # noise\n  sigma: 0.5\n",
		"  scale: none\n", "[none|mean-norm|row-norm]\n", "  steps: 7\n", "  epsilon: 1.0e-08\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\n  rows:") {
		t.Errorf("rows beside steps in\n%s", text)
	}
}
