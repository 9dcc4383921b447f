package attention

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/safetensors"
	"github.com/saectl/saectl/sae"
)

// relu is an autoencoder that keeps all positive pre-activations.
type relu struct {
	f, d  int
	w     map[string][]float32
	scale data.Scale
}

func (m *relu) Weight(name string) []float32 { return m.w[name] }

func (m *relu) Encode(b *activations.Batch) (sae.Encoded, error) {
	c := activations.Batch{N: b.N, D: b.D, X: append([]float32{}, b.X...)}
	m.scale.Apply(&c)
	z := sae.Encoded{N: b.N, F: m.f, RowPtr: []int32{0}}
	constant := Constants(m.w["encoder.weight"], m.w["encoder.bias"], m.w["decoder.bias"], m.f)
	for i := range b.N {
		for j := range m.f {
			if v := dot(c.X[i*m.d:(i+1)*m.d], m.w["encoder.weight"][j*m.d:(j+1)*m.d]) + constant[j]; v > 0 {
				z.Index, z.Value = append(z.Index, int32(j)), append(z.Value, float32(v))
			}
		}
		z.RowPtr = append(z.RowPtr, int32(len(z.Index)))
	}
	return z, nil
}

// world is a dump of two documents with patterns of the second.
type world struct {
	l        Layout
	q        Sequence
	m        *relu
	dump     *activations.Dump
	patterns string
}

func newWorld(t *testing.T, kind string) *world {
	l, _ := NewLayout(6, 3, 1)
	q, row := scene(l, 4)
	w := &world{l: l, q: q, m: &relu{f: 2, d: 6, w: map[string][]float32{
		"encoder.weight": append(append([]float32{}, row...), q.V[:6]...), "encoder.bias": {0.5, 1},
		"decoder.weight": append(append([]float32{}, row...), q.V[:6]...), "decoder.bias": {1, 0, -1, 0.5, 0, 0},
	}, scale: data.Scale{Kind: kind, Factor: 1}}}
	if kind == data.ScaleMeanNorm {
		w.m.scale.Factor = 0.7
	}
	dir := filepath.Join(t.TempDir(), "dump")
	out, err := activations.NewWriter(dir, activations.Schema{D: 6, Columns: activations.DocPos | activations.TokenID, Token: true})
	if err != nil {
		t.Fatal(err)
	}
	b := activations.Batch{D: 6, N: 8}
	var tokens []string
	for doc := range 2 {
		for at := range 4 {
			for i, v := range l.Z(q, at) {
				if doc == 0 {
					v = float64(i) - 2
				}
				b.X = append(b.X, float32(v))
			}
			b.Doc, b.Pos, b.TokenID = append(b.Doc, int64(doc)), append(b.Pos, int32(at)), append(b.TokenID, int32(10*doc+at))
			tokens = append(tokens, fmt.Sprint(" t", at))
		}
	}
	if err := out.Write(&b, tokens); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if w.dump, err = activations.Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.dump.Close() })
	w.patterns = w.write(t, "patterns.safetensors", []int32{10, 11, 12, 13}, q.V)
	return w
}

// write writes patterns of document 1.
func (w *world) write(t *testing.T, name string, tokens []int32, v []float32) string {
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := safetensors.Write(f, nil, []safetensors.Tensor{
		{Name: "pattern", Shape: []int{1, 3, 4, 4}, Data: w.q.Pattern}, {Name: "v", Shape: []int{1, 4, len(v) / 8, 2}, Data: v},
		{Name: "doc", Shape: []int{1}, Data: []int64{1}}, {Name: "token_id", Shape: []int{1, 4}, Data: tokens},
	}); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) analyse(t *testing.T, patterns string) (*Report, error) {
	l, _ := NewLayout(6, 3, 0)
	p, err := OpenPatterns(patterns, l)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	s := Subject{Model: w.m, F: 2, Scale: w.m.scale, Layout: l, Dump: w.dump, Rows: activations.AllRows(8), Patterns: p}
	return Analyse(context.Background(), s, Options{PerHead: 2, Top: 3, Batch: 3, Latents: []int{0, 1}})
}

func TestIdentityUnderEveryScale(t *testing.T) {
	for _, kind := range []string{data.ScaleNone, data.ScaleMeanNorm, data.ScaleRowNorm} {
		w := newWorld(t, kind)
		r, err := w.analyse(t, w.patterns)
		if err != nil {
			t.Fatal(err)
		}
		if r.Identity == nil || r.Identity.Rows != 4 || r.Identity.Worst > 1e-5 || r.Identity.Output > 1e-6 || r.KVHeads != 1 {
			t.Errorf("scale %s: identity %+v, %d key-value heads", kind, r.Identity, r.KVHeads)
		}
		sum := 0.0
		for _, h := range r.ByHead {
			sum += h.Attribution
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("scale %s: the heads' parts of all attributions add up to %v", kind, sum)
		}
		for _, e := range r.Features[0].Examples {
			if *e.Doc != 1 || len(e.BySource) != int(*e.Pos)+1 || len(e.Tokens) != int(*e.Pos)+1 || e.Window[e.WindowAt] != e.Tokens[*e.Source] {
				t.Errorf("scale %s: example %+v", kind, e)
			}
		}
	}
}

func TestPatternsOfSomethingElse(t *testing.T) {
	w := newWorld(t, data.ScaleNone)
	if _, err := w.analyse(t, w.write(t, "text", []int32{10, 11, 99, 13}, w.q.V)); err == nil || !strings.Contains(err.Error(), "another text") {
		t.Errorf("patterns of another text: %v", err)
	}
	v := append([]float32{}, w.q.V...)
	v[0] += 1
	r, err := w.analyse(t, w.write(t, "values", []int32{10, 11, 12, 13}, v))
	if err != nil || len(r.Warnings) != 1 || r.Identity.Beyond == 0 {
		t.Errorf("values of another model: %v, %+v", err, r)
	}
	if _, err := w.analyse(t, w.write(t, "groups", []int32{10, 11, 12, 13}, append(w.q.V, w.q.V...))); err == nil || !strings.Contains(err.Error(), "key-value") {
		t.Errorf("two key-value heads for three: %v", err)
	}
	l, _ := NewLayout(6, 2, 0)
	if _, err := OpenPatterns(w.patterns, l); err == nil || !strings.Contains(err.Error(), "2 heads") {
		t.Errorf("patterns of three heads for rows of two: %v", err)
	}
}

// A model whose values are not its encoder's pre-activations has no
// attributions that add up.
func TestNotLinear(t *testing.T) {
	w := newWorld(t, data.ScaleNone)
	m := *w.m
	w.m = &m
	m.w = map[string][]float32{"encoder.weight": w.m.w["encoder.weight"], "decoder.weight": w.m.w["decoder.weight"]}
	halved := &doubled{w.m}
	l, _ := NewLayout(6, 3, 0)
	p, err := OpenPatterns(w.patterns, l)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := Subject{Model: halved, F: 2, Scale: w.m.scale, Layout: l, Dump: w.dump, Rows: activations.AllRows(8), Patterns: p}
	if _, err := Analyse(context.Background(), s, Options{PerHead: 2, Batch: 8}); err == nil || !strings.Contains(err.Error(), "pre-activations") {
		t.Errorf("values that are twice the pre-activations: %v", err)
	}
}

type doubled struct{ *relu }

func (m *doubled) Encode(b *activations.Batch) (sae.Encoded, error) {
	z, err := m.relu.Encode(b)
	for i := range z.Value {
		z.Value[i] *= 2
	}
	return z, err
}
