package main

import (
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/sae"
)

// posteriorNumbers bounds the means of a pass over the posteriors, which are a
// matrix of rows and latents.
const posteriorNumbers = 1 << 22

// variational lists the metrics of an autoencoder with posteriors, which
// encode each batch again: for the posteriors, and with two draws of noise.
// None of another autoencoder. done frees what they hold.
func (t *trained) variational(s eval.Subject, threads int) (metrics []eval.Metric, done func(), err error) {
	var models []*sae.Model
	done = func() {
		for _, m := range models {
			m.Close()
		}
	}
	v, ok := t.settings.Section.(sae.Variational)
	if !ok {
		return nil, done, nil
	}
	load := func(v sae.Variant, rows int) (*sae.Model, error) {
		m, err := t.model.run.With(v, sae.ModelOptions{Rows: rows, Threads: threads})
		if err == nil {
			models = append(models, m)
		}
		return m, err
	}
	rows := max(1, min(s.B, posteriorNumbers/s.F))
	posterior, err := load(v.Posterior(), rows)
	if err != nil {
		return nil, done, err
	}
	metrics = append(metrics, eval.NewPosterior(s, posterior, rows))
	if !v.Samples() {
		return metrics, done, nil
	}
	one, err := load(v.Sampled(1), s.B)
	if err != nil {
		return nil, done, err
	}
	other, err := load(v.Sampled(2), s.B)
	return append(metrics, eval.NewChurn(s, one, other)), done, err
}
