package topk

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

func TestTopK(t *testing.T) {
	saetest.Run(t, func() sae.Variant {
		v := New().(*TopK)
		v.K, v.AuxK, v.DeadAfter = 2, 8, 320
		return v
	}, saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestBatchTopK(t *testing.T) {
	saetest.Run(t, func() sae.Variant {
		v := NewBatch().(*BatchTopK)
		v.K, v.AuxK, v.DeadAfter = 2, 8, 320
		return v
	}, saetest.Options{MeanL0: 2})
}
