package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
)

// posterior measures the posteriors N(μ,σ²) of the latents of a variational
// autoencoder: how far they are from N(0,1), how wide they are, and which
// means move with the row.
type posterior struct {
	model Model
	most  int // rows that model takes at a time
	d     int

	rows     int64
	means    *columnSums
	kl       []float64 // [F] Σ over rows of the divergence
	variance []float64 // [F] Σ over rows of σ²
	sampled  bool      // there is a variance
	err      error
}

// NewPosterior makes the metric for Options.Metrics. model is s with the extra
// nodes "mean" and, unless nothing is sampled, "variance": μ and σ² of all
// latents of up to rows rows, [rows,F].
func NewPosterior(s Subject, model Model, rows int) Metric {
	return &posterior{model: model, most: rows, d: s.D, means: newColumnSums(s.F), kl: make([]float64, s.F), variance: make([]float64, s.F)}
}

func (m *posterior) Add(s *Sample) {
	for lo := 0; lo < s.N && m.err == nil; lo += m.most {
		hi := min(lo+m.most, s.N)
		part := &activations.Batch{N: hi - lo, D: m.d, X: s.X[lo*m.d : hi*m.d]}
		if _, err := m.model.Encode(part); err != nil {
			m.err = err
			return
		}
		m.add(s, part.N)
	}
}

// add takes in n rows. A latent without a variance has that of the prior.
func (m *posterior) add(s *Sample, n int) {
	f := len(m.kl)
	mean, variance := m.model.Extra("mean"), m.model.Extra("variance")
	if len(mean) < n*f {
		m.err = fmt.Errorf("the model gives no means of its latents")
		return
	}
	m.sampled = variance != nil
	m.means.add(s.pool, n, mean, nil)
	s.pool.Run((f+columnChunk-1)/columnChunk, kernel.TaskFunc(func(_, item int) {
		lo, hi := item*columnChunk, min(f, (item+1)*columnChunk)
		for i := range n {
			for j := lo; j < hi; j++ {
				v := 1.0
				if variance != nil {
					v = float64(variance[i*f+j])
				}
				m.kl[j] += divergence(float64(mean[i*f+j]), v)
				m.variance[j] += v
			}
		}
	}))
	m.rows += int64(n)
}

// divergence is KL(N(μ,v) || N(0,1)) in nats (Kingma and Welling 2014, appendix
// B).
func divergence(mu, v float64) float64 {
	if v == 1 {
		return mu * mu / 2
	}
	return (mu*mu + v - 1 - math.Log(v)) / 2
}

// activeVariance is above what the variance over rows of a mean makes its latent
// an active unit.
const activeVariance = 0.01

func (m *posterior) Report(r *Report) {
	if m.err != nil {
		r.Warn("the posteriors of the latents were not measured: %v", m.err)
		return
	}
	n, active := float64(m.rows), 0
	x := make([]float64, len(m.kl))
	for i := range m.kl {
		x[i] = float64(i)
		m.kl[i] /= n
		m.variance[i] /= n
		if m.means.scatter(i)/n > activeVariance {
			active++
		}
	}
	r.Set("kl", total(m.kl), m.rows)
	r.Set("active_units", float64(active), m.rows)
	r.Set("active_units_fraction", float64(active)/float64(len(m.kl)), m.rows)
	r.Series["kl_by_latent"] = Series{Definition: "nats a row of latent x; their sum is kl", X: x, Y: m.kl}
	if !m.sampled {
		return
	}
	r.Series["posterior_variance_by_latent"] = Series{Definition: "mean over rows of σ² of latent x", X: x, Y: m.variance}
	r.Set("posterior_variance_mean", total(m.variance)/float64(len(x)), m.rows)
	sorted := slices.Sorted(slices.Values(m.variance))
	for _, q := range varianceQuantiles() {
		r.Set(q.name, quantile(sorted, q.q), m.rows)
	}
}

func total(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

func varianceQuantiles() []namedQuantile {
	return []namedQuantile{{"posterior_variance_min", 0}, {"posterior_variance_median", 0.5}, {"posterior_variance_max", 1}}
}

func variationalDefinitions() []Definition {
	list := []Definition{
		{Name: "kl", Formula: "mean over rows of Σ over all latents of KL(N(μ,σ²) ‖ N(0,1)) = ½(μ² + σ² - 1 - log σ²); ½μ² where nothing is sampled", Unit: "nats a row", Source: "Kingma and Welling 2014, appendix B; what a vSAE's penalty weighs, without its clamps"},
		{Name: "active_units", Formula: fmt.Sprintf("latents whose mean μ has a variance over rows above %v, in the units the encoder works in", activeVariance), Unit: "latents", Source: "Burda et al. 2016, section 5; the others have collapsed to the prior"},
		{Name: "active_units_fraction", Formula: "active_units / F", Source: "Burda et al. 2016"},
		{Name: "posterior_variance_mean", Formula: "mean over rows and latents of σ²", Source: "width of the posteriors"},
	}
	for _, q := range varianceQuantiles() {
		list = append(list, Definition{Name: q.name, Formula: fmt.Sprintf("%v quantile over latents of the mean over rows of σ²", q.q), Source: "distribution of posterior_variance_mean"})
	}
	return inFamily("variational", append(list, churnDefinitions()...))
}
