package configs

import (
	"os"
	"strings"
	"testing"
)

// A refusal is a config or a command line with a mistake, and the whole error.
type refusal struct {
	file string
	set  []string
	want string
}

func TestUnknownKeys(t *testing.T) {
	checkRefusals(t, []refusal{
		{"topk:\n  kk: 3\n", nil, "run.yaml:2: unknown key topk.kk; the nearest valid name is topk.k"},
		{"seed: 1\noptimiser:\n  lr: 1\n", nil, "run.yaml:2: unknown key optimiser; the nearest valid name is optimizer"},
		{"train:\n  lr: 1\n", nil, "run.yaml:2: unknown key train.lr; the nearest valid name is optimizer.lr"},
		{"k: 16\n", nil, "run.yaml:1: unknown key k; the nearest valid name is topk.k"},
		{"topk:\n  AUX-K: 1\n", nil, "run.yaml:2: unknown key topk.AUX-K; the nearest valid name is topk.aux_k"},
		{"\"a b\\n\": 1\n", nil, `run.yaml:1: unknown key "a b\n"; the nearest valid name is dump`},
		{"? 'see'\n: 1\n", nil, "run.yaml:1: unknown key see; the nearest valid name is seed"},
		{"'': 1\n", nil, `run.yaml:1: unknown key ""; the nearest valid name is topk.k`},
		{strings.Repeat("y", 5000) + "k: 1\n", nil, `run.yaml:1: unknown key "` + strings.Repeat("y", 60) + `..."; the nearest valid name is topk.k`},
		{"<<: {seed: 1}\n", nil, "run.yaml:1: unknown key <<; the nearest valid name is sae"},
		{"optimizer.lr: 1\n", nil, "run.yaml:1: optimizer.lr: in a file a key stands in its section; write lr below optimizer:"},
		{"", []string{"lr=1"}, "--set: unknown key lr; the nearest valid name is optimizer.lr"},
		{"", []string{"optmizer.lr=1"}, "--set: unknown key optmizer.lr; the nearest valid name is optimizer.lr"},
		{"", []string{"topk.k.k=1"}, "--set: unknown key topk.k.k; the nearest valid name is topk.k"},
		{"topk: 3\n", nil, "run.yaml:1: topk is a section; give one of its keys, such as topk.k"},
		{"", []string{"topk={k: 3}"}, "--set: topk is a section; give one of its keys, such as topk.k"},
		{"noisy: {sigma: 1}\n", nil, "run.yaml:1: noisy holds settings of the variant noisy, and this run's variant is topk; the nearest valid name is topk"},
		{"variant: noisy\ntopk: {k: 1}\n", nil, "run.yaml:2: topk holds settings of the variant topk, and this run's variant is noisy; the nearest valid name is noisy"},
		{"", []string{"noisy.k=1"}, "--set: noisy.k is a setting of the variant noisy, and this run's variant is topk; the nearest valid name is topk.k"},
		{"", []string{"variant=noisy", "topk.k=3"}, "--set: topk.k is a setting of the variant topk, and this run's variant is noisy; the nearest valid name is noisy.k"},
		{"variant: topkk\n", nil, `run.yaml:1: variant is "topkk"; it must be one of batchtopk, noisy, topk; the nearest is topk`},
		{"variant: [topk]\n", nil, "run.yaml:1: variant is a list; want text"},
		{"", []string{"variant="}, `--set: variant is ""; it must be one of batchtopk, noisy, topk; the nearest is topk`},
	})
}

func TestWrongValues(t *testing.T) {
	checkRefusals(t, []refusal{
		{"topk:\n  k: many\n", nil, `run.yaml:2: topk.k is "many"; want a whole number`},
		{"topk: {k: 1.5}\n", nil, "run.yaml:1: topk.k is 1.5; want a whole number"},
		{"topk: {k: \"16\"}\n", nil, `run.yaml:1: topk.k is "16"; want a whole number`},
		{"topk: {k: true}\n", nil, "run.yaml:1: topk.k is true; want a whole number"},
		{"topk: {k: 1e30}\n", nil, "run.yaml:1: topk.k is 1e30, more than 64 bits hold"},
		{"topk: {k: 99999999999999999999}\n", nil, "run.yaml:1: topk.k is 99999999999999999999, more than 64 bits hold"},
		{"topk: {k: .nan}\n", nil, "run.yaml:1: topk.k is .nan; want a whole number"},
		{"topk: {k: }\n", nil, "run.yaml:1: topk.k has no value; want a whole number"},
		{"topk:\n  k: [1, 2]\n", nil, "run.yaml:2: topk.k is a list; want a whole number"},
		{"topk:\n  k:\n    a: 1\n", nil, "run.yaml:2: topk.k is a section of keys; want a whole number"},
		{"topk: {k: !!int abc}\n", nil, "run.yaml:1: topk.k is abc; want a whole number"},
		{"topk: {k: !mine 3}\n", nil, "run.yaml:1: topk.k is 3; want a whole number"},
		{"topk: {k: 0}\n", nil, "run.yaml:1: topk.k is 0; it must be at least 1"},
		{"sae: {latents: 16777217}\n", nil, "run.yaml:1: sae.latents is 16777217; it must be at least 0 and at most 16777216"},
		{"seed: -1\n", nil, "run.yaml:1: seed is -1; it must be at least 0"},
		{"seed: 18446744073709551616\n", nil, "run.yaml:1: seed is 18446744073709551616, more than 64 bits hold"},
		{"seed: {a: 1}\n", nil, "run.yaml:1: seed is a section of keys; want a whole number"},
		{"topk: {transcode: 1}\n", nil, "run.yaml:1: topk.transcode is 1; want true or false"},
		{"topk: {transcode: yes}\n", nil, `run.yaml:1: topk.transcode is "yes"; want true or false`},
		{"optimizer: {lr: fast}\n", nil, `run.yaml:1: optimizer.lr is "fast"; want a number`},
		{"optimizer: {lr: .inf}\n", nil, "run.yaml:1: optimizer.lr is +Inf; want a number that is finite"},
		{"optimizer: {lr: .nan}\n", nil, "run.yaml:1: optimizer.lr is NaN; want a number that is finite"},
		{"optimizer: {beta1: 1}\n", nil, "run.yaml:1: optimizer.beta1 is 1; it must be at least 0 and below 1"},
		{"variant: noisy\nnoisy: {sigma: 0}\n", nil, "run.yaml:2: noisy.sigma is 0; it must be above 0 and at most 2"},
		{"data: {scale: mean_norm}\n", nil, `run.yaml:1: data.scale is "mean_norm"; it must be one of none, mean-norm, row-norm; the nearest is mean-norm`},
		{"data: {scale: 3}\n", nil, `run.yaml:1: data.scale is "3"; it must be one of none, mean-norm, row-norm; the nearest is none`},
		{"dump: 12\n", nil, "run.yaml:1: dump is 12; want text, in quotes where it looks like something else"},
		{"dump: [a]\n", nil, "run.yaml:1: dump is a list; want text"},
		{"dump: \"a\\0b\"\n", nil, `run.yaml:1: dump is "a\x00b", which is not valid text (UTF-8)`},
		{"", []string{"dump=\xff"}, `--set: dump is "\xff", which is not valid text (UTF-8)`},
		{"", []string{"topk.k="}, "--set: topk.k has no value; want a whole number"},
		{"", []string{"topk.k=3, 4"}, `--set: topk.k is "3, 4"; want a whole number`},
		{"", []string{"topk.k=*a"}, `--set: topk.k is "*a"; want a whole number`},
		{"", []string{"topk.k=[1"}, `--set: topk.k is "[1"; want a whole number`},
		{"", []string{"train.save_every=0"}, "--set: train.save_every is 0; it must be at least 1"},
	})
}

func TestIdleSettings(t *testing.T) {
	checkRefusals(t, []refusal{
		{"topk:\n  aux_k: 0\n  dead_after: 5\n", nil, "run.yaml:3: topk.dead_after has no effect while topk.aux_k is 0; remove it, or give topk.aux_k another value"},
		{"topk: {aux_k: 0}\n", []string{"topk.dead_after=5"}, "--set: topk.dead_after has no effect while topk.aux_k is 0; remove it, or give topk.aux_k another value"},
		{"optimizer: {clip: 0, clip_order: before-projection}\n", nil, "run.yaml:1: optimizer.clip_order has no effect while optimizer.clip is 0; remove it, or give optimizer.clip another value"},
		{"topk: {threshold_beta: 0.5}\n", nil, "run.yaml:1: topk.threshold_beta has no effect while topk.inference is rank; remove it, or give topk.inference threshold or running"},
		{"topk: {threshold_warm: 5}\n", nil, "run.yaml:1: topk.threshold_warm has no effect while topk.inference is rank; remove it, or give topk.inference threshold or running"},
		{"topk: {skip: true}\n", nil, "run.yaml:1: topk.skip has no effect while topk.transcode is false; remove it, or give topk.transcode another value"},
		{"train: {rows: 5000, steps: 10}\n", nil, "run.yaml:1: train.steps and train.rows (run.yaml:1) both give the length of the run; remove one of them"},
		{"", []string{"train.rows=5000", "train.steps=10"}, "--set: train.steps and train.rows (--set) both give the length of the run; remove one of them"},
	})
}

func TestMalformedFiles(t *testing.T) {
	checkRefusals(t, []refusal{
		{"seed: 1\nsae:\n  latents: 2\nseed: 2\n", nil, "run.yaml:4: seed is given twice, first in line 1"},
		{"topk:\n  k: 1\n  'k': 2\n", nil, "run.yaml:3: topk.k is given twice, first in line 2"},
		{"topk: {k: 1}\ntopk: {aux_k: 1}\n", nil, "run.yaml:2: topk is given twice, first in line 1"},
		{"", []string{"seed=1", "seed=2"}, "--set: seed is given twice"},
		{"", []string{"topk.k"}, `--set: "topk.k" is not key=value, such as topk.k=16`},
		{"", []string{"=3"}, `--set: "=3" is not key=value, such as topk.k=16`},
		{"seed: &a 1\ntopk: {k: *a}\n", nil, "run.yaml:1: anchors and aliases are not read; write the value out"},
		{"topk: {k: *a}\n", nil, "run.yaml:1: no valid YAML: unknown anchor 'a' referenced"},
		{"topk: &t {k: 1}\nbatchtopk: *t\n", nil, "run.yaml:1: anchors and aliases are not read; write the value out"},
		{"? [a]\n: 1\n", nil, "run.yaml:1: a key is a name, not a list or a section"},
		{"- 1\n", nil, "run.yaml:1: want keys with values, such as variant: topk"},
		{"\n3\n", nil, "run.yaml:2: want keys with values, such as variant: topk"},
		{"seed: 1\n---\nseed: 2\n", nil, "run.yaml:2: a config is one document; remove what follows the ---"},
		{"seed: 1\nsae: {latents: 3\n", nil, "run.yaml:3: no valid YAML: did not find expected ',' or '}' (while parsing a flow mapping that begins in line 2)"},
		{"sae:\n\tlatents: 3\n", nil, "run.yaml:2: no valid YAML: found character that cannot start any token (while scanning for the next token that begins in line 2)"},
		{"ARROW1\x00\x00", nil, "run.yaml: no valid YAML: control characters are not allowed (value: 0)"},
		{strings.Repeat("# filler\n", maxFile/8), nil, "run.yaml: over 1 MB, too large for a config"},
		{strings.Repeat("[", 1<<19), nil, "run.yaml:1: no valid YAML: exceeded max depth of 10000 (while increasing flow level that begins in line 1)"},
		{"seed: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), nil, "run.yaml:1: seed is a list; want a whole number"},
	})
}

func checkRefusals(t *testing.T, all []refusal) {
	for _, r := range all {
		inFolder(t, r.file)
		s, _, err := Resolve(Layers{File: "run.yaml", Set: r.set}, registry())
		if err == nil {
			t.Errorf("%.80q %q: resolved to %+v, want the error\n%s", r.file, r.set, s, r.want)
		} else if err.Error() != r.want {
			t.Errorf("%.80q %q: error\n%v, want\n%s", r.file, r.set, err, r.want)
		}
	}
}

func TestNoConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"topk.":  "--config topk.: there is no such file, and no preset of that name (" + strings.Join(Presets(), ", ") + "); the nearest is topk",
		"topkk":  "--config topkk: there is no such file, and no preset of that name (" + strings.Join(Presets(), ", ") + "); the nearest is topk",
		"folder": "--config folder: that is a folder; give a YAML file or a preset (" + strings.Join(Presets(), ", ") + ")",
	} {
		if _, _, err := Resolve(Layers{File: path}, registry()); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestConditionIsRead(t *testing.T) {
	inFolder(t, "data:\n  where: pos>\n")
	_, _, err := Resolve(Layers{File: "run.yaml"}, registry())
	if err == nil || !strings.HasPrefix(err.Error(), "run.yaml:2: data.where: ") {
		t.Errorf("error %v", err)
	}
}

func TestFlagsAgainstSet(t *testing.T) {
	_, _, err := Resolve(Layers{Dump: "a", Set: []string{"dump=b"}}, registry())
	if want := "--dump: --set dump=b says something else; give one of them"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if s, _ := mustResolve(t, Layers{Dump: "a", Set: []string{"dump=a"}}); s.Dump != "a" {
		t.Errorf("dump %q", s.Dump)
	}
	for _, l := range []Layers{{Dump: "a"}, {Set: []string{"seed=1", "dump=a"}}} {
		if !l.NamesDump() {
			t.Errorf("%+v names no dump", l)
		}
	}
	if (Layers{Preset: "sample", Set: []string{"out=dump="}}).NamesDump() {
		t.Error("a dump where there is none")
	}
}

func TestParseNamesWhatItReads(t *testing.T) {
	_, err := Parse("runs/a/config.yaml", []byte("seed: x\n"), registry())
	if want := `runs/a/config.yaml:1: seed is "x"; want a whole number`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, _, err = Resolve(Layers{Base: []byte("seed: x\n")}, registry())
	if want := `config.yaml of the run:1: seed is "x"; want a whole number`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
