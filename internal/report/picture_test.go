package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// TestPictureIsXML wants the file to be well formed whatever the names and
// numbers are, with a mark for each point that has a place.
func TestPictureIsXML(t *testing.T) {
	p := Picture{Title: `a < "b" & c`, X: "<x>", Y: "y"}
	for i := range 10 {
		p.Curves = append(p.Curves, Curve{Name: strings.Repeat("&", i+1), Points: []Point{
			{X: float64(i) + 1, Y: 1e-4, Spread: 2e-4, Name: "<&>"}, {X: 30, Y: 0.25}, {X: 0, Y: 1}, {X: math.NaN(), Y: 1}, {X: 1, Y: math.Inf(1)},
		}})
	}
	for _, picture := range []Picture{p, {}, {Curves: []Curve{{Points: []Point{{X: 3, Y: 3}}}}}} {
		var out strings.Builder
		if err := picture.WriteSVG(&out); err != nil {
			t.Fatal(err)
		}
		marks, d := 0, xml.NewDecoder(strings.NewReader(out.String()))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("not well formed: %v", err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
				marks++
			}
		}
		if want := 2 * len(picture.Curves); len(picture.Curves) == 10 && marks != want {
			t.Errorf("%d marks, want %d", marks, want)
		}
		if s := out.String(); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Error("a coordinate is no number")
		}
	}
}

// TestLogScaleTicks wants a few ticks on the axis, whatever its span.
func TestLogScaleTicks(t *testing.T) {
	for _, values := range [][]float64{{1, 2}, {8, 512}, {1e-6, 0.9}, {5, 5}, {}} {
		s := newLogScale(values, 0, 100)
		if n := len(s.ticks()); n < 1 || n > 14 {
			t.Errorf("%v has %d ticks", values, n)
		}
		for _, v := range append(s.ticks(), values...) {
			if x := s.at(v); !(x >= 0 && x <= 100) {
				t.Errorf("%v: %v lies at %v", values, v, x)
			}
		}
	}
}
