package eval

// pursuit measures how rows were pursued, where the variant says so: an
// encoder that adds latents one after another.
type pursuit struct {
	steps, most float64
	rows        int64
	met         float64
	withEnd     int64 // rows that had a tolerance to meet
}

func (m *pursuit) Add(s *Sample) {
	steps := s.Extra("steps")
	if len(steps) < s.N {
		return
	}
	for _, n := range steps[:s.N] {
		m.steps += float64(n)
		m.most = max(m.most, float64(n))
	}
	m.rows += int64(s.N)
	if met := s.Extra("converged"); len(met) >= s.N {
		for _, v := range met[:s.N] {
			m.met += float64(v)
		}
		m.withEnd += int64(s.N)
	}
}

func (m *pursuit) Report(r *Report) {
	if m.rows == 0 {
		return
	}
	r.Set("pursuit_steps_mean", mean(m.steps, m.rows), m.rows)
	r.Set("pursuit_steps_max", m.most, m.rows)
	r.Set("share_met_tolerance", mean(m.met, m.withEnd), m.withEnd)
}

func pursuitDefinitions() []Definition {
	return inFamily("pursuit", []Definition{
		{Name: "pursuit_steps_mean", Formula: "mean number of steps of a row; a latent that came up twice counts twice", Unit: "steps", Source: "MP-SAE, arXiv 2506.03093; l0 counts latents"},
		{Name: "pursuit_steps_max", Formula: "most steps of a row", Unit: "steps", Source: "MP-SAE"},
		{Name: "share_met_tolerance", Formula: "share of rows left with a norm below the tolerance; absent without one", Source: "residual stop of MP-SAE", Equals: "sae-lens 6.54 residual_threshold_converged_portion"},
	})
}
