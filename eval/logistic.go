package eval

import (
	"math"
)

// A logistic is a logistic regression of two classes: the row is of the class
// when <W,row> + Bias > 0.
type logistic struct {
	W         []float64
	Bias      float64
	Objective float64
}

// fitLogistic minimises ½‖w‖² + C Σ log(1 + exp(-y(<w,f> + b))), y = ±1; the
// bias is not penalised and nothing is standardised, as scikit-learn's
// LogisticRegression with C. The optimum is exact, not where a tolerance of
// 1e-4 stops.
func fitLogistic(f *features, positive []bool, c float64) logistic {
	x := make([]float64, f.p+1) // w and the bias
	value := minimise(x, 1e-10, func(x, g []float64) float64 {
		clear(g)
		w, sum := x[:f.p], 0.0
		for j, v := range w {
			sum += v * v / 2
			g[j] = v
		}
		for i := range f.n {
			margin := f.dot(i, w, x[f.p])
			y := -1.0
			if positive[i] {
				y = 1
			}
			sum += c * softplus(-y*margin)
			slope := -c * y * sigmoid(-y*margin)
			index, value := f.row(i)
			for e, j := range index {
				g[j] += slope * float64(value[e])
			}
			g[f.p] += slope
		}
		return sum
	})
	return logistic{W: x[:f.p], Bias: x[f.p], Objective: value}
}

// scores are <W,row> + Bias of each row.
func (l logistic) scores(f *features) []float64 {
	out := make([]float64, f.n)
	for i := range out {
		out[i] = f.dot(i, l.W, l.Bias)
	}
	return out
}

// A softmax is a logistic regression of several classes.
type softmax struct {
	classes int
	w       []float64 // [classes,p+1], the bias last
}

// softmaxGoal is where the fit of many classes stops: no derivative of the mean
// loss is above it. It is scikit-learn's default.
const softmaxGoal = 1e-4

// fitSoftmax minimises ½Σ‖w_c‖² + C Σ -log softmax(<w_c,f> + b_c) of the right
// class, as scikit-learn's LogisticRegression for more than two classes.
func fitSoftmax(f *features, class []int, classes int, c float64) softmax {
	m := softmax{classes: classes, w: make([]float64, classes*(f.p+1))}
	p := make([]float64, classes)
	minimise(m.w, softmaxGoal*c*float64(f.n), func(x, g []float64) float64 {
		clear(g)
		sum, at := 0.0, softmax{classes: classes, w: x}
		for k := range classes {
			for j := range f.p {
				v := x[k*(f.p+1)+j]
				sum += v * v / 2
				g[k*(f.p+1)+j] = v
			}
		}
		for i := range f.n {
			sum -= c * at.logProbabilities(f, i, p)[class[i]]
			index, value := f.row(i)
			for k := range classes {
				slope := c * math.Exp(p[k])
				if k == class[i] {
					slope -= c
				}
				part := g[k*(f.p+1) : (k+1)*(f.p+1)]
				for e, j := range index {
					part[j] += slope * float64(value[e])
				}
				part[f.p] += slope
			}
		}
		return sum
	})
	return m
}

// logProbabilities sets dst to the logarithms of the probabilities of the
// classes for row i, and returns it.
func (m softmax) logProbabilities(f *features, i int, dst []float64) []float64 {
	top := math.Inf(-1)
	for k := range m.classes {
		part := m.w[k*(f.p+1) : (k+1)*(f.p+1)]
		dst[k] = f.dot(i, part[:f.p], part[f.p])
		top = max(top, dst[k])
	}
	sum := 0.0
	for _, v := range dst[:m.classes] {
		sum += math.Exp(v - top)
	}
	for k := range m.classes {
		dst[k] -= top + math.Log(sum)
	}
	return dst
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
