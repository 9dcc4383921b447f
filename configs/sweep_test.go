package configs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func sweepNames(points []Point) (names []string) {
	for _, p := range points {
		name := p.Settings.Variant
		for _, v := range p.Values {
			name += fmt.Sprintf(" %s=%s", v.Key, v.Text)
		}
		names = append(names, name)
	}
	return names
}

// TestSweep lists the points of grids in files and on the command line.
func TestSweep(t *testing.T) {
	const file = "variant: [topk, noisy]\nseed: [4, 5]\ntopk: {k: [8, 16], aux_k: 0}\nnoisy: {sigma: 0.25}\n"
	tests := []struct {
		file string
		set  []string
		grid []string
		want []string
	}{
		{want: []string{"topk"}},
		{grid: []string{"topk.k=1,2", "seed=7,8"}, want: []string{
			"topk topk.k=1 seed=7", "topk topk.k=1 seed=8", "topk topk.k=2 seed=7", "topk topk.k=2 seed=8"}},
		{file: file, want: []string{ // a key of topk counts for topk alone
			"topk variant=topk seed=4 topk.k=8", "topk variant=topk seed=4 topk.k=16",
			"topk variant=topk seed=5 topk.k=8", "topk variant=topk seed=5 topk.k=16",
			"noisy variant=noisy seed=4", "noisy variant=noisy seed=5"}},
		{file: file, set: []string{"seed=1", "variant=topk"}, want: []string{"topk topk.k=8", "topk topk.k=16"}},
		{file: file, grid: []string{"seed=1", "variant=noisy"}, want: []string{"noisy seed=1 variant=noisy"}},
		{grid: []string{"topk.inference=[rank,threshold]"}, want: []string{"topk topk.inference=rank", "topk topk.inference=threshold"}},
		{grid: []string{"optimizer.lr=1e-3,0.001"}, want: []string{"topk optimizer.lr=0.001"}},
	}
	for _, x := range tests {
		l := Layers{Set: x.set}
		if x.file != "" {
			inFolder(t, x.file)
			l.File = "run.yaml"
		}
		points, err := Sweep(l, x.grid, registry())
		if err != nil {
			t.Errorf("%v: %v", x, err)
		} else if got := sweepNames(points); !slices.Equal(got, x.want) {
			t.Errorf("%q set %v grid %v gives\n%s\nwant\n%s", x.file, x.set, x.grid, strings.Join(got, "\n"), strings.Join(x.want, "\n"))
		}
	}
}

// TestSweepSettings wants each point to have its values and what stands beside.
func TestSweepSettings(t *testing.T) {
	inFolder(t, "variant: noisy\nnoisy:\n  sigma: [0.25, 0.75]\ntrain: {batch: 64}\n")
	points, err := Sweep(Layers{File: "run.yaml", Set: []string{"noisy.k=9"}}, nil, registry())
	if err != nil || len(points) != 2 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	for i, want := range []float64{0.25, 0.75} {
		c := points[i].Settings
		if n := c.Section.(*noisy); n.Sigma != want || n.K != 9 || c.Train.Batch != 64 {
			t.Errorf("point %d: sigma %v, k %d, batch %d", i, n.Sigma, n.K, c.Train.Batch)
		}
	}
}

// TestSweepRefusals wants a mistake named with its place.
func TestSweepRefusals(t *testing.T) {
	inFolder(t, "variant: noisy\nnoisy:\n  sigma: [0.25, 7]\n  k: 1\nseed: []\n")
	for _, x := range []struct{ grid, set, file, want string }{
		{grid: "topk.k", want: "key=value,value"},
		{grid: "topk.k=1,,2", want: "empty value"},
		{grid: "topk.k=0,1", want: "topk.k is 0"},
		{grid: "topk.kk=1", want: "nearest valid name is topk.k"},
		{grid: "noisy.k=1,2", want: "this run's variant is topk"},
		{grid: "out=a,b", want: "out cannot be swept"},
		{grid: "topk.inference=[rank", want: "is no list"},
		{grid: "topk.k=1,2", set: "topk.k=3", want: "given by --set too"},
		{file: "run.yaml", want: "seed has no values"},
		{file: "run.yaml", set: "seed=1", want: "run.yaml:3: noisy.sigma is 7"},
	} {
		l := Layers{File: x.file}
		var grid []string
		if x.set != "" {
			l.Set = []string{x.set}
		}
		if x.grid != "" {
			grid = []string{x.grid}
		}
		if _, err := Sweep(l, grid, registry()); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v", x, err)
		}
	}
	big := "seed=0" + strings.Repeat(",1", 200)
	if _, err := Sweep(Layers{}, []string{big, strings.Replace(big, "seed", "topk.k", 1)}, registry()); err == nil || !strings.Contains(err.Error(), "over 10000 points") {
		t.Errorf("a grid of 40,000 points: %v", err)
	}
}
