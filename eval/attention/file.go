package attention

import (
	"fmt"

	"github.com/saectl/saectl/internal/safetensors"
)

// Weights are those of the layer and of the model around it, each nil where
// the file lacks it.
type Weights struct {
	WO []float32 // W_O [H,E,M]
	WU []float32 // W_U [M,V]
	WV []float32 // W_V [G,M,E]
	BV []float32 // b_V [G,E]
	M  int       // width of the residual stream
}

// ReadWeights reads the tensors W_O, W_U, W_V and b_V, as many as the file
// has, and asks their shapes to fit l.
func ReadWeights(path string, l Layout) (*Weights, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := &Weights{}
	for _, x := range []struct {
		name  string
		to    *[]float32
		shape []int // -1 for the width of the residual stream, 0 for any
	}{
		{"W_O", &w.WO, []int{l.Heads, l.HeadDim, -1}},
		{"W_V", &w.WV, []int{l.KVHeads, -1, l.HeadDim}},
		{"W_U", &w.WU, []int{-1, 0}},
		{"b_V", &w.BV, []int{l.KVHeads, l.HeadDim}},
	} {
		info, ok := f.Info(x.name)
		if !ok {
			continue
		}
		if !w.fits(info.Shape, x.shape) {
			return nil, fmt.Errorf("%s: %s is %v; with %d heads of %d and %d key-value heads it should be %s", path, x.name, info.Shape, l.Heads, l.HeadDim, l.KVHeads, written(x.shape))
		}
		if *x.to, err = f.Float32(x.name); err != nil {
			return nil, err
		}
	}
	if w.WO == nil && w.WU == nil && w.WV == nil && w.BV == nil {
		return nil, fmt.Errorf("%s: has none of W_O, W_U, W_V and b_V; it has %q", path, f.Names())
	}
	if w.WU != nil && w.WO == nil {
		return nil, fmt.Errorf("%s: has W_U without W_O, through which latents reach it", path)
	}
	return w, nil
}

// fits compares a shape, and learns the width of the residual stream from the
// first that has it.
func (w *Weights) fits(got, want []int) bool {
	if len(got) != len(want) {
		return false
	}
	for i, n := range want {
		switch {
		case n == -1 && w.M == 0:
			w.M = got[i]
		case n == -1 && got[i] != w.M, n > 0 && got[i] != n:
			return false
		}
	}
	return true
}

func written(shape []int) string {
	text := ""
	for i, n := range shape {
		if i > 0 {
			text += ", "
		}
		switch n {
		case -1:
			text += "width of the residual stream"
		case 0:
			text += "any"
		default:
			text += fmt.Sprint(n)
		}
	}
	return "[" + text + "]"
}

// Patterns are the sequences of a file of patterns and values, read one at a
// time.
type Patterns struct {
	Layout Layout // with the key-value heads of the file
	Path   string
	S      int

	file  *safetensors.File
	place map[int64]int // of each document of the dump
	token []int64       // [n,S] or nil
	sigma []float32     // [n,S] scale of the layer norm, or nil
}

// OpenPatterns opens a file with the tensors pattern [n,H,S,S], v [n,S,G,E]
// and doc [n], the documents of the dump, and, where it has them, token_id
// [n,S] and ln_scale [n,S]. l says how the rows are made; the file says how
// many key-value heads there are.
func OpenPatterns(path string, l Layout) (*Patterns, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	p := &Patterns{Path: path, Layout: l, file: f}
	if err := p.read(); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// Close closes the file.
func (p *Patterns) Close() error { return p.file.Close() }

// Documents is the number of documents.
func (p *Patterns) Documents() int { return len(p.place) }

func (p *Patterns) read() error {
	pattern, ok := p.file.Info("pattern")
	v, okV := p.file.Info("v")
	doc, okDoc := p.file.Info("doc")
	if !ok || !okV || !okDoc {
		return fmt.Errorf("%s: needs the tensors pattern, v and doc; it has %q", p.Path, p.file.Names())
	}
	h, e := p.Layout.Heads, p.Layout.HeadDim
	if len(pattern.Shape) != 4 || pattern.Shape[1] != h || pattern.Shape[2] != pattern.Shape[3] {
		return fmt.Errorf("%s: pattern is %v, the dump has %d heads; it should be [documents, %d, positions, positions]", p.Path, pattern.Shape, h, h)
	}
	n, s := pattern.Shape[0], pattern.Shape[2]
	if len(v.Shape) != 4 || v.Shape[0] != n || v.Shape[1] != s || v.Shape[3] != e {
		return fmt.Errorf("%s: v is %v; with pattern %v and heads of %d values it should be [%d, %d, key-value heads, %d]", p.Path, v.Shape, pattern.Shape, e, n, s, e)
	}
	if len(doc.Shape) != 1 || doc.Shape[0] != n {
		return fmt.Errorf("%s: doc is %v; it should be [%d], a document of the dump for each pattern", p.Path, doc.Shape, n)
	}
	var err error
	if p.Layout, err = NewLayout(p.Layout.D(), h, v.Shape[2]); err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	p.S, p.place = s, make(map[int64]int, n)
	docs, err := p.file.Int64("doc")
	for i, d := range docs {
		if _, twice := p.place[d]; twice {
			return fmt.Errorf("%s: document %d is there twice", p.Path, d)
		}
		p.place[d] = i
	}
	if err != nil {
		return err
	}
	return p.readOptional(n, s)
}

func (p *Patterns) readOptional(n, s int) (err error) {
	for _, name := range []string{"token_id", "ln_scale"} {
		info, ok := p.file.Info(name)
		if !ok {
			continue
		}
		if len(info.Shape) != 2 || info.Shape[0] != n || info.Shape[1] != s {
			return fmt.Errorf("%s: %s is %v; it should be [%d, %d], a number for each position", p.Path, name, info.Shape, n, s)
		}
		if name == "token_id" {
			p.token, err = p.file.Int64(name)
		} else {
			p.sigma, err = p.file.Float32(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Sequence reads what the heads did in a document of the dump; ok is false for
// one that the file lacks.
func (p *Patterns) Sequence(doc int64) (q Sequence, ok bool, err error) {
	i, ok := p.place[doc]
	if !ok {
		return q, false, nil
	}
	q.S = p.S
	n := p.Layout.Heads * p.S * p.S
	if q.Pattern, err = p.file.Float32Part("pattern", i*n, n); err != nil {
		return q, false, err
	}
	n = p.S * p.Layout.KVHeads * p.Layout.HeadDim
	q.V, err = p.file.Float32Part("v", i*n, n)
	return q, err == nil, err
}

// covers reports whether the file has a position of a document.
func (p *Patterns) covers(doc int64, pos int32) bool {
	_, ok := p.place[doc]
	return ok && pos >= 0 && int(pos) < p.S
}

// checkToken refuses patterns of another text.
func (p *Patterns) checkToken(doc int64, pos, token int32) error {
	if p.token == nil {
		return nil
	}
	if want := p.token[p.place[doc]*p.S+int(pos)]; want != int64(token) {
		return fmt.Errorf("%s: token %d of document %d is %d there and %d in the dump; the patterns are of another text", p.Path, pos, doc, want, token)
	}
	return nil
}

// lnScale is σ at a position, 1 where the file does not say.
func (p *Patterns) lnScale(doc int64, pos int) float64 {
	if p.sigma == nil {
		return 1
	}
	return float64(p.sigma[p.place[doc]*p.S+pos])
}
