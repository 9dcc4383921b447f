package sae

import (
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/sparseop"
)

// TestDead counts two batches of 4 rows. Latent 0 always fires, latent 1 is
// kept with the value 0, latent 2 never, latent 3 in the second batch only, with
// values that sum to less than 0.
func TestDead(t *testing.T) {
	s := &sparseop.Support{B: 4, F: 4, Rows: 4}
	for _, c := range []struct {
		by    TrainSettings
		after int64
		since []int64
		dead  [2][]int32 // as each batch judges
	}{
		{TrainSettings{Fired: "value", DeadUnit: "rows", DeadMask: "after"}, 8, []int64{0, 8, 8, 0}, [2][]int32{{}, {1, 2}}},
		{TrainSettings{Fired: "index", DeadUnit: "rows", DeadMask: "after"}, 8, []int64{0, 0, 8, 0}, [2][]int32{{}, {2}}},
		{TrainSettings{Fired: "sum", DeadUnit: "rows", DeadMask: "after"}, 8, []int64{0, 8, 8, 8}, [2][]int32{{}, {1, 2, 3}}},
		{TrainSettings{Fired: "value", DeadUnit: "batches", DeadMask: "after"}, 1, []int64{0, 2, 2, 0}, [2][]int32{{1, 2, 3}, {1, 2}}},
		{TrainSettings{Fired: "value", DeadUnit: "rows", DeadMask: "before"}, 4, []int64{0, 8, 8, 0}, [2][]int32{{}, {1, 2, 3}}},
		{TrainSettings{Fired: "value", DeadUnit: "rows", DeadMask: "after"}, 0, []int64{0, 8, 8, 0}, [2][]int32{{}, {}}},
	} {
		d := &Dead{After: c.after, Since: make([]int64, 4), pending: make([]int64, 4), fired: make([]bool, 4), sum: make([]float64, 4), by: c.by}
		for i, index := range [][]int32{{0, 1}, {0, 1, 3, 3}} {
			n := int32(len(index))
			first := min(n, 3)
			s.Set([]int32{0, first, n, n, n}, index, make([]float32, n))
			values := []float64{1, 0, 1, -2}
			countDead(d, s, values)
			countDead(d, s, values) // a step that is run again counts once
			d.commit()
			if !slices.Equal(d.Latents(), c.dead[i]) {
				t.Errorf("%+v: batch %d: dead are %v, want %v", c.by, i, d.Latents(), c.dead[i])
			}
		}
		if !slices.Equal(d.Since, c.since) {
			t.Errorf("%+v: since last fired %v, want %v", c.by, d.Since, c.since)
		}
	}
}
