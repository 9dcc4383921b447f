package report

import (
	"cmp"
	"math"
	"slices"
)

// points is what is known of the points of a ZF plot beside their place.
type points struct {
	Recon numbers  `json:"recon,omitempty"`
	Error numbers  `json:"error,omitempty"`
	Row   []int64  `json:"row,omitempty"`
	Text  []string `json:"text,omitempty"`
}

// zfCharts are the ZF plot and the violins of the Top-AFA paper (arXiv
// 2503.24277) over the runs that have such rows.
func zfCharts(runs []Run) []chart {
	plot := chart{ID: "zf", Title: "ZF plot", Kind: "zf", X: axis{Label: "‖z‖, norm of the row"}, Y: axis{Label: "‖f̃‖, norm of its code"},
		Help: "A point a row, drawn at random. In theory the two norms agree (dashed line) as far as the decoder's rows are orthogonal: points above are over-activated, below under-activated; in the band of e, ε_LBO is at most e/(F-1)."}
	for i, r := range runs {
		if r.ZF == nil || len(r.ZF.Z) == 0 {
			continue
		}
		z := r.ZF
		plot.Lines = append(plot.Lines, line{Run: i, X: z.Z, Y: z.F, Points: &points{Recon: z.Recon, Error: z.Error, Row: z.Row, Text: z.Text}})
	}
	if len(plot.Lines) == 0 {
		return nil
	}
	return []chart{plot, {ID: "violin", Title: "Spread of ε_LBO", Kind: "violin", Violins: violins(runs),
		Help: "How ε_LBO, and beside it the normalised error ‖z - ẑ‖²/‖z‖² where it is known, spread over the rows of each run. Both are clipped at their 99 % quantile over all runs. The dot is the median, the bar reaches from quartile to quartile."}}
}

// violin holds the two halves for each run, on an axis each.
type violin struct {
	Left  *violinSide `json:"left"` // NMSE, or nil
	Right *violinSide `json:"right"`
}

// violinSide is one measure over all runs.
type violinSide struct {
	Label  string       `json:"label"`
	Clip   number       `json:"clip"`
	Shapes []violinHalf `json:"shapes"`
	Best   int          `json:"best"`  // run of lowest median, -1 when there is one run
	Worst  int          `json:"worst"` // run of highest median, likewise
}

// violinHalf is the distribution of a measure on the rows of one run.
type violinHalf struct {
	Run     int     `json:"run"`
	At      numbers `json:"at"`      // [violinSteps] values
	Density numbers `json:"density"` // [violinSteps], the largest is 1
	Q25     number  `json:"q25"`
	Median  number  `json:"median"`
	Q75     number  `json:"q75"`
}

// violinSteps is in how many places a density is drawn.
const violinSteps = 64

func violins(runs []Run) *violin {
	v := &violin{Right: newViolinSide("ε_LBO", runs, epsLBO)}
	v.Left = newViolinSide("NMSE", runs, nmse)
	return v
}

// epsLBO is |‖z‖² - ‖f̃‖²| / ((F-1)‖f̃‖²) of each row.
func epsLBO(r Run) []float64 {
	out := make([]float64, len(r.ZF.Z))
	for i, z := range r.ZF.Z {
		f := r.ZF.F[i] * r.ZF.F[i]
		out[i] = math.Abs(z*z-f) / (float64(r.F-1) * f)
	}
	return out
}

// nmse is ‖z - ẑ‖² / ‖z‖² of each row that is not zero.
func nmse(r Run) (out []float64) {
	for i, e := range r.ZF.Error {
		if z := r.ZF.Z[i]; z > 0 {
			out = append(out, e/(z*z))
		}
	}
	return out
}

// newViolinSide is nil when no run has the measure.
func newViolinSide(label string, runs []Run, measure func(Run) []float64) *violinSide {
	s := &violinSide{Label: label, Best: -1, Worst: -1}
	var all []float64
	of := map[int][]float64{}
	for i, r := range runs {
		if r.ZF != nil {
			if values := finite(measure(r)); len(values) > 0 {
				of[i], all = values, append(all, values...)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	clip := quantile(all, 0.99)
	s.Clip = number(clip)
	for i := range runs {
		if values := of[i]; values != nil {
			s.Shapes = append(s.Shapes, newViolinHalf(i, values, clip))
		}
	}
	if len(s.Shapes) > 1 {
		byMedian := func(a, b violinHalf) int { return cmp.Compare(a.Median, b.Median) }
		s.Best, s.Worst = slices.MinFunc(s.Shapes, byMedian).Run, slices.MaxFunc(s.Shapes, byMedian).Run
	}
	return s
}

func finite(values []float64) []float64 {
	return slices.DeleteFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// newViolinHalf clips values, in any order, and smooths them by a Gaussian of
// Silverman's width.
func newViolinHalf(run int, values []float64, clip float64) violinHalf {
	sum, squares := 0.0, 0.0
	for i := range values {
		values[i] = min(values[i], clip)
		sum += values[i]
	}
	slices.Sort(values)
	n := float64(len(values))
	for _, v := range values {
		squares += (v - sum/n) * (v - sum/n)
	}
	h := violinHalf{Run: run, Q25: number(quantile(values, 0.25)), Median: number(quantile(values, 0.5)), Q75: number(quantile(values, 0.75))}
	spread := math.Sqrt(squares / n)
	if q := float64(h.Q75-h.Q25) / 1.34; q > 0 {
		spread = min(spread, q)
	}
	lo, hi := values[0], values[len(values)-1]
	width := max(0.9*spread*math.Pow(n, -0.2), 1e-3*(hi-lo), 1e-300)
	top := 0.0
	for s := range violinSteps {
		at, d := lo+(hi-lo)*float64(s)/(violinSteps-1), 0.0
		for _, v := range values {
			d += math.Exp(-0.5 * (at - v) * (at - v) / (width * width))
		}
		h.At, h.Density, top = append(h.At, at), append(h.Density, d), max(top, d)
	}
	for i := range h.Density {
		h.Density[i] /= max(top, 1e-300)
	}
	return h
}

// quantile of ascending values, linear between neighbours.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[lo] + (at-float64(lo))*(sorted[lo+1]-sorted[lo])
}
