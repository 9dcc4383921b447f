package topk

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// small suits the toy rows of the conformance test: latents die after five
// batches, so that AuxK is tried too.
func small(change func(t *TopK)) func() sae.Variant {
	return func() sae.Variant {
		v := New().(*TopK)
		v.K, v.AuxK, v.DeadAfter = 2, 8, 320
		change(v)
		return v
	}
}

func TestTopK(t *testing.T) {
	saetest.Run(t, small(func(*TopK) {}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestTopKLikeSparsify(t *testing.T) {
	saetest.Run(t, small(func(v *TopK) {
		v.Loss, v.Gradient, v.AuxScale, v.MultiTopK = "fvu", "decoder", true, true
	}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestTopKThreshold(t *testing.T) {
	saetest.Run(t, small(func(v *TopK) { v.Inference = "threshold" }), saetest.Options{MeanL0: 2})
}

func TestTopKGroups(t *testing.T) {
	saetest.Run(t, small(func(v *TopK) { v.K, v.Groups = 4, true }), saetest.Options{MaxL0: 4, MeanL0: 4})
}

func TestTopKLikeSAELens(t *testing.T) {
	saetest.Run(t, small(func(v *TopK) {
		v.SAELens, v.AuxLoss, v.AuxScale, v.AuxSigned = SAELens{Decoder: "free", Rescale: true}, "held", true, true
	}), saetest.Options{MaxL0: 2, MeanL0: 2})
}

func TestBatchTopKLikeSAELens(t *testing.T) {
	saetest.Run(t, func() sae.Variant {
		v := smallBatch("threshold")().(*BatchTopK)
		v.SAELens, v.ThresholdFrom = SAELens{Decoder: "free", Rescale: true}, "zero"
		v.AuxLoss, v.AuxScale, v.AuxSigned = "held", true, true
		return v
	}, saetest.Options{MeanL0: 2})
}

func smallBatch(inference string) func() sae.Variant {
	return func() sae.Variant {
		v := NewBatch().(*BatchTopK)
		v.K, v.AuxK, v.DeadAfter, v.Inference = 2, 8, 320, inference
		return v
	}
}

func TestBatchTopK(t *testing.T) {
	saetest.Run(t, smallBatch("threshold"), saetest.Options{MeanL0: 2})
}

func TestBatchTopKByBatch(t *testing.T) {
	saetest.Run(t, smallBatch("batch"), saetest.Options{MeanL0: 2, BatchDependent: true})
}

// TestThresholdKeepsK: on rows that were not trained on, BatchTopK's threshold
// keeps about K latents a row.
func TestThresholdKeepsK(t *testing.T) {
	if l0 := saetest.L0(t, smallBatch("threshold")); math.Abs(l0-2) > 0.3 {
		t.Errorf("the threshold keeps %.2f latents a row, training 2", l0)
	}
}

func TestGroupsMustDivide(t *testing.T) {
	p := sae.Plan{
		Variant: small(func(v *TopK) { v.K, v.Groups = 5, true })(), D: 4, Threads: 1,
		Model: sae.ModelSettings{Latents: 24, DecoderBias: "zero"}, Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	if _, err := sae.NewTrainer(p); err == nil || !strings.Contains(err.Error(), "topk.groups") {
		t.Errorf("24 latents in 5 groups: error %v", err)
	}
}

// TestGroupMax: ties go to the lower latent, and what is not positive, or not
// a number, is never kept.
func TestGroupMax(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	nan := float32(math.NaN())
	bias := []float32{0, 2, 2, -1, -2, 0, nan, 1, -1, nan, nan, nan}
	w := make([]float32, len(bias)) // [F,1]
	var s kernel.Support
	if err := kernel.NewSelector(pool).Select(&s, []float32{0, 0}, w, bias, 2, 1, len(bias), kernel.Rule{Kind: kernel.GroupMax, K: 4}); err != nil {
		t.Fatal(err)
	}
	if want := []int32{1, 7, 1, 7}; !slices.Equal(s.Index, want) || !slices.Equal(s.RowPtr, []int32{0, 2, 4}) {
		t.Errorf("latents %v in rows %v, want %v", s.Index, s.RowPtr, want)
	}
}

func TestThresholdUpdates(t *testing.T) {
	s := &sparseop.Support{B: 3, F: 9}
	s.Set([]int32{0, 2, 2, 5}, []int32{0, 1, 3, 4, 5}, []float32{4, 2, 1, 7, 3})
	if got := leastOf(s.Score()); got != 1 {
		t.Errorf("the smallest value of the batch is %v, want 1", got)
	}
	if got := leastOfRows(s, s.Score()); got != 1.5 {
		t.Errorf("the mean over rows that keep some is %v, want 1.5", got)
	}
	h := threshold{state: &sae.State{Data: []float64{-1}}, beta: 0.75, start: 2}
	for step, want := range []float64{-1, -1, -1, 4, 4.25, 4.6875} { // after values 1, 2, ...
		if h.update(step, float64(step+1)); h.state.Data[0] != want {
			t.Errorf("after step %d the threshold is %v, want %v", step, h.state.Data[0], want)
		}
	}
}
