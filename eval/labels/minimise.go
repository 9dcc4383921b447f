package labels

import "math"

// memorySteps is how many steps minimise remembers the curvature of.
const memorySteps = 20

// minimise moves x to the minimum of a smooth convex function by L-BFGS (Liu
// and Nocedal 1989) and returns its value there. f gives the value at x and
// sets the gradient g. It stops when no entry of the gradient is larger than
// goal, or no step makes progress.
func minimise(x []float64, goal float64, f func(x, g []float64) float64) float64 {
	n := len(x)
	g, next, nextG := make([]float64, n), make([]float64, n), make([]float64, n)
	var steps []curvature
	value := f(x, g)
	for iteration := 0; iteration < 3000 && largestEntry(g) > goal; iteration++ {
		d := direction(g, steps)
		slope := inner(g, d)
		if slope >= 0 {
			steps, d = nil, direction(g, nil)
			slope = inner(g, d)
		}
		t, accepted := 1.0, false
		if len(steps) == 0 {
			t = min(1, 1/math.Sqrt(inner(g, g)))
		}
		for range 50 {
			for i := range x {
				next[i] = x[i] + t*d[i]
			}
			trial := f(next, nextG)
			// Where rounding hides the fall of the value, the slope must fall.
			flat := trial <= value+1e-14*math.Abs(value) && math.Abs(inner(nextG, d)) < 0.9*math.Abs(slope)
			if trial <= value+1e-4*t*slope || flat {
				value, accepted = trial, true
				break
			}
			t /= 2
		}
		if !accepted {
			if len(steps) == 0 {
				break
			}
			steps = nil
			continue
		}
		steps = remember(steps, x, next, g, nextG)
		copy(x, next)
		g, nextG = nextG, g
	}
	return value
}

// curvature is a step s, the change y of the gradient over it, and 1/<s,y>.
type curvature struct {
	s, y    []float64
	inverse float64
}

func remember(steps []curvature, x, next, g, nextG []float64) []curvature {
	c := curvature{s: make([]float64, len(x)), y: make([]float64, len(x))}
	for i := range x {
		c.s[i], c.y[i] = next[i]-x[i], nextG[i]-g[i]
	}
	product := inner(c.s, c.y)
	if product <= 0 {
		return steps
	}
	c.inverse = 1 / product
	if steps = append(steps, c); len(steps) > memorySteps {
		steps = steps[1:]
	}
	return steps
}

// direction is minus the approximate inverse Hessian times g.
func direction(g []float64, steps []curvature) []float64 {
	d, a := make([]float64, len(g)), make([]float64, len(steps))
	for i, v := range g {
		d[i] = -v
	}
	for i := len(steps) - 1; i >= 0; i-- {
		c := steps[i]
		a[i] = c.inverse * inner(c.s, d)
		for j := range d {
			d[j] -= a[i] * c.y[j]
		}
	}
	if k := len(steps); k > 0 {
		last := steps[k-1]
		gain := 1 / (last.inverse * inner(last.y, last.y))
		for j := range d {
			d[j] *= gain
		}
	}
	for i, c := range steps {
		b := c.inverse * inner(c.y, d)
		for j := range d {
			d[j] += (a[i] - b) * c.s[j]
		}
	}
	return d
}

func largestEntry(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, v, -v)
	}
	return top
}

func inner(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
