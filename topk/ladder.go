package topk

import "github.com/saectl/saectl/sae"

// WithK is a copy that keeps the k largest of a row after training.
func (t *TopK) WithK(k int) sae.Variant {
	c := *t
	c.K, c.Inference = k, "topk"
	return &c
}

// WithK is a copy that keeps the k·B largest of each batch after training.
func (t *BatchTopK) WithK(k int) sae.Variant {
	c := *t
	c.K, c.Inference = k, "batch"
	return &c
}

// WithK is a copy that keeps the k·B largest of each batch after training.
func (t *Matryoshka) WithK(k int) sae.Variant {
	c := *t
	c.K, c.Inference = k, "batch"
	return &c
}

// WithK is a copy that keeps the k largest |z| of a row after training.
func (t *AbsTopK) WithK(k int) sae.Variant {
	c := *t
	c.K = k
	return &c
}
