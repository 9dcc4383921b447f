package data

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/saectl/saectl/internal/kernel"
)

// recoveredAbove is the cosine from which a true feature counts as found.
const recoveredAbove = 0.95

// RecoveryScore says how much of a true dictionary was learnt. MeanMaxCosine
// is the mean max cosine similarity of Sharkey, Braun and Millidge 2022,
// "Taking features out of superposition with sparse autoencoders".
type RecoveryScore struct {
	Features      int       // of the true dictionary
	Recovered     float64   // share of them with a learnt row of |cosine| above 0.95
	MeanMaxCosine float64   // mean over them of the largest |cosine| with a learnt row
	MaxCosine     []float64 // that cosine of each true feature
}

// recoveryRows is how many true features are compared at a time, with so many
// learnt ones.
const (
	recoveryRows   = 12
	recoveryLearnt = 256
)

// largestCosines sets dst to the largest |cosine| of each unit row of truth with
// a unit row of learnt.
func largestCosines(dst []float64, truth, learnt []float32, d int) {
	products := make([]float32, len(dst)*recoveryLearnt)
	for lo := 0; lo < len(learnt); lo += recoveryLearnt * d {
		w := learnt[lo:min(lo+recoveryLearnt*d, len(learnt))]
		n := len(w) / d
		kernel.DotBlock(products, n, truth, w, len(dst), n, d)
		for i := range dst {
			for _, c := range products[i*n : (i+1)*n] {
				dst[i] = min(1, max(dst[i], math.Abs(float64(c))))
			}
		}
	}
}

// Recovery compares the rows of learnt [F,D] with those of a true dictionary
// [F0,D]. Rows may have any norm; a row of zeros has cosine 0 with every other.
// It panics when a length is no multiple of d.
func Recovery(truth, learnt []float32, d int) RecoveryScore {
	if d <= 0 || len(truth)%d != 0 || len(learnt)%d != 0 {
		panic("data: Recovery of dictionaries that are not rows of d numbers")
	}
	truth, learnt = unitRows(truth, d), unitRows(learnt, d)
	s := RecoveryScore{Features: len(truth) / d, MaxCosine: make([]float64, len(truth)/d)}
	parallel((s.Features+recoveryRows-1)/recoveryRows, func(item int) {
		lo, hi := item*recoveryRows, min(s.Features, (item+1)*recoveryRows)
		largestCosines(s.MaxCosine[lo:hi], truth[lo*d:hi*d], learnt, d)
	})
	found := 0
	for _, c := range s.MaxCosine {
		s.MeanMaxCosine += c / float64(s.Features)
		if c > recoveredAbove {
			found++
		}
	}
	if s.Features > 0 {
		s.Recovered = float64(found) / float64(s.Features)
	}
	return s
}

// unitRows is a copy of x [F,D] with rows of norm 1; zero rows stay zero.
func unitRows(x []float32, d int) []float32 {
	x = append([]float32(nil), x...)
	for i := 0; i < len(x); i += d {
		normalise(x[i : i+d])
	}
	return x
}

// normalise brings x to norm 1 and returns the norm it had.
func normalise(x []float32) float64 {
	norm := math.Sqrt(kernel.SumSquares(x))
	if norm > 0 {
		kernel.Scale(x, float32(1/norm))
	}
	return norm
}

// parallel calls do for each i < n, on all processors. Calls must not depend
// on each other.
func parallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}
