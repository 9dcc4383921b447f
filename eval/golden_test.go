package eval

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// shared is a folder that tests read when it is there: the one that the
// variable names, or otherwise, beside the repository.
func shared(t *testing.T, variable, otherwise string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", otherwise)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is missing; set %s to the folder", dir, variable)
	}
	return dir
}

// A goldenCase is one case of golden/metrics.
type goldenCase struct {
	D, F, N, Prompts, Context int
	TrainRows                 int `json:"train_rows"`
	Metrics                   []struct {
		Group, Name string
		Value       float64
	}
	Sanity map[string]map[string]float64 `json:"sanity_predictors"`

	file *safetensors.File
	t    *testing.T
}

func openCase(t *testing.T, path string) *goldenCase {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &goldenCase{t: t}
	if err := json.Unmarshal(raw, c); err != nil {
		t.Fatal(err)
	}
	if c.file, err = safetensors.Open(path[:len(path)-len(".json")] + ".safetensors"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.file.Close() })
	return c
}

func (c *goldenCase) float32(name string) []float32 {
	v, err := c.file.Float32(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *goldenCase) float64(name string) []float64 {
	v, err := c.file.Float64(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *goldenCase) ints(name string) []int32 {
	v, err := c.file.Int64(name)
	if err != nil {
		c.t.Fatal(err)
	}
	out := make([]int32, len(v))
	for i, n := range v {
		out[i] = int32(n)
	}
	return out
}

// subject is the ReLU autoencoder of the case, in plain Go.
func (c *goldenCase) subject() Subject {
	return c.relu(c.float32("W_enc"), c.float32("b_enc"), c.float32("W_dec"), c.float32("b_dec"))
}

func (c *goldenCase) relu(enc, bEnc, dec, bDec []float32) Subject {
	m := &formula{f: c.F, weights: map[string][]float32{
		"encoder.weight": enc, "encoder.bias": bEnc, "decoder.weight": dec, "decoder.bias": bDec}}
	m.code = func(x []float32) (index []int32, value []float32) {
		for f := range c.F {
			a := float64(bEnc[f])
			for j, v := range x {
				a += float64(enc[f*c.D+j]) * (float64(v) - float64(bDec[j]))
			}
			if a > 0 {
				index, value = append(index, int32(f)), append(value, float32(a))
			}
		}
		return index, value
	}
	m.decode = func(dst, _ []float32, index []int32, value []float32) {
		for j := range dst {
			y := float64(bDec[j])
			for e, f := range index {
				y += float64(value[e]) * float64(dec[int(f)*c.D+j])
			}
			dst[j] = float32(y)
		}
	}
	return Subject{Model: m, Dims: sae.Dims{D: c.D, F: c.F, B: c.N}}
}

func (c *goldenCase) source(batch int) activations.Source {
	s := &rows{batch: batch, all: activations.Batch{N: c.N, D: c.D, X: c.float32("x"), Label: c.ints("label")}}
	for i := range c.N {
		s.all.Doc = append(s.all.Doc, int64(i/c.Context))
	}
	return s
}

// ourNames are the metrics that this package calls by another name.
func ourNames() map[string]string {
	return map[string]string{
		"mse_row_sum_mean": "mse", "cosine_similarity_mean": "cosine",
		"dead_never_fired": "dead_latents", "nmse_raw_row_mean": "nmse_mean_of_row_ratios",
		"explained_variance_legacy_1batch": "explained_variance_legacy", "mse_saebench_1batch": "mse_saebench_0.6.0",
		"max_abs_cosine": "coherence_max", "mean_abs_cosine": "coherence_mean",
		"babel_mu1_1": "babel_1", "babel_mu1_2": "babel_2", "babel_mu1_3": "babel_3", "babel_mu1_4": "babel_4",
		"babel_mu1_5": "babel_5", "babel_mu1_6": "babel_6", "babel_mu1_7": "babel_7", "babel_mu1_8": "babel_8",
	}
}

func TestGoldenMetrics(t *testing.T) {
	dir := filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "metrics")
	paths, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	for _, path := range paths {
		base := path[:len(path)-len(".safetensors")]
		t.Run("metrics/"+filepath.Base(base), func(t *testing.T) { checkCase(t, openCase(t, base+".json")) })
	}
}

// run evaluates the case with batches of the peers of the given size.
func (c *goldenCase) run(peerBatch int) *Report {
	r, err := Run(context.Background(), c.subject(), c.source(64), Options{PeerBatch: peerBatch})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func checkCase(t *testing.T, c *goldenCase) {
	r := c.run(c.N)
	quarter := c.run(c.N / 4)
	for name, ours := range map[string]string{
		"explained_variance_legacy_4batches": "explained_variance_legacy", "mse_saebench_4batches": "mse_saebench_0.6.0",
		"frac_variance_explained_mean_of_4_batches":      "frac_variance_explained_batches",
		"relative_reconstruction_bias_mean_of_4_batches": "relative_reconstruction_bias_batches",
	} {
		r.Metrics[name] = quarter.Metrics[ours]
	}
	for name, v := range c.others() {
		r.Metrics[name] = Value{Value: v}
	}
	c.perLatent(r)
	c.sanity()
	for _, m := range c.Metrics {
		name := m.Name
		if ours, ok := ourNames()[name]; ok {
			name = ours
		}
		if !isOfPeers(name) {
			r.want(t, name, m.Value, 1e-5*abs(m.Value)+1e-9)
		}
	}
}
