package saetest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/safetensors"
)

// A Case is one golden case of a folder: NAME.json with settings and scalars
// and NAME.safetensors with tensors, either of which may be missing. Asking
// for what it lacks fails the test.
type Case struct {
	Folder, Name string

	t    *testing.T
	json []byte
	file *safetensors.File
	read map[string]bool // tensors that were asked for
}

// Golden runs f as a subtest folder/case for every case of a folder of golden
// cases. It skips, saying so, when there are no golden cases at all.
func Golden(t *testing.T, folder string, f func(t *testing.T, c *Case)) {
	t.Helper()
	root := goldenRoot(t)
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no golden cases: %s does not exist; set SAECTL_GOLDEN to the folder that holds %s", root, folder)
	}
	Cases(t, filepath.Join(root, folder), f)
}

// Cases runs f as a subtest folder/case for every case in dir, which must
// hold some.
func Cases(t *testing.T, dir string, f func(t *testing.T, c *Case)) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext == ".json" || ext == ".safetensors" {
			names = append(names, strings.TrimSuffix(e.Name(), ext))
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatalf("%s holds no case", dir)
	}
	folder := filepath.Base(dir)
	for _, name := range slices.Compact(names) {
		t.Run(folder+"/"+name, func(t *testing.T) { f(t, open(t, dir, name)) })
	}
}

// goldenRoot is SAECTL_GOLDEN, or shared/golden beside the repository.
func goldenRoot(t *testing.T) string {
	if dir := os.Getenv("SAECTL_GOLDEN"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "golden")
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func open(t *testing.T, dir, name string) *Case {
	c := &Case{Folder: filepath.Base(dir), Name: name, t: t, read: map[string]bool{}}
	var err error
	if c.json, err = os.ReadFile(filepath.Join(dir, name+".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	c.file, err = safetensors.Open(filepath.Join(dir, name+".safetensors"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { c.file.Close() })
	}
	return c
}

// JSON decodes the case's settings and scalars into v.
func (c *Case) JSON(v any) {
	c.t.Helper()
	if err := json.Unmarshal(c.json, v); err != nil {
		c.t.Fatalf("%s/%s.json: %v", c.Folder, c.Name, err)
	}
}

// Names lists the tensors, sorted.
func (c *Case) Names() []string {
	if c.file == nil {
		return nil
	}
	return slices.Sorted(slices.Values(c.file.Names()))
}

// Has says whether the case holds a tensor of that name.
func (c *Case) Has(name string) bool { return slices.Contains(c.Names(), name) }

// Shape is the shape of a tensor.
func (c *Case) Shape(name string) []int {
	c.t.Helper()
	c.need(name)
	info, _ := c.file.Info(name)
	return info.Shape
}

// Floats reads a tensor in float32.
func (c *Case) Floats(name string) []float32 {
	c.t.Helper()
	c.need(name)
	x, err := c.file.Float32(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return x
}

// Ints reads a tensor of integers of any width, flags too.
func (c *Case) Ints(name string) []int64 {
	c.t.Helper()
	c.need(name)
	x, err := c.file.Int64(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return x
}

// Indices reads a tensor of latents.
func (c *Case) Indices(name string) []int32 {
	c.t.Helper()
	var narrow []int32
	for _, v := range c.Ints(name) {
		narrow = append(narrow, int32(v))
	}
	return narrow
}

func (c *Case) need(name string) {
	c.t.Helper()
	if !c.Has(name) {
		c.t.Fatalf("%s/%s holds no tensor %s", c.Folder, c.Name, name)
	}
	c.read[name] = true
}

// Used fails if the case holds a tensor that nothing read, but for those with
// one of the given prefixes.
func (c *Case) Used(t *testing.T, except ...string) {
	t.Helper()
next:
	for _, name := range c.Names() {
		for _, prefix := range except {
			if strings.HasPrefix(name, prefix) {
				continue next
			}
		}
		if !c.read[name] {
			t.Errorf("%s/%s: tensor %s was not compared with anything", c.Folder, c.Name, name)
		}
	}
}
