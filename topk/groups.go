package topk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// groupEnds reads the shares of F latents that groups have, each a fraction
// such as 1/16 or a number, rounded down to whole latents, and lists the first
// latents beyond each group. The last group is what the others leave.
func groupEnds(shares string, latents int) (ends []int, err error) {
	at := 0
	for one := range strings.SplitSeq(shares, ",") {
		n, err := shareOf(strings.TrimSpace(one), latents)
		if err != nil {
			return nil, err
		}
		if n < 1 {
			return nil, fmt.Errorf("the share %s of %d latents is no latent; give a larger share, or more sae.latents", one, latents)
		}
		if at += n; at >= latents {
			return nil, fmt.Errorf("%s leaves no latent of %d for the last group; name all groups but the last", shares, latents)
		}
		ends = append(ends, at)
	}
	return append(ends, latents), nil
}

// shareOf is a share of n, rounded down.
func shareOf(s string, n int) (int, error) {
	if num, den, ok := strings.Cut(s, "/"); ok {
		a, errA := strconv.Atoi(num)
		b, errB := strconv.Atoi(den)
		if errA != nil || errB != nil || a < 1 || b < a || b > math.MaxInt32 {
			return 0, fmt.Errorf("%q is no share; want one like 1/16 or 0.25", s)
		}
		return a * n / b, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v < 1) {
		return 0, fmt.Errorf("%q is no share; want one like 1/16 or 0.25", s)
	}
	return int(v * float64(n)), nil
}

// groupWeights reads the weight of each group's error, 1/groups for none.
func groupWeights(list string, groups int) (weights []float64, err error) {
	if list == "" {
		for range groups {
			weights = append(weights, 1/float64(groups))
		}
		return weights, nil
	}
	for one := range strings.SplitSeq(list, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(one), 64)
		if err != nil || !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("%q is no weight; want a number of at least 0", one)
		}
		weights = append(weights, w)
	}
	if len(weights) != groups {
		return nil, fmt.Errorf("%d weights for %d groups; the last group, which matryoshka.groups does not name, has one too", len(weights), groups)
	}
	return weights, nil
}
