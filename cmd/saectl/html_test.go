package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHTML writes both kinds of page; what they hold and do is tested in
// internal/report.
func TestHTML(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=30", "--out", "a")...)
	want(t, 0, quick("--set", "train.steps=30", "--set", "seed=3", "--out", filepath.Join("more", "a"))...)
	out, note := want(t, 0, "inspect-features", "--sae", "a", "--html", "latents.html")
	if out != "" || !strings.Contains(note, "wrote latents.html") {
		t.Errorf("stdout %q, stderr %q", out, note)
	}
	page := string(read(t, "latents.html"))
	for _, has := range []string{`"features":96,`, `"name":"fvu"`, `"id":"zf"`, `id="features-1"`, `"key":"attribution"`} {
		if !strings.Contains(page, has) {
			t.Errorf("the page of all latents lacks %s", has)
		}
	}
	out, _ = want(t, 0, "inspect-features", "--sae", "a", "--search", "func", "--count", "5", "--html", "found.html", "--json")
	if page := string(read(t, "found.html")); !strings.Contains(page, `"features":5,`) || !strings.Contains(page, `"search":"func"`) || !strings.Contains(page, `"key":"match"`) {
		t.Error("the page of a search does not hold the five latents found")
	}
	if !strings.HasPrefix(out, "{") {
		t.Errorf("--json with --html prints %.60s", out)
	}
	out, _ = want(t, 0, "eval", "--sae", "a", "--sae", filepath.Join("more", "a"), "--html", "both.html")
	page = string(read(t, "both.html"))
	for _, has := range []string{`"id":"error_l0"`, `"id":"violin"`, `"name":"a"`, `"name":"more/a"`, `id="table-1"`} {
		if !strings.Contains(page, has) {
			t.Errorf("the page of two runs lacks %s", has)
		}
	}
	if !strings.Contains(out, "fvu") {
		t.Errorf("eval --html prints no figures: %s", out)
	}
	if _, e := want(t, 1, "eval", "--sae", "a", "--html", filepath.Join("none", "x.html")); !strings.Contains(e, "x.html") {
		t.Errorf("a folder that is not there: %s", e)
	}
	left, err := filepath.Glob(".writing-*")
	if _, missing := os.Stat("both.html"); err != nil || missing != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestZF wants as many rows of each run as asked for, in the reference's
// columns, and the norms that the page shows.
func TestZF(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=10", "--out", "a")...)
	want(t, 0, quick("--set", "train.steps=20", "--out", "b")...)
	want(t, 0, "eval", "--sae", "a", "--sae", "b", "--zf", "zf.csv", "--zf-rows", "7")
	lines := strings.Split(strings.TrimSpace(string(read(t, "zf.csv"))), "\n")
	if len(lines) != 15 || lines[0] != "layer,ztz,ftf,norm_z,norm_f,norm_z_hat,l_recon,text" {
		t.Fatalf("%d lines, the first is %q", len(lines), lines[0])
	}
	for i, line := range lines[1:] {
		if layer := "12"[i%2:][:1]; !strings.HasPrefix(line, layer+",") {
			t.Errorf("line %d is %q, want layer %s", i+2, line, layer)
		}
	}
	out, _ := want(t, 0, "eval", "--sae", "a", "--zf", "all.csv", "--zf-rows", "0", "--json")
	var report struct{ Dump struct{ Rows int } }
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(read(t, "all.csv")), "\n"); n != report.Dump.Rows+1 {
		t.Errorf("%d lines of %d rows", n, report.Dump.Rows)
	}
	want(t, 2, "eval", "--sae", "a", "--zf", "x.csv", "--zf-rows", "-1")
}
