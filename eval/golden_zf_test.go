package eval

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// A zfCase is one case of golden/afa that holds norms of autoencoders of
// several layers on the same texts.
type zfCase struct {
	Config struct {
		D, H, Rows, Layers int
		Activation         []string
	}
	Quantiles map[string]float64
	Layers    []struct {
		Layer       int
		Over        float64 `json:"share_over"`
		Pearson     float64
		NMSE        []float64          `json:"nmse_q25_med_q75"`
		Epsilon     []float64          `json:"eps_lbo_q25_med_q75"`
		ShareInside map[string]float64 `json:"share_inside"`
		Bias        float64            `json:"norm_b_dec"`
		Coherence   float64            `json:"coherence_h_plus_1"`
	}
	BestWorst map[string][]int `json:"best_worst"`

	goldenCase
}

func TestGoldenZF(t *testing.T) {
	dir := filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "afa")
	paths, err := filepath.Glob(filepath.Join(dir, "zf*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	for _, path := range paths {
		name := filepath.Base(path[:len(path)-len(".json")])
		t.Run("afa/"+name, func(t *testing.T) { runZF(t, path) })
	}
}

func runZF(t *testing.T, path string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	base := path[:len(path)-len(".json")]
	var c zfCase
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	if c.file, err = safetensors.Open(base + ".safetensors"); err != nil {
		t.Fatal(err)
	}
	defer c.file.Close()
	c.t, c.goldenCase.D, c.F, c.N = t, c.Config.D, c.Config.H, c.Config.Rows
	var rows [][]ZFRow
	for _, layer := range c.Layers {
		t.Run(fmt.Sprint("layer", layer.Layer), func(t *testing.T) {
			r := c.layer(t, layer.Layer)
			rows = append(rows, r.ZF)
			for e, share := range layer.ShareInside {
				r.want(t, "share_inside_e_"+e, share, 0)
			}
			r.want(t, "share_f_above_z", layer.Over, 0)
			r.want(t, "pearson_z_f", layer.Pearson, 1e-5)
			r.want(t, "decoder_bias_norm", layer.Bias, 1e-6)
			if proved := r.Metrics["eps_sharp_mean"].Value; proved > layer.Coherence {
				t.Errorf("rows prove a coherence of %v on average, it is %v", proved, layer.Coherence)
			}
		})
	}
	c.clipped(t, rows)
	c.table(t, base+".csv", rows)
}

// layer evaluates the autoencoder of one layer and compares row by row.
func (c *zfCase) layer(t *testing.T, layer int) *Report {
	of := func(name string) []float32 { return c.float32(fmt.Sprintf("layer%d.%s", layer, name)) }
	s := c.relu(of("W_enc"), of("b_enc"), of("W_dec"), of("b_dec"))
	if c.Config.Activation[layer-1] == "jumprelu" {
		m, threshold := s.Model.(*formula), of("threshold")
		plain := m.code
		m.code = func(x []float32) (index []int32, value []float32) {
			all, values := plain(x)
			for e, f := range all {
				if values[e] > threshold[f] {
					index, value = append(index, f), append(value, values[e])
				}
			}
			return index, value
		}
	}
	src := &rows{batch: 7, all: activations.Batch{N: c.N, D: s.D, X: of("z")}}
	r, err := Run(context.Background(), Subject{Model: s.Model, Dims: sae.Dims{D: s.D, F: c.F, B: c.N}}, src, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.ZF) != c.N {
		t.Fatalf("%d of %d rows are in the ZF plot", len(r.ZF), c.N)
	}
	slices.SortFunc(r.ZF, func(a, b ZFRow) int { return int(a.Row - b.Row) })
	tilde, epsilon, nmse := of("f_tilde_norm"), of("eps_lbo"), of("nmse")
	for i := range r.ZF {
		row := &r.ZF[i]
		row.Text = fmt.Sprint("row ", row.Row)
		near(t, "‖f̃‖", row.F, float64(tilde[i]), 2e-6)
		near(t, "eps_lbo", c.epsilon(*row), float64(epsilon[i]), 1e-5*float64(epsilon[i])+1e-9)
		near(t, "nmse", row.Error/(row.Z*row.Z), float64(nmse[i]), 1e-5*float64(nmse[i]))
	}
	means := map[string]string{"eps_lbo": "eps_lbo_mean", "eps_lbo_reconstruction": "eps_lbo_reconstruction_mean",
		"eps_lbo_bias_excluded": "eps_lbo_bias_excluded_mean", "sharp_l1_bound": "eps_sharp_mean", "sharp_k_bound": "eps_sharp_k_mean"}
	active := c.ints(fmt.Sprintf("layer%d.active_incl_bias", layer))
	for reference, ours := range means {
		sum, n := 0.0, 0
		for i, v := range of(reference) {
			if active[i] > 1 || reference == "eps_lbo" || reference == "eps_lbo_reconstruction" { // stored as -1 or 0 where only the bias is
				sum, n = sum+float64(v), n+1
			}
		}
		r.want(t, ours, sum/float64(n), 1e-5*sum/float64(n))
	}
	if e, ok := r.Metrics["norm_identity_error"]; !ok || e.Value > 1e-5 {
		t.Errorf("equation 1 misses by %v", e)
	}
	return r
}

func (c *zfCase) epsilon(r ZFRow) float64 {
	return math.Abs(r.Z*r.Z-r.F*r.F) / (float64(c.F-1) * r.F * r.F)
}

// clipped compares the distributions clipped over all layers together.
func (c *zfCase) clipped(t *testing.T, rows [][]ZFRow) {
	measures := map[string]func(ZFRow) float64{"eps_lbo": c.epsilon, "nmse": func(r ZFRow) float64 { return r.Error / (r.Z * r.Z) }}
	for name, of := range measures {
		var all []float64
		for _, layer := range rows {
			for _, row := range layer {
				all = append(all, of(row))
			}
		}
		slices.Sort(all)
		top := quantile(all, 0.99)
		near(t, name+" clip", top, c.Quantiles[name+"_q99"], 1e-5*top)
		for i, layer := range rows {
			var values []float64
			for _, row := range layer {
				values = append(values, min(of(row), top))
			}
			slices.Sort(values)
			want := c.Layers[i].Epsilon
			if name == "nmse" {
				want = c.Layers[i].NMSE
			}
			for k, q := range []float64{0.25, 0.5, 0.75} {
				near(t, fmt.Sprintf("%s of layer %d", name, i+1), quantile(values, q), want[k], 1e-5*want[k])
			}
		}
	}
}

// table compares WriteZF with the reference's own file.
func (c *zfCase) table(t *testing.T, path string, rows [][]ZFRow) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteZF(&out, rows); err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(got), len(want), err)
	}
	for i, line := range want {
		for j, text := range line {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				if got[i][j] != text {
					t.Errorf("line %d: %s is %q, want %q", i+1, want[0][j], got[i][j], text)
				}
				continue
			}
			w, err := strconv.ParseFloat(got[i][j], 64)
			if err != nil || math.Abs(v-w) > 2e-6*math.Abs(v) {
				t.Errorf("line %d: %s is %s, want %s", i+1, want[0][j], got[i][j], text)
			}
		}
	}
}
