package main

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/eval/attention"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/safetensors"
)

// A layer is attention made up: the residual stream that it reads, and what its
// heads write.
type layer struct {
	docs, positions   int
	width, heads, dim int       // of the residual stream; of the heads
	x, wv, v, pattern []float32 // [N,M], [1,M,E], [N,E], [docs,H,S,S]
}

// TestHeadsThroughTheResidual takes a latent of a layer apart by the latents of
// the residual stream at its source. What these bring adds up to what their
// part of the reconstruction, read through W_V and the pattern, brings.
func TestHeadsThroughTheResidual(t *testing.T) {
	t.Chdir(t.TempDir())
	l := makeLayer(t)
	short := func(more ...string) []string {
		return append(quick("--config", "topk", "--set", "train.steps=60", "--set", "data.scale=mean-norm"), more...)
	}
	want(t, 0, short("--dump", "residual", "--out", "r")...)
	want(t, 0, short("--dump", "z", "--out", "run")...)
	out, _ := want(t, 0, "heads", "--sae", "run", "--attention", "attention.safetensors", "--weights", "weights.safetensors",
		"--residual", "r", "--residual-dump", "residual", "--feature", "0-95", "--json")
	var report attention.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	upper, err := openLook("run", "", "all", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer upper.close()
	lower, err := openLook("r", "", "all", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer lower.close()
	compared := 0
	for _, f := range report.Features {
		for _, e := range f.Examples {
			l.compare(t, upper, lower, f.Latent, e)
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("%d examples are compared", compared)
	}
}

// compare holds the attributions of an example to those of whole rows.
func (l *layer) compare(t *testing.T, upper, lower *look, latent int, e attention.Example) {
	t.Helper()
	first := int(e.Row) - int(*e.Pos)
	row, encoder := first+*e.Source, upper.model.Weight("encoder.weight")
	w := encoder[latent*upper.model.D : (latent+1)*upper.model.D]
	brings := func(x []float64) (sum float64) {
		for h := range l.heads {
			at := ((int(*e.Doc)*l.heads+h)*l.positions+int(*e.Pos))*l.positions + *e.Source
			for k, v := range x {
				for j := range l.dim {
					sum += float64(l.pattern[at]) * v * float64(l.wv[k*l.dim+j]) * float64(w[h*l.dim+j])
				}
			}
		}
		return sum * upper.model.Scale.Factor
	}
	var b activations.Batch
	if err := lower.d.Read(&b, []int64{int64(row)}, 0); err != nil {
		t.Fatal(err)
	}
	codes, err := lower.model.Encode(&b)
	if err != nil {
		t.Fatal(err)
	}
	whole, decoded := make([]float64, l.width), make([]float64, l.width)
	for k, v := range lower.model.Recon() {
		whole[k], decoded[k] = float64(b.X[k]), float64(v)-float64(lower.model.Weight("decoder.bias")[k])/lower.model.Scale.Factor
	}
	causes := 0.0
	for _, c := range e.Residual {
		causes += c.Attribution
	}
	if len(e.Residual) != codes.N*len(codes.Index) || len(e.Residual) == 0 {
		t.Errorf("row %d has %d causes, its source %d latents", e.Row, len(e.Residual), len(codes.Index))
	}
	for name, v := range map[string][2]float64{"the source": {e.BySource[*e.Source], brings(whole)}, "its latents": {causes, brings(decoded)}} {
		if math.Abs(v[0]-v[1]) > 1e-4*(math.Abs(v[1])+1e-2) {
			t.Errorf("latent %d on row %d: %s bring %g, want %g", latent, e.Row, name, v[0], v[1])
		}
	}
}

// makeLayer writes the dumps residual and z, and the files of the layer.
func makeLayer(t *testing.T) *layer {
	t.Helper()
	l := &layer{docs: 60, positions: 8, width: 16, heads: 2, dim: 6}
	n := l.docs * l.positions
	want(t, 0, "data", "synth", "--out", "residual", "--rows", strconv.Itoa(n), "--d", "16", "--latents", "24", "--active", "2", "--doc-rows", "8", "--seed", "3")
	d, err := openDump("residual")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows := make([]int64, n)
	activations.AllRows(int64(n)).Fill(rows, 0)
	b := activations.Batch{}
	if err := d.Read(&b, rows, activations.DocPos); err != nil {
		t.Fatal(err)
	}
	l.x, l.wv, l.v = b.X, make([]float32, l.width*l.dim), make([]float32, n*l.dim)
	data.NormalFill(l.wv, 1, 1)
	for i := range n {
		for k := range l.width {
			kernel.Axpy(l.v[i*l.dim:(i+1)*l.dim], l.x[i*l.width+k], l.wv[k*l.dim:(k+1)*l.dim])
		}
	}
	l.makePattern()
	l.write(t, &b)
	return l
}

// makePattern draws patterns that look back and add up to 1.
func (l *layer) makePattern() {
	s := l.positions
	l.pattern = make([]float32, l.docs*l.heads*s*s)
	data.NormalFill(l.pattern, 2, 2)
	for i := 0; i < len(l.pattern); i += s {
		row, sum := l.pattern[i:i+s], float32(0)
		for k := range row {
			row[k] *= row[k]
			if k > i/s%s {
				row[k] = 0
			}
			sum += row[k]
		}
		kernel.Scale(row, 1/sum)
	}
}

// write saves z = Σ_s A(t,s)·v(s), head by head, under the documents of b.
func (l *layer) write(t *testing.T, b *activations.Batch) {
	t.Helper()
	s, d := l.positions, l.heads*l.dim
	z := activations.Batch{N: b.N, D: d, X: make([]float32, b.N*d), Row: b.Row, Doc: b.Doc, Pos: b.Pos}
	for i := range b.N {
		doc, at := i/s, i%s
		for h := range l.heads {
			for from := range s {
				kernel.Axpy(z.X[i*d+h*l.dim:i*d+(h+1)*l.dim], l.pattern[((doc*l.heads+h)*s+at)*s+from], l.v[(doc*s+from)*l.dim:(doc*s+from+1)*l.dim])
			}
		}
	}
	meta := activations.Metadata{activations.KeyHeads: strconv.Itoa(l.heads), activations.KeyHeadDim: strconv.Itoa(l.dim)}
	w, err := activations.NewWriter("z", activations.Schema{D: d, Columns: activations.DocPos, Metadata: meta})
	if err == nil {
		err = w.Write(&z, nil)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	docs := make([]int64, l.docs)
	for i := range docs {
		docs[i] = b.Doc[i*s]
	}
	wo := make([]float32, d*l.width)
	data.NormalFill(wo, 4, 4)
	save := func(path string, tensors ...safetensors.Tensor) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := safetensors.Write(f, nil, tensors); err != nil {
			t.Fatal(err)
		}
	}
	save("attention.safetensors", safetensors.Tensor{Name: "pattern", Shape: []int{l.docs, l.heads, s, s}, Data: l.pattern},
		safetensors.Tensor{Name: "v", Shape: []int{l.docs, s, 1, l.dim}, Data: l.v}, safetensors.Tensor{Name: "doc", Shape: []int{l.docs}, Data: docs})
	save("weights.safetensors", safetensors.Tensor{Name: "W_V", Shape: []int{1, l.width, l.dim}, Data: l.wv},
		safetensors.Tensor{Name: "W_O", Shape: []int{l.heads, l.dim, l.width}, Data: wo})
}
