package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRecipeForCI runs docs/ci.md: its settings, every command line in order
// with the exit code it claims, and the commands of its workflow.
func TestRecipeForCI(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(string(raw), -1)
	t.Chdir(t.TempDir())
	if err := os.Mkdir("ci", 0o755); err != nil {
		t.Fatal(err)
	}
	ran, workflow := 0, ""
	for _, b := range blocks {
		switch kind, text := b[1], b[2]; {
		case kind == "yaml" && strings.HasPrefix(text, "variant:"):
			if err := os.WriteFile(filepath.Join("ci", "sae.yaml"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		case kind == "yaml":
			workflow = text
		case kind == "console":
			if ran += runConsole(t, text); strings.Contains(text, "activations --out runs/ci") {
				ran += runWorkflow(t, workflowAfter(t, string(raw)))
			}
		}
	}
	if ran < 11 || workflow == "" {
		t.Errorf("%d commands were run, and the workflow is %q", ran, workflow)
	}
}

// workflowAfter is the workflow of the page.
func workflowAfter(t *testing.T, page string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "```yaml\nname:")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the page holds no workflow")
	}
	return text
}

// runConsole runs the lines after a dollar sign; what follows a line, up to
// the exit code, is compared with what it prints but for its numbers.
func runConsole(t *testing.T, text string) (ran int) {
	t.Helper()
	steps := strings.Split("\n"+text, "\n$ ")[1:]
	for i, step := range steps {
		line, shown, _ := strings.Cut(step, "\n")
		args := words(line)
		if args[0] != "saectl" {
			continue // the exit code of the line before
		}
		code := 0
		if i+1 < len(steps) && strings.HasPrefix(steps[i+1], "echo $?\n1") {
			code = 1
		}
		out, errOut := want(t, code, args[1:]...)
		if strings.TrimSpace(shown) != "" && shape(shown) != shape(out+errOut) {
			t.Errorf("%s prints\n%s%s\nthe page shows\n%s", line, out, errOut, shown)
		}
		ran++
	}
	return ran
}

// shape is text with its numbers and spacing left out.
func shape(text string) string {
	text = regexp.MustCompile(`[+±-]?\d[\d.,e+-]*`).ReplaceAllString(text, "#")
	return strings.Join(strings.Fields(text), " ")
}

// runWorkflow runs the steps of a workflow that call saectl.
func runWorkflow(t *testing.T, text string) (ran int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^ *- run: saectl (.*)$`).FindAllStringSubmatch(text, -1) {
		want(t, 0, words(m[1])...)
		ran++
	}
	if ran != 3 {
		t.Errorf("the workflow calls saectl %d times", ran)
	}
	for _, name := range []string{"report.json", "report.html"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	return ran
}
