package main

import (
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
