package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// saectl runs a command line and returns its exit code and streams.
func saectl(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	if s := e.String(); strings.Contains(s, "panic") || strings.Contains(s, "goroutine ") {
		t.Errorf("saectl %v shows a panic or a stack:\n%s", args, s)
	}
	return code, o.String(), e.String()
}

// want runs a command line that must end with code, and returns its streams.
func want(t *testing.T, code int, args ...string) (out, errOut string) {
	t.Helper()
	got, out, errOut := saectl(t, args...)
	if got != code {
		t.Fatalf("saectl %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), got, code, out, errOut)
	}
	return out, errOut
}

// atOnce is want of a command that is interrupted when it starts. One that goes
// through rows ends with the exit code of that, so that any other shows what was
// said before.
func atOnce(t *testing.T, code int, args ...string) (errOut string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var o, e bytes.Buffer
	if got := run(ctx, args, &o, &e); got != code {
		t.Errorf("saectl %s, interrupted: exit code %d, want %d: %s", strings.Join(args, " "), got, code, e.String())
	}
	return e.String()
}

// quick is a run on the embedded sample that takes a second.
func quick(more ...string) []string {
	return append([]string{"train", "--quiet", "--set", "sae.latents=96", "--set", "topk.k=8", "--set", "topk.aux_k=0",
		"--set", "train.batch=256", "--set", "train.log_every=10", "--set", "optimizer.warmup=5"}, more...)
}

// TestSharedOutLatents wants settings that share latents out to be judged by the
// number that the run has, also one that follows from the dump.
func TestSharedOutLatents(t *testing.T) {
	t.Chdir(t.TempDir())
	groups := []string{"train", "--quiet", "--set", "topk.groups=true", "--set", "topk.k=24", "--set", "train.batch=256", "--set", "train.steps=2"}
	want(t, 0, append(groups, "--set", "sae.latents=96")...)
	want(t, 0, "eval", "--sae", "runs/topk-001", "--json")
	_, e := want(t, 1, groups...)
	if !strings.Contains(e, "512 latents do not split into k = 24 equal groups") {
		t.Errorf("latents left to saectl: %s", e)
	}
}

func TestTrainEvalInspect(t *testing.T) {
	t.Chdir(t.TempDir())
	out, _ := want(t, 0, quick("--set", "train.steps=60")...)
	if !strings.Contains(out, "saectl eval --sae runs/topk-001") || !strings.Contains(out, "saectl inspect-features --sae runs/topk-001") {
		t.Errorf("train does not print the two lines to try next:\n%s", out)
	}
	out, _ = want(t, 0, "eval", "--sae", "runs/topk-001", "--json")
	var report struct {
		Dump struct {
			Rows  int64
			Split string
		}
		Metrics map[string]struct {
			Value      float64
			Rows       int64
			Definition string
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("eval --json: %v in %s", err, out)
	}
	if fvu := report.Metrics["fvu"]; fvu.Value <= 0 || fvu.Value > 0.5 || fvu.Rows != report.Dump.Rows || fvu.Definition == "" || report.Dump.Split != "test" {
		t.Errorf("fvu %+v on %+v", fvu, report.Dump)
	}
	for _, name := range []string{"explained_variance", "mse", "cosine", "l2_ratio", "l0", "l1", "dead_latents", "dead_fraction", "coherence_max", "coherence_mean"} {
		if _, ok := report.Metrics[name]; !ok {
			t.Errorf("eval --json lacks %s", name)
		}
	}
	kept, err := os.ReadFile("runs/topk-001/report.json")
	if err != nil || string(kept) != out {
		t.Errorf("report.json is not what eval printed: %v", err)
	}
	out, _ = want(t, 0, "inspect-features", "--sae", "runs/topk-001", "--feature", "3,10-12", "--json")
	var shown struct{ Features []struct{ Latent int } }
	if err := json.Unmarshal([]byte(out), &shown); err != nil || len(shown.Features) != 4 {
		t.Errorf("inspect-features --json: %v, %d features", err, len(shown.Features))
	}
	out, _ = want(t, 0, "inspect-features", "--sae", "runs/topk-001", "--search", "func", "--count", "2")
	if strings.Count(out, "\nlatent ") != 2 {
		t.Errorf("a search for two latents shows:\n%s", out)
	}
	out, _ = want(t, 0, "encode", "--sae", "runs/topk-001", "--out", "codes.arrow")
	if st, err := os.Stat("codes.arrow"); err != nil || st.Size() < 1000 || !strings.Contains(out, "rows") {
		t.Errorf("encode: %v, printed %s", err, out)
	}
	if _, errOut := want(t, 0, "train", "--resume", "--out", "runs/topk-001"); !strings.Contains(errOut, "finished") {
		t.Errorf("a finished run that is resumed says: %s", errOut)
	}
}

func TestResumeRules(t *testing.T) {
	t.Chdir(t.TempDir())
	args := quick("--set", "train.steps=30", "--out", "a")
	want(t, 0, args...)
	first := read(t, "a/weights.safetensors")
	if _, e := want(t, 1, args...); !strings.Contains(e, "--resume") {
		t.Errorf("a folder that holds a run: %s", e)
	}
	want(t, 0, append(args, "--resume")...)
	if !bytes.Equal(first, read(t, "a/weights.safetensors")) {
		t.Error("resuming a finished run changed it")
	}
	if _, e := want(t, 2, append(args, "--resume", "--set", "optimizer.lr=0.5")...); !strings.Contains(e, "optimizer.lr") {
		t.Errorf("other settings are not named: %s", e)
	}
	want(t, 0, append(quick("--set", "train.steps=50", "--out", "a"), "--resume")...)
	if s := read(t, "a/config.yaml"); !strings.Contains(string(s), "steps: 50") {
		t.Errorf("an extended run records\n%s", s)
	}
	if _, e := want(t, 2, append(quick("--set", "train.steps=40", "--out", "a"), "--resume")...); !strings.Contains(e, "raised") {
		t.Errorf("a run that is shortened: %s", e)
	}
	if _, e := want(t, 2, "train", "--resume"); !strings.Contains(e, "--out") {
		t.Errorf("--resume without --out: %s", e)
	}
	os.Mkdir("empty", 0o755)
	want(t, 0, append(quick("--set", "train.steps=2", "--out", "empty"), "--resume")...)
	os.Mkdir("other", 0o755)
	os.WriteFile("other/thesis.tex", nil, 0o644)
	if _, e := want(t, 1, quick("--set", "train.steps=2", "--out", "other")...); !strings.Contains(e, "thesis.tex") {
		t.Errorf("a folder of other things: %s", e)
	}
}

// Ctrl-C ends the context: the step ends, the state is saved, and the run ends
// with the weights of one that was never stopped.
func TestInterrupt(t *testing.T) {
	t.Chdir(t.TempDir())
	args := quick("--set", "train.steps=400")
	want(t, 0, append(args, "--out", "whole")...)
	ctx, cancel := context.WithCancel(context.Background())
	var out, errOut bytes.Buffer
	stop := &stopAt{after: 3, stop: cancel}
	code := run(ctx, append([]string{"train"}, append(args[2:], "--out", "stopped")...), &out, stop)
	errOut = stop.seen
	if code != exitInterrupted || !strings.Contains(errOut.String(), "--resume --out stopped") {
		t.Fatalf("exit code %d, stderr:\n%s", code, errOut.String())
	}
	want(t, 0, append(args, "--out", "stopped", "--resume")...)
	if !bytes.Equal(read(t, "whole/weights.safetensors"), read(t, "stopped/weights.safetensors")) {
		t.Error("an interrupted run ends with other weights")
	}
}

// stopAt is a stderr that interrupts after some lines of progress.
type stopAt struct {
	seen  bytes.Buffer
	after int
	stop  func()
}

func (s *stopAt) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), "step ") {
		if s.after--; s.after == 0 {
			s.stop()
		}
	}
	return s.seen.Write(b)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestThreadsGiveEqualFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=25", "--out", "one", "--threads", "1")...)
	want(t, 0, quick("--set", "train.steps=25", "--out", "two", "--threads", "2")...)
	if !bytes.Equal(read(t, "one/weights.safetensors"), read(t, "two/weights.safetensors")) {
		t.Error("--threads 1 and --threads 2 give other weights")
	}
}

func TestEvalOnOtherDumps(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "split", "sample", "--out", "parts", "--holdout", "0.2")
	want(t, 0, quick("--set", "train.steps=20", "--dump", "parts/train", "--out", "run", "--set", "data.holdout=0")...)
	if _, e := want(t, 1, "eval", "--sae", "run"); !strings.Contains(e, "holdout") {
		t.Errorf("no rows are held out: %s", e)
	}
	all, _ := want(t, 0, "eval", "--sae", "run", "--dump", "parts/test", "--json")
	some, _ := want(t, 0, "eval", "--sae", "run", "--dump", "parts/test", "--where", "pos>0", "--json")
	if rows(t, all) <= rows(t, some) {
		t.Errorf("%d rows, with pos>0 %d", rows(t, all), rows(t, some))
	}
	want(t, 0, "data", "synth", "--out", "synth", "--rows", "3000", "--d", "16", "--latents", "32", "--active", "2")
	if _, e := want(t, 1, "eval", "--sae", "run", "--dump", "synth"); !strings.Contains(e, "16 values") {
		t.Errorf("a dump of another width: %s", e)
	}
	out, _ := want(t, 0, "data", "info", "synth")
	if !strings.Contains(out, "3,000 of 16 values") {
		t.Errorf("data info prints %s", out)
	}
	want(t, 0, "data", "verify", "synth")
	want(t, 0, "data", "synth", "gaussian", "--like", "synth", "--out", "control")
}

func rows(t *testing.T, report string) int64 {
	t.Helper()
	var r struct{ Dump struct{ Rows int64 } }
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatal(err)
	}
	return r.Dump.Rows
}

func TestUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"trian"}, 2, "did you mean train?"},
		{[]string{"train", "--outt", "x"}, 2, "--outt"},
		{[]string{"train", "extra"}, 2, "takes no arguments"},
		{[]string{"train", "--set", "topk.kk=3"}, 2, "topk.k"},
		{[]string{"train", "--set", "variant=topkk"}, 2, "topk"},
		{[]string{"train", "--config", "missing.yaml"}, 2, "missing.yaml"},
		{[]string{"train", "--threads", "-1"}, 2, "--threads"},
		{[]string{"train", "--dump", "missing"}, 1, "missing"},
		{[]string{"train", "--where", "poss>0", "--out", "x"}, 2, "poss"},
		{[]string{"eval"}, 2, "--sae"},
		{[]string{"eval", "--sae", "missing"}, 1, "missing"},
		{[]string{"data", "info"}, 2, "one argument"},
		{[]string{"data", "synth", "--rows", "0", "--out", "x"}, 2, "rows"},
		{[]string{"encode", "--sae", "x"}, 2, "--out"},
	} {
		if _, e := want(t, c.code, c.args...); !strings.Contains(e, c.says) {
			t.Errorf("saectl %v says %q, want something with %q", c.args, e, c.says)
		}
	}
	out, _ := want(t, 0)
	if !strings.Contains(out, "Available Commands") {
		t.Errorf("without arguments: %s", out)
	}
}

// A shard that is cut short, or holds a NaN, in mid-run costs one error; the
// last checkpoint still loads.
func TestShortenedDumpInMidRun(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "--out", "dump", "--rows", "20000", "--d", "16", "--latents", "32", "--active", "2")
	args := quick("--dump", "dump", "--out", "run", "--set", "train.save_every=5")
	want(t, 0, append(args, "--set", "train.steps=10")...)
	shards, err := filepath.Glob("dump/part-*.arrow")
	if err != nil || len(shards) == 0 {
		t.Fatal("no shards", err)
	}
	st, _ := os.Stat(shards[0])
	if err := os.Truncate(shards[0], st.Size()/2); err != nil {
		t.Fatal(err)
	}
	if _, e := want(t, 1, append(args, "--set", "train.steps=40", "--resume")...); !strings.Contains(e, "part-00000.arrow") {
		t.Errorf("a shortened shard: %s", e)
	}
	want(t, 1, "data", "verify", "dump")
	want(t, 0, "data", "synth", "--out", "again", "--rows", "2000", "--d", "16", "--latents", "32", "--active", "2")
	want(t, 0, "eval", "--sae", "run", "--dump", "again")
}

// Every example of every command's help is a command line that parses.
func TestHelpExamples(t *testing.T) {
	root := newRoot(streams{&bytes.Buffer{}, &bytes.Buffer{}})
	n := 0
	for _, cmd := range commands(root) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			n++
			args := words(line)
			if args[0] != "saectl" {
				t.Errorf("%s: the example %q does not start with saectl", cmd.CommandPath(), line)
				continue
			}
			found, rest, err := root.Find(args[1:])
			if err != nil || found == root {
				t.Errorf("%s: the example %q names no command: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	}
	if n < 15 {
		t.Errorf("found %d examples", n)
	}
}

// commands lists a command and all below it.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		all = append(all, commands(c)...)
	}
	return all
}

// words splits a command line as a shell does, with single quotes only.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}
