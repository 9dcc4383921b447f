package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// A Dictionary is decoder rows [F,D], one latent a row, of any norm.
type Dictionary struct {
	Name string
	Rows []float32
	F, D int
}

// A Match is how two dictionaries A and B of one width relate. Cosines are
// signed unless said otherwise.
type Match struct {
	A     string  `json:"a"`
	B     string  `json:"b"`
	MMCS  float64 `json:"mmcs_a_to_b"` // mean over A of the largest cosine to B
	Back  float64 `json:"mmcs_b_to_a"`
	Abs   float64 `json:"mmcs_abs_a_to_b"` // with |cosine|
	Pairs int     `json:"pairs"`           // matched one to one: the smaller F

	// Of the one-to-one assignment with the largest sum of cosines; nil when
	// the dictionaries are too large for it.
	Hungarian *Matched `json:"hungarian,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`

	// Nearest is for each latent of A the most similar of B.
	Nearest []Neighbour `json:"-"`
}

// Matched is what a one-to-one assignment gives.
type Matched struct {
	MeanCosine float64            `json:"mean_cosine"`
	MeanArccos float64            `json:"mean_arccos"` // radians
	Loss       float64            `json:"cosine_loss"` // Σ(1 - cosine)
	Shared     map[string]float64 `json:"shared"`      // share of pairs with a cosine above each of sharedAbove
	Columns    []int32            `json:"-"`           // [F of A] partner in B, -1 for none
	Cosines    []float32          `json:"-"`           // [F of A] with it
}

// maxAssigned is the most latents of an exact assignment, which takes a matrix
// of F×F float32 and time with the cube of F.
const maxAssigned = 8192

// MatchDictionaries compares a with b.
func MatchDictionaries(ctx context.Context, a, b Dictionary, threads int) (*Match, error) {
	switch {
	case a.D != b.D:
		return nil, fmt.Errorf("%s has rows of %d values and %s of %d; only dictionaries of one hook point can be compared", a.Name, a.D, b.Name, b.D)
	case a.F == 0 || b.F == 0:
		return nil, fmt.Errorf("%s or %s has no latents", a.Name, b.Name)
	}
	pool := kernel.NewPool(threads)
	defer pool.Close()
	m := &Match{A: a.Name, B: b.Name, Pairs: min(a.F, b.F)}
	exact := max(a.F, b.F) <= maxAssigned
	c, err := newCrossCosines(ctx, pool, a, b, exact)
	if err != nil {
		return nil, err
	}
	m.Nearest = c.forward
	for _, n := range c.forward {
		m.MMCS += n.Cosine / float64(a.F)
	}
	for i := range c.absolute {
		m.Abs += float64(c.absolute[i]) / float64(a.F)
	}
	for _, v := range c.backward {
		m.Back += float64(v) / float64(b.F)
	}
	if exact {
		m.Hungarian = matched(c.all, a.F, b.F)
	} else {
		m.Warnings = append(m.Warnings, fmt.Sprintf("one-to-one matching is left out: %d latents are more than %d", max(a.F, b.F), maxAssigned))
	}
	return m, ctx.Err()
}

// crossCosines are the cosines of the rows of two dictionaries.
type crossCosines struct {
	forward  []Neighbour // [F of A] nearest of B
	absolute []float32   // [F of A] largest |cosine|
	backward []float32   // [F of B] largest cosine
	all      []float32   // [F of A, F of B], when kept
}

func newCrossCosines(ctx context.Context, pool *kernel.Pool, a, b Dictionary, keep bool) (*crossCosines, error) {
	c := &crossCosines{forward: make([]Neighbour, a.F), absolute: make([]float32, a.F), backward: make([]float32, b.F)}
	for i := range c.forward {
		c.forward[i] = Neighbour{Latent: -1, Cosine: math.Inf(-1)}
	}
	for j := range c.backward {
		c.backward[j] = float32(math.Inf(-1))
	}
	if keep {
		c.all = make([]float32, a.F*b.F)
	}
	left, err := inverseNorms(a)
	if err != nil {
		return nil, err
	}
	right, err := inverseNorms(b)
	if err != nil {
		return nil, err
	}
	gemm, tile := kernel.NewGEMM(pool), make([]float32, tileRows*tileColumns)
	for i0 := 0; i0 < a.F; i0 += tileRows {
		for j0 := 0; j0 < b.F; j0 += tileColumns {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m, n := min(tileRows, a.F-i0), min(tileColumns, b.F-j0)
			gemm.NT(tile[:m*n], a.Rows[i0*a.D:(i0+m)*a.D], b.Rows[j0*b.D:(j0+n)*b.D], m, n, a.D, false)
			pool.Run(m, kernel.TaskFunc(func(_, i int) {
				row := tile[i*n : (i+1)*n]
				for j := range row {
					row[j] *= left[i0+i] * right[j0+j]
				}
				c.take(i0+i, j0, row)
				if keep {
					copy(c.all[(i0+i)*b.F+j0:], row)
				}
			}))
			for i := range m {
				for j, v := range tile[i*n : (i+1)*n] {
					c.backward[j0+j] = max(c.backward[j0+j], v)
				}
			}
		}
	}
	return c, nil
}

// take takes in the cosines of row i of A with the rows of B from j0 on.
func (c *crossCosines) take(i, j0 int, row []float32) {
	for j, v := range row {
		c.absolute[i] = max(c.absolute[i], v, -v)
		if float64(v) > c.forward[i].Cosine {
			c.forward[i] = Neighbour{Latent: j0 + j, Cosine: float64(v)}
		}
	}
}

// inverseNorms are 1/norm of each row, 0 for a row of zeros.
func inverseNorms(d Dictionary) ([]float32, error) {
	out := make([]float32, d.F)
	for i := range out {
		n := norm(d.Rows[i*d.D : (i+1)*d.D])
		if math.IsInf(n, 0) || math.IsNaN(n) {
			return nil, fmt.Errorf("%s: the decoder row of latent %d is not finite", d.Name, i)
		}
		if n > 0 {
			out[i] = float32(1 / n)
		}
	}
	return out, nil
}

// sharedAbove are cosines from which on two latents count as the same feature.
func sharedAbove() []float64 { return []float64{0.7, 0.8, 0.9, 0.95} }

// matched assigns rows to columns so that the sum of cosines [m,n] is largest.
// The smaller side is filled up with latents that match nothing, at cost 1.
func matched(cosines []float32, m, n int) *Matched {
	size := max(m, n)
	cost := make([]float32, size*size)
	for i := range cost {
		cost[i] = 1
	}
	for i := range m {
		for j, c := range cosines[i*n : (i+1)*n] {
			cost[i*size+j] = 1 - c
		}
	}
	x := &Matched{Columns: assign(cost, size)[:m], Cosines: make([]float32, m), Shared: map[string]float64{}}
	for _, t := range sharedAbove() {
		x.Shared[fmt.Sprint(t)] = 0
	}
	pairs := float64(min(m, n))
	for i, j := range x.Columns {
		if int(j) >= n {
			x.Columns[i] = -1
			continue
		}
		c := float64(cosines[i*n+int(j)])
		x.Cosines[i] = float32(c)
		x.MeanCosine += c / pairs
		x.MeanArccos += math.Acos(min(1, max(-1, c))) / pairs
		x.Loss += 1 - c
		for _, t := range sharedAbove() {
			if c > t {
				x.Shared[fmt.Sprint(t)] += 1 / pairs
			}
		}
	}
	return x
}
