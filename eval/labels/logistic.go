package labels

import (
	"math"
	"slices"
)

// A Logistic is a logistic regression of two classes: the row is of the class
// when <W,row> + Bias > 0.
type Logistic struct {
	W         []float64
	Bias      float64
	Objective float64
}

// FitLogistic minimises ½‖w‖² + C Σ log(1 + exp(-y(<w,f> + b))), y = ±1; the
// bias is not penalised and nothing is standardised, as scikit-learn's
// LogisticRegression with C. The optimum is exact, not where a tolerance of
// 1e-4 stops.
func FitLogistic(f *Features, positive []bool, c float64) Logistic {
	x := make([]float64, f.P+1) // w and the bias
	value := minimise(x, 1e-10, func(x, g []float64) float64 {
		clear(g)
		w, sum := x[:f.P], 0.0
		for j, v := range w {
			sum += v * v / 2
			g[j] = v
		}
		for i := range f.N {
			margin := f.dot(i, w, x[f.P])
			y := -1.0
			if positive[i] {
				y = 1
			}
			sum += c * softplus(-y*margin)
			slope := -c * y * sigmoid(-y*margin)
			index, value := f.Row(i)
			for e, j := range index {
				g[j] += slope * float64(value[e])
			}
			g[f.P] += slope
		}
		return sum
	})
	return Logistic{W: x[:f.P], Bias: x[f.P], Objective: value}
}

// Scores are <W,row> + Bias of each row.
func (l Logistic) Scores(f *Features) []float64 {
	out := make([]float64, f.N)
	for i := range out {
		out[i] = f.dot(i, l.W, l.Bias)
	}
	return out
}

// A Softmax is a logistic regression of several classes.
type Softmax struct {
	Classes int
	w       []float64 // [Classes,P+1], the bias last
}

// softmaxGoal is where the fit of many classes stops: no derivative of the mean
// loss is above it. scikit-learn's default of 1e-4, or of 100 steps, stops
// earlier, where a row near a border may still fall on either side.
const softmaxGoal = 1e-5

// FitSoftmax minimises ½Σ‖w_c‖² + C Σ -log softmax(<w_c,f> + b_c) of the right
// class, as scikit-learn's LogisticRegression for more than two classes.
func FitSoftmax(f *Features, class []int, classes int, c float64) Softmax {
	m := Softmax{Classes: classes, w: make([]float64, classes*(f.P+1))}
	p := make([]float64, classes)
	minimise(m.w, softmaxGoal*c*float64(f.N), func(x, g []float64) float64 {
		clear(g)
		sum, at := 0.0, Softmax{Classes: classes, w: x}
		for k := range classes {
			for j := range f.P {
				v := x[k*(f.P+1)+j]
				sum += v * v / 2
				g[k*(f.P+1)+j] = v
			}
		}
		for i := range f.N {
			sum -= c * at.logProbabilities(f, i, p)[class[i]]
			index, value := f.Row(i)
			for k := range classes {
				slope := c * math.Exp(p[k])
				if k == class[i] {
					slope -= c
				}
				part := g[k*(f.P+1) : (k+1)*(f.P+1)]
				for e, j := range index {
					part[j] += slope * float64(value[e])
				}
				part[f.P] += slope
			}
		}
		return sum
	})
	return m
}

// Logits sets dst to the logits of the classes for row i, and returns it.
func (m Softmax) Logits(f *Features, i int, dst []float64) []float64 {
	for k := range m.Classes {
		part := m.w[k*(f.P+1) : (k+1)*(f.P+1)]
		dst[k] = f.dot(i, part[:f.P], part[f.P])
	}
	return dst
}

// logProbabilities sets dst to the logarithms of the probabilities of the
// classes for row i, and returns it.
func (m Softmax) logProbabilities(f *Features, i int, dst []float64) []float64 {
	m.Logits(f, i, dst)
	sum := logSumExp(dst[:m.Classes])
	for k := range m.Classes {
		dst[k] -= sum
	}
	return dst
}

// logSumExp is log Σ exp(x).
func logSumExp(x []float64) float64 {
	top, sum := slices.Max(x), 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// Class is the most probable class of row i.
func (m Softmax) Class(f *Features, i int) int {
	return argmax(m.Logits(f, i, make([]float64, m.Classes)))
}

// argmax is the place of the largest, the first of equals.
func argmax(x []float64) int {
	best := 0
	for k, v := range x {
		if v > x[best] {
			best = k
		}
	}
	return best
}

// Accuracy is the share of rows whose most probable class is the right one.
func (m Softmax) Accuracy(f *Features, class []int) float64 {
	right := 0.0
	for i := range f.N {
		if m.Class(f, i) == class[i] {
			right++
		}
	}
	return right / float64(f.N)
}

// softplus is log(1 + exp(x)).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}
