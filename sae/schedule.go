package sae

// rate is the learning rate of step t of total: linear from 0 over the
// warm-up, constant, then linear to 0 from the share DecayStart on, as in
// dictionary_learning 0.1.0. With a warm-up the rate of step 0 is 0.
func (o OptimizerSettings) rate(t, total int) float64 {
	decay := int(o.DecayStart * float64(total))
	switch {
	case t < o.Warmup:
		return o.LR * float64(t) / float64(o.Warmup)
	case o.DecayStart < 1 && t >= decay:
		return o.LR * float64(total-t) / float64(total-decay)
	default:
		return o.LR
	}
}
