package sae

import (
	"fmt"
	"math"
)

// decoderBias is the start of a decoder bias from the first batch x [N,D]:
// its mean, its geometric median, or zero.
func decoderBias(kind string, x []float32, d int) ([]float32, error) {
	switch kind {
	case "zero":
		return make([]float32, d), nil
	case "mean":
		return narrow(columnMeans(x, d)), nil
	case "geometric-median":
		return narrow(geometricMedian(x, d)), nil
	}
	return nil, fmt.Errorf("sae: decoder_bias %q is not mean, zero or geometric-median", kind)
}

func columnMeans(x []float32, d int) []float64 {
	mean := make([]float64, d)
	for i := 0; i < len(x); i += d {
		for j, v := range x[i : i+d] {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(len(x) / d)
	}
	return mean
}

// geometricMedian is Weiszfeld's iteration from the mean: at most 100 rounds,
// until a move is shorter than 1e-5, as dictionary_learning 0.1.0 does.
func geometricMedian(x []float32, d int) []float64 {
	guess := columnMeans(x, d)
	for range 100 {
		next := weiszfeld(x, guess)
		moved := distance(next, guess)
		guess = next
		if moved < 1e-5 {
			break
		}
	}
	return guess
}

// weiszfeld is one round. A row that equals the guess has no weight of its
// own; when all do, the guess stays.
func weiszfeld(x []float32, guess []float64) []float64 {
	d, total := len(guess), 0.0
	next := make([]float64, d)
	for i := 0; i < len(x); i += d {
		row := x[i : i+d]
		s := 0.0
		for j, v := range row {
			e := float64(v) - guess[j]
			s += e * e
		}
		if s == 0 {
			continue
		}
		w := 1 / math.Sqrt(s)
		total += w
		for j, v := range row {
			next[j] += w * float64(v)
		}
	}
	if total == 0 {
		return guess
	}
	for j := range next {
		next[j] /= total
	}
	return next
}

func distance(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(s)
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}
