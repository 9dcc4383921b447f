package eval

import (
	"math"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/roc"
)

// A detector scores rows, higher in distribution.
type detector struct {
	name, formula string
	score         func(p *probeSet, i int) float64
}

// detect sets AUROC and FPR95 of each detector, test rows as in distribution.
func detect(r *Report, pool *kernel.Pool, test, ood *probeSet, detectors []detector) {
	for _, d := range detectors {
		id, out := make([]float64, test.codes.n), make([]float64, ood.codes.n)
		pool.Run(len(id), task(func(_, i int) { id[i] = d.score(test, i) }))
		pool.Run(len(out), task(func(_, i int) { out[i] = d.score(ood, i) }))
		curve := roc.New(id, out)
		r.Set("ood_auroc_"+d.name, curve.AUROC, int64(len(id)+len(out)))
		r.Set("ood_fpr95_"+d.name, curve.FPR95, int64(len(id)+len(out)))
	}
}

// detectors are the scores, given the training rows and the probes of latents
// and of rows.
func detectors(train *probeSet, codes, raw softmax) []detector {
	of := func(f *features, m softmax) func(int) float64 {
		return func(i int) float64 {
			p, best := m.logProbabilities(f, i, make([]float64, m.classes)), math.Inf(-1)
			for _, v := range p {
				best = max(best, v)
			}
			return best
		}
	}
	return []detector{
		{"reconstruction", "-‖e‖²/‖x‖²", func(p *probeSet, i int) float64 { return -p.missed[i] }},
		{"max_latent", "largest f", func(p *probeSet, i int) float64 { return largestOf(p.codes, i) }},
		{"l1", "Σ|f|", func(p *probeSet, i int) float64 { return absoluteSum(p.codes, i) }},
		{"probe", "largest log probability of the probe on all latents", func(p *probeSet, i int) float64 { return of(p.codes, codes)(i) }},
		{"probe_raw", "largest log probability of the probe on x", func(p *probeSet, i int) float64 { return of(p.raw, raw)(i) }},
		{"nearest", "-distance of f from the nearest training row's f", func(p *probeSet, i int) float64 { return -nearestRow(p.codes, i, train.codes) }},
		{"nearest_raw", "-distance of x from the nearest training row", func(p *probeSet, i int) float64 { return -nearestRow(p.raw, i, train.raw) }},
	}
}

func largestOf(f *features, i int) float64 {
	_, value := f.row(i)
	top := 0.0
	for _, v := range value {
		top = max(top, float64(v))
	}
	return top
}

func absoluteSum(f *features, i int) float64 {
	_, value := f.row(i)
	sum := 0.0
	for _, v := range value {
		sum += abs(float64(v))
	}
	return sum
}

// nearestRow is the Euclidean distance of row i of f from the nearest of g.
func nearestRow(f *features, i int, g *features) float64 {
	index, value := f.row(i)
	least := math.Inf(1)
	for k := range g.n {
		other, theirs := g.row(k)
		sum, a, b := 0.0, 0, 0
		for a < len(index) || b < len(other) {
			var d float64
			switch {
			case b == len(other) || a < len(index) && index[a] < other[b]:
				d = float64(value[a])
				a++
			case a == len(index) || other[b] < index[a]:
				d = float64(theirs[b])
				b++
			default:
				d = float64(value[a]) - float64(theirs[b])
				a, b = a+1, b+1
			}
			if sum += d * d; sum >= least {
				break
			}
		}
		least = min(least, sum)
	}
	return math.Sqrt(least)
}

func detectDefinitions() []Definition {
	var list []Definition
	for _, d := range detectors(&probeSet{}, softmax{}, softmax{}) {
		list = append(list,
			Definition{Name: "ood_auroc_" + d.name, Formula: "AUROC, test rows against rows from elsewhere, of the score " + d.formula, Source: "out-of-distribution detection; half credit for ties"},
			Definition{Name: "ood_fpr95_" + d.name, Formula: "share of rows from elsewhere at or above the ceil(0.05 n)-th smallest of the n test scores, of the score " + d.formula, Source: "out-of-distribution detection"})
	}
	return inFamily("rows from elsewhere", list)
}
