package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/saectl/saectl"

// level is where a package stands: it may import only packages of lower
// levels. The second result is false for a package that the table lacks.
func level(pkg string) (int, bool) {
	table := [][]string{
		{"internal/jsontext", "internal/reuse"},
		{"internal/kernel"},
		{"internal/dtype"},
		{"internal/safetensors", "internal/atomicfile", "internal/roc", "internal/section", "internal/figures", "activations"},
		{"data", "internal/sparseop", "internal/interop/torchfile", "internal/interop/jsonfile"},
		{"sae"},
		{"internal/interop/foreign", "internal/interop/convert"},
		{"internal/interop/saelens", "internal/interop/sparsify", "internal/interop/dictlearn", "internal/interop/gemmascope"},
		{"eval/attention", "eval/circuit", "eval/labels"}, // analyses on their own; eval may build on them
		{"topk", "afa", "mpsae", "gradsae", "vsae", "internal/baselines", "eval", "configs", "internal/saetest", "internal/interop", "internal/report"},
		{"cmd/saectl", "scripts"},
	}
	for l, names := range table {
		for _, name := range names {
			if pkg == name || strings.HasPrefix(pkg, name+"/") {
				return l, true
			}
		}
	}
	return 0, false
}

// fences are the only packages that may import a library.
func fences() map[string][]string {
	return map[string][]string{
		"gorgonia.org/":                  {"internal/sparseop", "sae", "topk", "afa", "mpsae", "gradsae", "vsae", "internal/baselines"},
		"github.com/apache/arrow/go/v17": {"activations", "internal/interop"},
		"github.com/spf13/cobra":         {"cmd/saectl"},
	}
}

type listed struct {
	ImportPath           string
	Imports, TestImports []string
}

// TestImportLevels asks the go command, so that a new import cannot turn the
// direction of the data round unseen.
func TestImportLevels(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec, seen := json.NewDecoder(strings.NewReader(string(out))), 0
	for {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		checkPackage(t, p)
	}
	if seen < 8 {
		t.Errorf("go list shows %d packages; the test looks in the wrong place", seen)
	}
}

func checkPackage(t *testing.T, p listed) {
	name := strings.TrimPrefix(p.ImportPath, module+"/")
	own, known := level(name)
	if !known {
		t.Errorf("package %s has no level; give it one in this test and in docs/walkthrough.md", name)
		return
	}
	for _, imp := range p.Imports {
		if in, ok := strings.CutPrefix(imp, module+"/"); ok {
			if l, _ := level(in); l >= own {
				t.Errorf("%s (level %d) imports %s (level %d)", name, own, in, l)
			}
		}
		for library, allowed := range fences() {
			fenced := func(a string) bool { return name == a || strings.HasPrefix(name, a+"/") }
			if strings.HasPrefix(imp, library) && !slices.ContainsFunc(allowed, fenced) {
				t.Errorf("%s imports %s; only %v may", name, imp, allowed)
			}
		}
	}
}
