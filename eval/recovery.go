package eval

import "github.com/saectl/saectl/data"

func recoveryDefinitions() []Definition {
	return inFamily("truth", []Definition{
		{Name: "recovered", Formula: "share of true features with a decoder row at |cosine| above 0.95", Source: "a dump whose dictionary is known (saectl data synth)"},
		{Name: "recovery_mean_max_cosine", Formula: "mean over true features of the largest |cosine| to a decoder row", Source: "Sharkey, Braun and Millidge 2022"},
	})
}

// SetRecovery adds how much of a true dictionary [F0,D] the decoder [F,D]
// found. The figures are of the weights, not of rows.
func (r *Report) SetRecovery(truth, decoder []float32, d int) {
	s := data.Recovery(truth, decoder, d)
	r.Set("recovered", s.Recovered, 0)
	r.Set("recovery_mean_max_cosine", s.MeanMaxCosine, 0)
}
