// Command benchplot draws what scripts/bench_sizes.sh measured: ms a step
// against the number of latents and against k, an SVG file each.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/report"
)

// A run is a line of the input: what scripts/bench_peers.py --json prints.
type run struct {
	Size struct{ Batch, D, Latents, K int }
	MS   struct{ Step map[string][]float64 }
}

// An axis is what a picture is drawn against; all runs with the usual size of
// the other one are on it.
type axis struct {
	name, label string
	of, other   func(run) int
	fixed       int // of other
	title       string
}

func axes() []axis {
	latents, k := func(r run) int { return r.Size.Latents }, func(r run) int { return r.Size.K }
	return []axis{
		{"latents", "latents (F)", latents, k, 32, "A training step at k 32, by number of latents"},
		{"k", "k", k, latents, 6144, "A training step at 6,144 latents, by k"},
	}
}

func main() {
	in := flag.String("in", "", "file of runs, one a line")
	out := flag.String("out", "", "pictures are out-latents.svg and out-k.svg")
	flag.Parse()
	if err := draw(*in, *out); err != nil {
		fmt.Fprintf(os.Stderr, "benchplot: %v\n", err)
		os.Exit(1)
	}
}

func draw(in, out string) error {
	runs, err := read(in)
	if err != nil {
		return err
	}
	for _, a := range axes() {
		p := report.Picture{Title: a.title, X: a.label, Y: "ms, the fastest step of the run", Curves: curves(runs, a)}
		path := fmt.Sprintf("%s-%s.svg", out, a.name)
		if err := atomicfile.Write(path, p.WriteSVG); err != nil {
			return err
		}
	}
	return nil
}

func read(path string) (runs []run, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r run
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(runs)+1, err)
		}
		runs = append(runs, r)
	}
	return runs, lines.Err()
}

// curves has one for each trainer, saectl's first, the others by name.
func curves(runs []run, a axis) (list []report.Curve) {
	points := map[string][]report.Point{}
	for _, r := range runs {
		if a.other(r) != a.fixed {
			continue
		}
		for name, ms := range r.MS.Step {
			if len(ms) > 0 {
				points[name] = append(points[name], report.Point{X: float64(a.of(r)), Y: slices.Min(ms), Name: name})
			}
		}
	}
	names := slices.Sorted(maps.Keys(points))
	slices.SortStableFunc(names, func(x, y string) int { return rank(x) - rank(y) })
	for _, name := range names {
		slices.SortFunc(points[name], func(p, q report.Point) int { return cmp.Compare(p.X, q.X) })
		list = append(list, report.Curve{Name: name, Points: points[name]})
	}
	return list
}

func rank(name string) int {
	if name == "saectl" {
		return 0
	}
	return 1
}
