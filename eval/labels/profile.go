package labels

import (
	"cmp"
	"math"
	"slices"
)

// profileLatents are how many latents a class's profile looks at.
const profileLatents = 100

// profile is what training rows say of each class.
type profile struct {
	mean     [][]float64 // [class][P]
	core     [][]int     // [class] the latents of largest mean
	inverse  []float64   // [P] 1 over the variance within classes
	constant []float64   // [class] Σ mean²·inverse
	rows     []int       // [class]
}

func newProfile(f *Features, class []int, classes int) *profile {
	p := &profile{rows: make([]int, classes), constant: make([]float64, classes), inverse: make([]float64, f.P)}
	for range classes {
		p.mean = append(p.mean, make([]float64, f.P))
	}
	square := make([]float64, f.P)
	for i := range f.N {
		if class[i] < 0 {
			continue
		}
		p.rows[class[i]]++
		index, value := f.Row(i)
		for e, j := range index {
			v := float64(value[e])
			p.mean[class[i]][j] += v
			square[j] += v * v
		}
	}
	total := 0
	for c, n := range p.rows {
		total += n
		for j := range p.mean[c] {
			p.mean[c][j] /= float64(max(n, 1))
			square[j] -= float64(n) * p.mean[c][j] * p.mean[c][j]
		}
		p.core = append(p.core, coreOf(p.mean[c]))
	}
	p.invert(square, float64(max(total, 1)))
	return p
}

// invert turns sums of squares within classes into inverse variances.
func (p *profile) invert(square []float64, rows float64) {
	mean := 0.0
	for _, v := range square {
		mean += max(v, 0) / rows / float64(len(square))
	}
	for j, v := range square {
		p.inverse[j] = 1 / max(v/rows, 1e-6*mean, 1e-300)
	}
	for c := range p.mean {
		for j, m := range p.mean[c] {
			p.constant[c] += m * m * p.inverse[j]
		}
	}
}

func coreOf(mean []float64) []int {
	order := make([]int, len(mean))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(mean[b], mean[a]) })
	return order[:min(profileLatents, len(order))]
}

// distance is the least squared Mahalanobis distance from a class's mean.
func (p *profile) distance(f *Features, i int) float64 {
	index, value := f.Row(i)
	least := math.Inf(1)
	for c, n := range p.rows {
		if n == 0 {
			continue
		}
		sum := p.constant[c]
		for e, j := range index {
			v := float64(value[e])
			sum += (v*v - 2*v*p.mean[c][j]) * p.inverse[j]
		}
		least = min(least, sum)
	}
	return least
}

// values are those of row i on the core of class c.
func (p *profile) values(f *Features, i, c int) []float64 {
	dense, at := make([]float64, len(p.core[c])), make(map[int32]int, len(p.core[c]))
	for k, j := range p.core[c] {
		at[int32(j)] = k
	}
	index, value := f.Row(i)
	for e, j := range index {
		if k, ok := at[j]; ok {
			dense[k] = float64(value[e])
		}
	}
	return dense
}

// rank is Spearman's correlation of row i with the mean of class c on its core;
// 0 where one of them does not vary.
func (p *profile) rank(f *Features, i, c int) float64 {
	means := make([]float64, len(p.core[c]))
	for k, j := range p.core[c] {
		means[k] = p.mean[c][j]
	}
	return correlation(ranks(p.values(f, i, c)), ranks(means))
}

// divergence is -KL(q‖p) of the shares of squares on the core of class c, q of
// its mean and p of row i.
func (p *profile) divergence(f *Features, i, c int) float64 {
	values := p.values(f, i, c)
	sumP, sumQ := 0.0, 0.0
	for k, j := range p.core[c] {
		sumP += values[k] * values[k]
		sumQ += p.mean[c][j] * p.mean[c][j]
	}
	const small = 1e-8
	kl := 0.0
	for k, j := range p.core[c] {
		x := values[k]*values[k]/max(sumP, 1e-300) + small
		q := p.mean[c][j]*p.mean[c][j]/max(sumQ, 1e-300) + small
		kl += q * math.Log(q/x)
	}
	return -kl
}

// ranks are those of x from 1 up, equal numbers sharing their mean.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return out
}

func correlation(a, b []float64) float64 {
	n, ma, mb := float64(len(a)), 0.0, 0.0
	for i := range a {
		ma, mb = ma+a[i]/n, mb+b[i]/n
	}
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
