package report

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
)

// A Picture is a plot with logarithmic axes, as an SVG file of its own.
type Picture struct {
	Title, X, Y string
	Curves      []Curve
}

// A Curve joins points in their order.
type Curve struct {
	Name   string
	Points []Point
}

// A Point with a coordinate that is not positive has no place on the axes and
// is left out. Spread is half the length of its error bar, 0 for none.
type Point struct {
	X, Y, Spread float64
	Name         string // shown when it is pointed at
}

// Sizes of a picture, in pixels.
const (
	pictureWidth, pictureHeight = 760, 460
	pictureLeft, pictureRight   = 76, 230 // the right margin holds the names
	pictureTop, pictureBottom   = 36, 52
)

// pictureColors tell curves apart, also for most who see colours otherwise
// (Okabe and Ito 2008); more curves than these change the dash.
func pictureColors() []string {
	return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}
}

// logScale maps [lo,hi] to pixels.
type logScale struct{ lo, hi, from, to float64 }

func (s logScale) at(v float64) float64 {
	return s.from + (s.to-s.from)*(math.Log(v)-math.Log(s.lo))/(math.Log(s.hi)-math.Log(s.lo))
}

// newLogScale leaves a little room at both ends.
func newLogScale(values []float64, from, to float64) logScale {
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if hi == 0 {
		lo, hi = 1, 10
	}
	room := math.Pow(max(hi/lo, 1.5), 0.06)
	return logScale{lo / room, hi * room, from, to}
}

// ticks are 1, 2 and 5 of each decade, or only powers of ten where those are
// many.
func (s logScale) ticks() (ticks []float64) {
	steps := []float64{1, 2, 5}
	if s.hi/s.lo > 3000 {
		steps = steps[:1]
	}
	for e := math.Floor(math.Log10(s.lo)); e <= math.Ceil(math.Log10(s.hi)); e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); v >= s.lo && v <= s.hi {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// WriteSVG writes the picture.
func (p Picture) WriteSVG(to io.Writer) error {
	w := bufio.NewWriter(to)
	var xs, ys []float64
	for _, c := range p.Curves {
		for _, q := range c.Points {
			xs, ys = append(xs, q.X), append(ys, q.Y)
		}
	}
	sx := newLogScale(xs, pictureLeft, pictureWidth-pictureRight)
	sy := newLogScale(ys, pictureHeight-pictureBottom, pictureTop)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, pictureHeight)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", pictureWidth, pictureHeight)
	fmt.Fprintf(w, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", pictureLeft, html.EscapeString(p.Title))
	p.writeAxes(w, sx, sy)
	for i, c := range p.Curves {
		writeCurve(w, i, c, sx, sy)
	}
	fmt.Fprintln(w, "</svg>")
	return w.Flush()
}

func (p Picture) writeAxes(w io.Writer, sx, sy logScale) {
	for _, v := range sx.ticks() {
		x := sx.at(v)
		fmt.Fprintf(w, `<path d="M%.1f %.1fV%.1f" stroke="#dddddd"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x, sy.from, sy.to, x, sy.from+16, tickText(v))
	}
	for _, v := range sy.ticks() {
		y := sy.at(v)
		fmt.Fprintf(w, `<path d="M%.1f %.1fH%.1f" stroke="#dddddd"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", sx.from, y, sx.to, sx.from-6, y+4, tickText(v))
	}
	fmt.Fprintf(w, `<path d="M%.1f %.1fV%.1fH%.1f" fill="none" stroke="#333333"/>`+"\n", sx.from, sy.to, sy.from, sx.to)
	fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", (sx.from+sx.to)/2, pictureHeight-12, html.EscapeString(p.X))
	fmt.Fprintf(w, `<text transform="translate(18 %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (sy.from+sy.to)/2, html.EscapeString(p.Y))
}

func tickText(v float64) string {
	if v >= 1e-3 && v < 1e6 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	return strconv.FormatFloat(v, 'e', 0, 64)
}

func writeCurve(w io.Writer, i int, c Curve, sx, sy logScale) {
	colors := pictureColors()
	color, dash := colors[i%len(colors)], ""
	if round := i / len(colors); round > 0 {
		dash = fmt.Sprintf(` stroke-dasharray="%d 3"`, 2*round+1)
	}
	path, marks := "", ""
	for _, q := range c.Points {
		if !(q.X > 0 && q.Y > 0) || math.IsInf(q.X*q.Y, 0) {
			continue
		}
		x, y, pen := sx.at(q.X), sy.at(q.Y), "L"
		if path == "" {
			pen = "M"
		}
		path += fmt.Sprintf("%s%.1f %.1f", pen, x, y)
		if lo := max(q.Y-q.Spread, sy.lo); q.Spread > 0 {
			marks += fmt.Sprintf(`<path d="M%.1f %.1fV%.1f" stroke="%s"/>`, x, sy.at(lo), sy.at(min(q.Y+q.Spread, sy.hi)), color)
		}
		marks += fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %.6g, %.6g</title></circle>`, x, y, color, html.EscapeString(q.Name), q.X, q.Y)
	}
	fmt.Fprintf(w, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"%s/>%s`+"\n", path, color, dash, marks)
	x, y := pictureWidth-pictureRight+14, pictureTop+12+18*i
	fmt.Fprintf(w, `<path d="M%d %dh18" stroke="%s" stroke-width="2"%s/><text x="%d" y="%d">%s</text>`+"\n", x, y-4, color, dash, x+24, y, html.EscapeString(c.Name))
}
