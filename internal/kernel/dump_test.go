package kernel_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/safetensors"
)

// shared is a folder of data beside the repository.
func shared(t *testing.T, variable, name string) string {
	dir := os.Getenv(variable)
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", name)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data to select from: %v (%s names its folder)", err, variable)
	}
	return dir
}

// A scene is rows of a real dump and a dictionary.
type scene struct {
	x, w, bias []float32
	b, d, f    int
}

// TestScreenEqualsExactOnDumps compares screened and exact selection on every
// dump, with the dump's own rows as a dictionary.
func TestScreenEqualsExactOnDumps(t *testing.T) {
	root := filepath.Join(shared(t, "SAECTL_DATA", "data"), "dumps")
	for _, pattern := range []string{"*", "*/*"} {
		paths, _ := filepath.Glob(filepath.Join(root, pattern, "part-*.arrow"))
		seen := map[string]bool{}
		for _, p := range paths {
			dir := filepath.Dir(p)
			if seen[dir] {
				continue
			}
			seen[dir] = true
			name, _ := filepath.Rel(root, dir)
			t.Run(filepath.ToSlash(name), func(t *testing.T) {
				z := rowsOf(t, dir)
				z.ownDictionary()
				z.compare(t)
			})
		}
	}
}

// rowsOf reads up to 4096 rows, spread over the dump, less their mean.
func rowsOf(t *testing.T, dir string) *scene {
	dump, err := activations.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dump.Close()
	n := min(dump.Rows(), 4096)
	if testing.Short() {
		n = min(n, 512)
	}
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = int64(i) * dump.Rows() / n
	}
	var b activations.Batch
	if err := dump.Read(&b, rows, 0); err != nil {
		t.Fatal(err)
	}
	z := &scene{x: b.X, b: b.N, d: b.D}
	mean := make([]float32, z.d)
	for i := range z.b {
		kernel.Axpy(mean, 1/float32(z.b), z.row(i))
	}
	for i := range z.b {
		kernel.Sub(z.row(i), z.row(i), mean)
	}
	return z
}

func (z *scene) row(i int) []float32 { return z.x[i*z.d : (i+1)*z.d] }

// ownDictionary takes every third row and its sum with another as latents:
// some are the rows themselves, some nearly so.
func (z *scene) ownDictionary() {
	for i := 0; i < z.b; i += 3 {
		for _, c := range []float32{0, 0.7, 1e-4} {
			w := append([]float32{}, z.row(i)...)
			kernel.Axpy(w, c, z.row(i*7%z.b))
			z.w, z.bias = append(z.w, w...), append(z.bias, -float32(i%5))
			z.f++
		}
	}
}

func (z *scene) compare(t *testing.T) {
	pool := kernel.NewPool(0)
	defer pool.Close()
	for _, rule := range []kernel.Rule{{Kind: kernel.TopK, K: 8}, {Kind: kernel.TopK, K: 32}, {Kind: kernel.BatchTopK, K: 16}, {Kind: kernel.TopK, K: 16, Abs: true}} {
		exact, screened := kernel.NewSelector(pool), kernel.NewSelector(pool)
		exact.Screen = kernel.ScreenOff
		if !screened.ScreenAlways() {
			t.Skip("the kernels in use do not score in bytes")
		}
		var got, want kernel.Support
		if err := exact.Select(&want, z.x, z.w, z.bias, z.b, z.d, z.f, rule); err != nil {
			t.Fatal(err)
		}
		if err := screened.Select(&got, z.x, z.w, z.bias, z.b, z.d, z.f, rule); err != nil {
			t.Fatal(err)
		}
		rows, scored := screened.Screened()
		t.Logf("rule %d, k %d, abs %v: %d of %d rows decided by screening, %.1f of %d latents scored in each", rule.Kind, rule.K, rule.Abs, rows, z.b, float64(scored)/float64(max(rows, 1)), z.f)
		if d := kernel.Differ(&got, &want); d != "" {
			t.Errorf("rule %d, k %d, abs %v: %s", rule.Kind, rule.K, rule.Abs, d)
		}
	}
}

// TestScreenEqualsExactGolden does the same with trained dictionaries.
func TestScreenEqualsExactGolden(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "reference-sae", "*-topk*.safetensors"))
	dir := filepath.Join(shared(t, "SAECTL_DATA", "data"), "dumps", "babyllama105-l3", "test")
	for _, path := range paths {
		t.Run("reference-sae/"+filepath.Base(path), func(t *testing.T) {
			f, err := safetensors.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			read := func(name string) []float32 {
				x, err := f.Float32(name)
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
			z := rowsOf(t, dir)
			kernel.Scale(z.x, read("scale")[0])
			z.w, z.bias = read("W_enc"), read("b_enc")
			z.f = len(z.bias)
			z.compare(t)
		})
	}
}
