package eval

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// topK is the plain TopK autoencoder, for evaluation only.
type topK struct{ k int }

func (v topK) Build(b *sae.Builder) sae.Out {
	enc := b.Matrix("encoder.weight", b.F, b.D, sae.Zero, sae.Flags{})
	bias := b.Vector("encoder.bias", b.F, sae.Zero, sae.Flags{})
	dec := b.Matrix("decoder.weight", b.F, b.D, sae.Zero, sae.Flags{})
	center := b.Vector("decoder.bias", b.D, sae.Zero, sae.Flags{})
	in := b.G.AddRow(b.X(), center.Use(), -1)
	s := b.Select(in, enc.Node(), bias.Node(), v.k*b.B, func() kernel.Rule {
		return kernel.Rule{Kind: kernel.TopK, K: v.k}
	})
	values := b.G.Values(in, enc.Use(), bias.Use(), s)
	return sae.Out{
		Codes: sae.Codes{Support: s, Values: values},
		Recon: b.G.AddRow(b.G.SpMM(values, dec.Use(), s), center.Use(), 1),
	}
}

// readTable reads the first table of a page: figures by row and column name.
func readTable(t *testing.T, path string) map[string]map[string]float64 {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table, header := map[string]map[string]float64{}, []string(nil)
	number := regexp.MustCompile(`^-?[0-9.]+`)
	for line := range strings.Lines(string(page)[strings.Index(string(page), "## Figures"):]) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 {
			if header != nil {
				break
			}
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if header == nil {
			header = cells
			continue
		}
		table[cells[0]] = map[string]float64{}
		for i, c := range cells[1:] {
			if v, err := strconv.ParseFloat(number.FindString(c), 64); err == nil {
				table[cells[0]][header[i+1]] = v
			}
		}
	}
	return table
}

func TestGoldenReferenceSAE(t *testing.T) {
	dir := filepath.Join(shared(t, "SAECTL_GOLDEN", "golden"), "reference-sae")
	dump, err := activations.Open(filepath.Join(shared(t, "SAECTL_DATA", "data"), "dumps", "babyllama105-l3", "test"))
	if err != nil {
		t.Fatal(err)
	}
	defer dump.Close()
	fires, err := safetensors.Open(filepath.Join(dir, "babyllama105-l3-test-ce.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer fires.Close()
	table := readTable(t, filepath.Join(dir, "README.md"))
	paths, err := filepath.Glob(filepath.Join(dir, "babyllama105-l3-topk*.safetensors"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no weights in %s: %v", dir, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(path[strings.LastIndex(path, "-")+1:], ".safetensors")
		t.Run("reference-sae/"+name, func(t *testing.T) {
			m := referenceModel(t, path)
			defer m.Close()
			r := evaluateDump(t, m, dump, activations.AllRows(dump.Rows()), 777)
			r.want(t, "fvu", table["FVU, test, all 10,000 rows"][name], 1e-6)
			r.want(t, "l0", table["L0, test"][name], 0)
			r.want(t, "dead_latents", table["latents that never fire on test"][name], 0)
			counts, err := fires.Int64("fires_" + name)
			if err != nil {
				t.Fatal(err)
			}
			for f, n := range counts {
				if got := r.Latents.Fired[f]; got < n-2 || got > n+2 {
					t.Errorf("latent %d fired on %d rows, want %d within 2", f, got, n)
				}
			}
			r = evaluateDump(t, m, dump, afterFirst(t, dump), 512)
			r.want(t, "fvu", table["FVU, test, rows with pos > 0"][name], 1e-6)
		})
	}
}

// afterFirst are the rows that do not begin a document.
func afterFirst(t *testing.T, dump *activations.Dump) activations.Rows {
	t.Helper()
	where, err := activations.ParseWhere("pos>0")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := dump.Where(where, activations.AllRows(dump.Rows()))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func referenceModel(t *testing.T, path string) *sae.Model {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k, err := f.Int64("k")
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string][]float32{}
	for ours, theirs := range map[string]string{"encoder.weight": "W_enc", "encoder.bias": "b_enc", "decoder.weight": "W_dec", "decoder.bias": "b_dec"} {
		if weights[ours], err = f.Float32(theirs); err != nil {
			t.Fatal(err)
		}
	}
	d := sae.Dims{D: len(weights["decoder.bias"]), F: len(weights["encoder.bias"])}
	m, err := sae.NewModel(topK{int(k[0])}, d, weights, nil, sae.ModelOptions{Rows: 1024, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	factor, err := strconv.ParseFloat(f.Metadata()["scale"], 64)
	if err != nil {
		t.Fatal(err)
	}
	m.Scale = data.Scale{Kind: data.ScaleMeanNorm, Factor: factor}
	return m
}

func evaluateDump(t *testing.T, m *sae.Model, dump *activations.Dump, rows activations.Rows, batch int) *Report {
	t.Helper()
	src := data.NewSequential(dump, rows, Columns(dump), batch)
	r, err := Run(context.Background(), Of(m, false), src, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBatchSize evaluates the same rows in batches of several sizes and on
// one and two threads, and wants equal bits.
func TestBatchSize(t *testing.T) {
	s := randomSubject(96, 24, 300)
	x := randomRows(1000, 24)
	var first *Report
	for _, o := range []struct{ batch, threads int }{{1, 1}, {7, 2}, {64, 1}, {333, 2}, {1000, 2}} {
		src := &rows{all: activations.Batch{N: len(x) / s.D, D: s.D, X: x}, batch: o.batch}
		r, err := Run(context.Background(), s, src, Options{Threads: o.threads})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
		}
		if len(r.Metrics) != len(first.Metrics) {
			t.Errorf("%d metrics with batches of %d, %d with others", len(r.Metrics), o.batch, len(first.Metrics))
		}
		for name, v := range r.Metrics {
			if math.Float64bits(v.Value) != math.Float64bits(first.Metrics[name].Value) {
				t.Errorf("batches of %d on %d threads: %s is %v, was %v", o.batch, o.threads, name, v.Value, first.Metrics[name].Value)
			}
		}
	}
}

// randomRows are n rows of width d with a mean that is not 0.
func randomRows(n, d int) []float32 {
	x := make([]float32, n*d)
	data.NormalFill(x, 7, 1)
	for i := range x {
		x[i] += float32(i%d) / 8
	}
	return x
}

// randomSubject is a ReLU autoencoder with random weights.
func randomSubject(f, d int, seed uint64) Subject {
	c := &goldenCase{D: d, F: f, N: 1 << 20}
	enc, dec, bias := make([]float32, f*d), make([]float32, f*d), make([]float32, f)
	data.NormalFill(enc, seed, 1)
	data.NormalFill(dec, seed, 2)
	data.NormalFill(bias, seed, 3)
	return c.relu(enc, bias, dec, make([]float32, d))
}
