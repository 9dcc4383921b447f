package convert

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/safetensors"
)

// formats is the folder of files of other tools.
func formats(t testing.TB) string {
	root := os.Getenv("SAECTL_GOLDEN")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "golden")
	}
	dir := filepath.Join(root, "formats")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no files of other tools to read: %v (SAECTL_GOLDEN names their folder)", err)
	}
	return dir
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// converted converts src and reads the dump back.
func converted(t *testing.T, src string, o Options) (*activations.Dump, activations.Batch, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "dump")
	res, err := Convert(context.Background(), src, out, o)
	if err != nil {
		if _, e := os.Stat(out); !errors.Is(e, os.ErrNotExist) {
			t.Errorf("a failed conversion leaves %s", out)
		}
		return nil, activations.Batch{}, err
	}
	d, err := activations.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if res.Rows != d.Rows() || res.D != d.D() {
		t.Errorf("reported %d rows of %d, wrote %d of %d", res.Rows, res.D, d.Rows(), d.D())
	}
	var b activations.Batch
	rows := make([]int64, d.Rows())
	for i := range rows {
		rows[i] = int64(i)
	}
	if err := d.Read(&b, rows, ^activations.Columns(0)); err != nil {
		t.Fatal(err)
	}
	return d, b, nil
}

// TestArraysGolden converts every array file.
func TestArraysGolden(t *testing.T) {
	dir := filepath.Join(formats(t), "arrays")
	expected, err := safetensors.Open(filepath.Join(dir, "expected.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	cases, _ := filepath.Glob(filepath.Join(dir, "*", "case.json"))
	if len(cases) == 0 {
		t.Fatalf("%s holds no cases", dir)
	}
	for _, path := range cases {
		var c struct {
			Files []struct {
				File                        string
				Expect                      *string
				Member, Column, Tensor, Key string
				Shape                       []int64
			}
		}
		readJSON(t, path, &c)
		for _, f := range c.Files {
			name := filepath.Base(filepath.Dir(path)) + "/" + f.File
			t.Run("arrays/"+name, func(t *testing.T) {
				column := f.Member + f.Column + f.Tensor + f.Key
				d, b, err := converted(t, filepath.Join(filepath.Dir(path), f.File), Options{Column: column})
				if f.Expect == nil {
					if err == nil {
						t.Error("a file without rows of activations was converted")
					} else {
						t.Log(err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want, err := expected.Float32(*f.Expect)
				if err != nil {
					t.Fatal(err)
				}
				sameBits(t, b.X, want)
				if n := len(f.Shape); n == 3 {
					if !d.Has(activations.DocPos) {
						t.Fatal("the dump has no documents")
					}
					for i := range b.N {
						if b.Doc[i] != int64(i)/f.Shape[1] || int64(b.Pos[i]) != int64(i)%f.Shape[1] {
							t.Fatalf("row %d: doc %d, pos %d", i, b.Doc[i], b.Pos[i])
						}
					}
				}
			})
		}
	}
}

func sameBits(t *testing.T, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestDatasetsGolden converts every Hugging Face folder.
func TestDatasetsGolden(t *testing.T) {
	cases, _ := filepath.Glob(filepath.Join(formats(t), "hf_datasets", "*", "case.json"))
	if len(cases) == 0 {
		t.Fatal("there are no cases")
	}
	for _, path := range cases {
		t.Run("hf_datasets/"+filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			var c struct {
				Path, Case, Column string
				Rows               int64 `json:"dataset_rows"`
				Tensors            map[string]struct{}
			}
			readJSON(t, path, &c)
			dir := filepath.Dir(path)
			want, err := safetensors.Open(filepath.Join(dir, c.Case))
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			d, b, err := converted(t, filepath.Join(dir, c.Path), Options{})
			if err != nil {
				t.Fatal(err)
			}
			x, err := want.Float32("activations")
			if err != nil {
				t.Fatal(err)
			}
			sameBits(t, b.X, x)
			if strings.HasPrefix(c.Column, "blocks.") && d.Metadata().Hook() != c.Column {
				t.Errorf("the hook is %q", d.Metadata().Hook())
			}
			for name := range c.Tensors {
				var got []int32
				switch name {
				case "token_id", "token_ids":
					got = b.TokenID
				case "doc":
					for _, v := range b.Doc {
						got = append(got, int32(v))
					}
				default:
					continue
				}
				ints, err := want.Int64(name)
				if err != nil {
					t.Fatal(err)
				}
				if len(ints) != len(got) {
					t.Fatalf("%s: %d values, want %d", name, len(got), len(ints))
				}
				for i, v := range ints {
					if int64(got[i]) != v {
						t.Fatalf("%s: row %d is %d, want %d", name, i, got[i], v)
					}
				}
			}
		})
	}
}
