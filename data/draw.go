package data

import "math"

// draws are the random numbers of one row, in turn.
type draws struct{ key, row, i uint64 }

// uniform is the next number in [0,1).
func (d *draws) uniform() float64 {
	d.i++
	return Uniform(d.key, d.row, d.i-1)
}

// normal is the next standard normal deviate (Box and Muller 1958).
func (d *draws) normal() float64 {
	r := math.Sqrt(-2 * math.Log(1-d.uniform()))
	return r * math.Cos(2*math.Pi*d.uniform())
}

// An urn holds features that are drawn by weight.
type urn struct {
	feature []int32
	weight  []float64
	// Walker's alias table (Walker 1977; Vose 1991): slot i stands for feature i
	// with probability keep[i] and for feature alias[i] otherwise.
	keep  []float64
	alias []int32
}

func (u *urn) add(feature int, weight float64) {
	u.feature, u.weight = append(u.feature, int32(feature)), append(u.weight, weight)
}

// seal builds the alias table.
func (u *urn) seal() {
	n, total := len(u.weight), 0.0
	for _, w := range u.weight {
		total += w
	}
	u.keep, u.alias = make([]float64, n), make([]int32, n)
	var small, large []int32
	for i, w := range u.weight {
		u.keep[i], u.alias[i] = w/total*float64(n), int32(i)
		if u.keep[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		u.alias[s] = l
		u.keep[l] -= 1 - u.keep[s]
		if u.keep[l] < 1 {
			small, large = append(small, l), large[:len(large)-1]
		}
	}
	for _, i := range append(small, large...) {
		u.keep[i] = 1 // 1 but for rounding
	}
}

// rejections is how often an active feature may come up before the weights
// of the others are added up.
const rejections = 8

// draw takes a feature that is not active by its share of the weight of those,
// or -1 when all are.
func (u *urn) draw(d *draws, active []bool) int32 {
	for range rejections {
		x := d.uniform() * float64(len(u.keep))
		slot := min(int32(x), int32(len(u.keep)-1))
		if x-float64(slot) >= u.keep[slot] {
			slot = u.alias[slot]
		}
		if f := u.feature[slot]; !active[f] {
			return f
		}
	}
	return u.scan(d.uniform(), active)
}

// scan inverts the distribution over what is not active.
func (u *urn) scan(x float64, active []bool) int32 {
	total, last := 0.0, int32(-1)
	for i, f := range u.feature {
		if !active[f] {
			total += u.weight[i]
		}
	}
	x *= total
	for i, f := range u.feature {
		if active[f] {
			continue
		}
		last = f
		if x -= u.weight[i]; x < 0 {
			break
		}
	}
	return last
}
