package labels

import (
	"math"
	"slices"
)

// A Detector scores rows, higher for those that are like the training rows.
type Detector struct {
	Name    string
	Formula string
	Source  string
	Codes   func(s *Set, i int) float64 // of latents
	Raw     func(s *Set, i int) float64 // of the row itself, or nil
}

// standard is the source of scores that are not of autoencoders.
const standard = "a standard score of out-of-distribution detection"

// part is one kind of features of a set, with what training rows say of it.
type part struct {
	of      func(s *Set) *Features
	train   *Features
	probe   Softmax
	profile *profile
	l0      float64 // mean number of values that are not 0
}

func newPart(of func(s *Set) *Features, train *Set, probe Softmax) *part {
	p := &part{of: of, train: of(train), probe: probe}
	if p.train == nil || p.train.N == 0 {
		return p
	}
	p.profile = newProfile(p.train, train.Class, probe.Classes)
	p.l0 = float64(len(p.train.index)) / float64(p.train.N)
	return p
}

// Detectors are the scores, given the training rows and the probes of latents
// and of rows.
func Detectors(train *Set, codes, raw Softmax) []Detector {
	c := newPart(func(s *Set) *Features { return s.Codes }, train, codes)
	r := newPart(func(s *Set) *Features { return s.Raw }, train, raw)
	list := []Detector{
		{Name: "reconstruction", Formula: "-‖e‖²/‖x‖²", Source: "of an autoencoder", Codes: func(s *Set, i int) float64 { return -s.Missed[i] / max(s.Size[i], 1e-300) }},
		{Name: "error", Formula: "-‖e‖²", Source: "of an autoencoder", Codes: func(s *Set, i int) float64 { return -s.Missed[i] }},
	}
	for _, x := range []struct {
		name, formula, source string
		of                    func(p *part) func(s *Set, i int) float64
	}{
		{"max_latent", "largest f", standard, (*part).largest},
		{"l1", "Σ|f|", standard, (*part).l1},
		{"energy", "log Σ exp(f) over all latents, zeros too", standard, (*part).energy},
		{"l0", "-|L0 - mean L0 of training rows|", "of an autoencoder", (*part).count},
		{"probe", "largest log probability of the probe on all latents", standard, (*part).probability},
		{"max_logit", "largest logit of that probe", standard, (*part).logit},
		{"probe_energy", "log Σ exp(logit) of that probe", standard, (*part).probeEnergy},
		{"mahalanobis", "-least Σ(f - mean_c)²/variance over classes c, the variance of each latent within classes shared, at least a 1e-6th of their mean", standard, (*part).mahalanobis},
		{"nearest", "-distance of f from the nearest training row's f", standard, func(p *part) func(s *Set, i int) float64 { return p.neighbour(1) }},
		{"neighbour10", "-distance of f from the tenth nearest training row's f", standard, func(p *part) func(s *Set, i int) float64 { return p.neighbour(10) }},
		{"profile_rank", "rank correlation (Spearman, mean ranks for ties) of f with the mean code of the class that the probe gives, over its 100 largest latents", "class activation profiles, Oh et al. 2026 (arXiv 2604.26409); the number of latents is ours", (*part).profileRank},
		{"profile_energy", "-Σ q log(q/p), p and q the shares of f² and of mean² on those latents, 1e-8 added", "class activation profiles, Oh et al. 2026 (arXiv 2604.26409); the divergence is ours, since theirs is not known", (*part).profileEnergy},
	} {
		list = append(list, Detector{Name: x.name, Formula: x.formula, Source: x.source, Codes: x.of(c), Raw: x.of(r)})
	}
	return list
}

func (p *part) largest() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 {
		f := p.of(s)
		_, value := f.Row(i)
		top := math.Inf(-1)
		if len(value) < f.P {
			top = 0
		}
		for _, v := range value {
			top = max(top, float64(v))
		}
		return top
	}
}

func (p *part) l1() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 {
		_, value := p.of(s).Row(i)
		sum := 0.0
		for _, v := range value {
			sum += math.Abs(float64(v))
		}
		return sum
	}
}

func (p *part) energy() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 {
		f := p.of(s)
		_, value := f.Row(i)
		top := 0.0
		for _, v := range value {
			top = max(top, float64(v))
		}
		sum := float64(f.P-len(value)) * math.Exp(-top)
		for _, v := range value {
			sum += math.Exp(float64(v) - top)
		}
		return top + math.Log(sum)
	}
}

func (p *part) count() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 {
		_, value := p.of(s).Row(i)
		return -math.Abs(float64(len(value)) - p.l0)
	}
}

func (p *part) logits(s *Set, i int) []float64 {
	return p.probe.Logits(p.of(s), i, make([]float64, p.probe.Classes))
}

func (p *part) probability() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 {
		l := p.logits(s, i)
		return slices.Max(l) - logSumExp(l)
	}
}

func (p *part) logit() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return slices.Max(p.logits(s, i)) }
}

func (p *part) probeEnergy() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return logSumExp(p.logits(s, i)) }
}

func (p *part) mahalanobis() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return -p.profile.distance(p.of(s), i) }
}

func (p *part) neighbour(k int) func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return -kthDistance(p.of(s), i, p.train, k) }
}

func (p *part) profileRank() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return p.profile.rank(p.of(s), i, argmax(p.logits(s, i))) }
}

func (p *part) profileEnergy() func(s *Set, i int) float64 {
	return func(s *Set, i int) float64 { return p.profile.divergence(p.of(s), i, argmax(p.logits(s, i))) }
}

// kthDistance is the Euclidean distance of row i of f from the k-th nearest row
// of g, from the farthest where it has fewer.
func kthDistance(f *Features, i int, g *Features, k int) float64 {
	index, value := f.Row(i)
	var near []float64 // the k least, ascending
	for r := range g.N {
		most := math.Inf(1)
		if len(near) == k {
			most = near[k-1]
		}
		other, theirs := g.Row(r)
		d := squaredDistance(index, value, other, theirs, most)
		if d >= most {
			continue
		}
		at, _ := slices.BinarySearch(near, d)
		near = slices.Insert(near, at, d)
		near = near[:min(k, len(near))]
	}
	return math.Sqrt(near[len(near)-1])
}

// squaredDistance stops where it reaches most.
func squaredDistance(index []int32, value []float32, other []int32, theirs []float32, most float64) float64 {
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
		if sum += d * d; sum >= most {
			break
		}
	}
	return sum
}
