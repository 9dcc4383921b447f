package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/internal/safetensors"
)

// TestGoldenViolins draws the violins of the layers of golden/afa/zf* and wants
// the clipping, quartiles and labels of the reference.
func TestGoldenViolins(t *testing.T) {
	root := os.Getenv("SAECTL_GOLDEN")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "golden")
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("%s is missing; set SAECTL_GOLDEN to the folder", root)
	}
	paths, err := filepath.Glob(filepath.Join(root, "afa", "zf*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", root, err)
	}
	for _, path := range paths {
		base := path[:len(path)-len(".json")]
		t.Run("afa/"+filepath.Base(base), func(t *testing.T) { violinsOf(t, base) })
	}
}

func violinsOf(t *testing.T, base string) {
	var want struct {
		Config    struct{ H, D int }
		Quantiles map[string]float64
		Layers    []map[string]any
		BestWorst map[string][]int `json:"best_worst"`
	}
	raw, err := os.ReadFile(base + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(base + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var runs []Run
	for i := range want.Layers {
		runs = append(runs, zfRun(t, f, i+1, want.Config.D, want.Config.H))
	}
	v := violins(runs)
	for name, side := range map[string]*violinSide{"nmse": v.Left, "eps_lbo": v.Right} {
		if clip := want.Quantiles[name+"_q99"]; math.Abs(float64(side.Clip)-clip) > 1e-5*clip {
			t.Errorf("%s is clipped at %v, want %v", name, side.Clip, clip)
		}
		if best := want.BestWorst[name]; side.Best != best[0]-1 || side.Worst != best[1]-1 {
			t.Errorf("%s: best %d and worst %d, want layers %v", name, side.Best+1, side.Worst+1, best)
		}
		for i, shape := range side.Shapes {
			quartiles := want.Layers[i][name+"_q25_med_q75"].([]any)
			for k, got := range []number{shape.Q25, shape.Median, shape.Q75} {
				if w := quartiles[k].(float64); math.Abs(float64(got)-w) > 1e-5*w {
					t.Errorf("%s of layer %d: quartile %d is %v, want %v", name, i+1, k+1, got, w)
				}
			}
		}
	}
}

// zfRun is a run with the norms of a layer.
func zfRun(t *testing.T, f *safetensors.File, layer, d, latents int) Run {
	t.Helper()
	read := func(name string) []float32 {
		v, err := f.Float32(fmt.Sprintf("layer%d.%s", layer, name))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	z, tilde, nmse := read("z"), read("f_tilde_norm"), read("nmse")
	zf := &ZF{}
	for i := range tilde {
		squares := 0.0
		for _, v := range z[i*d : (i+1)*d] {
			squares += float64(v) * float64(v)
		}
		zf.Z, zf.F, zf.Error = append(zf.Z, math.Sqrt(squares)), append(zf.F, float64(tilde[i])), append(zf.Error, float64(nmse[i])*squares)
	}
	return Run{Name: fmt.Sprint("layer ", layer), F: latents, ZF: zf}
}
