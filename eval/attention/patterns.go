package attention

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// patternSums are sums over all rows with patterns.
type patternSums struct {
	rows, entries int64
	byLatent      []float64 // [F,H] Σ of the latent's attributions by head
	fired         []int64   // [F]
	heads         []headSums

	worst    float64 // relative error of the sum identity
	worstRow int64
	beyond   int64   // rows with an error above IdentityGoal
	sum      float64 // of the errors of rows
	worstZ   float64 // ‖z - Σ A·v‖/‖z‖
}

// headSums are sums of |attribution| of a head over active latents by where
// the source stands.
type headSums struct{ all, self, previous, first float64 }

// IdentityGoal is how far attributions and constant may be from the
// pre-activation, relative to the largest of the row, before a row is counted.
const IdentityGoal = 1e-4

func newPatternSums(f, heads int) *patternSums {
	return &patternSums{byLatent: make([]float64, f*heads), fired: make([]int64, f), heads: make([]headSums, heads), worstRow: -1}
}

// closeDocument reads the patterns of the document that has ended and
// attributes each active latent of each of its rows.
func (a *analysis) closeDocument() error {
	d := &a.doc
	if !d.open {
		return nil
	}
	q, _, err := a.s.Patterns.Sequence(d.number)
	if err != nil {
		return err
	}
	if a.constant == nil {
		if err := a.findConstant(); err != nil {
			return err
		}
	}
	sources := map[int32][]float64{} // of the latents active in the document
	for i := range d.rows {
		a.attribute(q, sources, i)
	}
	*d = document{rows: d.rows[:0], z: d.z[:0]}
	return nil
}

// rowOfZ is row i of the document.
func (a *analysis) rowOfZ(i int) []float32 {
	d := a.s.Layout.D()
	return a.doc.z[i*d : (i+1)*d]
}

// findConstant decides whether the encoder reads rows with the decoder's bias
// taken off, as most variants do, or as they are, by the model's own values.
func (a *analysis) findConstant() error {
	bias, off := a.s.Weight("encoder.bias"), a.s.Weight("decoder.bias")
	candidates := [][]float64{Constants(a.encoder, bias, off, a.s.F), Constants(a.encoder, bias, nil, a.s.F)}
	missed, size := make([]float64, len(candidates)), 0.0
	for i, r := range a.doc.rows {
		for e, f := range r.index {
			linear := a.linear(i, f)
			for k, c := range candidates {
				missed[k] = max(missed[k], math.Abs(linear+c[f]-float64(r.value[e])))
			}
			size = max(size, math.Abs(float64(r.value[e])))
		}
	}
	if size == 0 {
		return nil // no latent fires in this document
	}
	best := largest([]float64{-missed[0], -missed[1]})
	if missed[best] > 1e-3*size {
		return fmt.Errorf("attention: the latents' values are not the encoder's pre-activations (off by %.2g of %.2g), so attributions do not add up to them; leave the patterns out", missed[best], size)
	}
	a.constant = candidates[best]
	return nil
}

// linear is the part of latent f's pre-activation on row i of the document
// that the row makes, <z,w>·c, with what the shift of the scale adds to it.
func (a *analysis) linear(i int, f int32) float64 {
	z, w := a.rowOfZ(i), a.encoder[int(f)*a.s.Layout.D():(int(f)+1)*a.s.Layout.D()]
	m, c := a.s.Scale.Affine(z)
	return kernel.DotF64(z, w)*c + shiftOf(w, m, c)
}

// shiftOf is what subtracting m from each value of a row, before it is
// multiplied by c, does to the pre-activation.
func shiftOf(w []float32, m, c float64) float64 {
	if m == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range w {
		sum += float64(v)
	}
	return -m * c * sum
}

// attribute adds the attributions of row i of the document and checks that
// they add up to the model's own values.
func (a *analysis) attribute(q Sequence, sources map[int32][]float64, i int) {
	l, r, p := a.s.Layout, &a.doc.rows[i], a.patterns
	z := a.rowOfZ(i)
	shift, c := a.s.Scale.Affine(z)
	p.worstZ = max(p.worstZ, distance(z, l.Z(q, r.pos)))
	missed, size := 0.0, 0.0
	for e, f := range r.index {
		if r.value[e] == 0 {
			continue
		}
		w := a.encoder[int(f)*l.D() : (int(f)+1)*l.D()]
		u := sources[f]
		if u == nil {
			u = l.sources(q, w)
			sources[f] = u
		}
		from := l.attribute(q, u, r.pos)
		from.scale(c)
		missed = max(missed, math.Abs(from.Sum()+shiftOf(w, shift, c)+a.constant[f]-float64(r.value[e])))
		size = max(size, math.Abs(float64(r.value[e])))
		p.add(from, f)
	}
	p.rows++
	if size == 0 {
		return
	}
	relative := missed / size
	p.sum += relative
	if relative > IdentityGoal {
		p.beyond++
	}
	if relative > p.worst || p.worstRow < 0 {
		p.worst, p.worstRow = relative, r.row
	}
}

// add takes in an attribution to latent f.
func (p *patternSums) add(a Attribution, f int32) {
	n := len(a.Table) / a.Heads
	p.entries++
	p.fired[f]++
	for h := range a.Heads {
		row, of := a.Table[h*n:(h+1)*n], &p.heads[h]
		for s, v := range row {
			p.byLatent[int(f)*a.Heads+h] += v
			of.all += math.Abs(v)
			switch {
			case s == a.T:
				of.self += math.Abs(v)
			case s == 0:
				of.first += math.Abs(v)
			case s == a.T-1:
				of.previous += math.Abs(v)
			}
		}
	}
}

// distance is ‖a-b‖/‖a‖.
func distance(a []float32, b []float64) float64 {
	missed, size := 0.0, 0.0
	for i, v := range a {
		d := float64(v) - b[i]
		missed += d * d
		size += float64(v) * float64(v)
	}
	if size == 0 {
		return math.Sqrt(missed)
	}
	return math.Sqrt(missed / size)
}
