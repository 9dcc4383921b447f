package data

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
)

// planted is the default with some settings changed.
func planted(t testing.TB, change func(*Planted)) *Generator {
	t.Helper()
	p := DefaultPlanted()
	p.Rows, p.D, p.Latents, p.Active = 5000, 24, 60, 4
	change(&p)
	g, err := NewGenerator(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A row is its code times the dictionary, and noise of the share asked for.
func TestGeneratorRows(t *testing.T) {
	for _, coefficients := range []string{"uniform", "constant", "exponential", "half-normal"} {
		g := planted(t, func(p *Planted) { p.Coefficients, p.Noise = coefficients, 0.1 })
		var b activations.Batch
		var c Code
		var clean, noise, values, count float64
		s := NewSequential(g, activations.AllRows(g.Rows()), activations.DocPos|activations.Label, 512)
		for s.Next(&b) == nil {
			for i, row := range b.Row {
				if b.Doc[i] != row/128 || b.Pos[i] != int32(row%128) || b.Label != nil {
					t.Fatalf("row %d: document %d, position %d, labels %v", row, b.Doc[i], b.Pos[i], b.Label)
				}
				g.Codes(row, &c)
				if len(c.Feature) != 4 || len(c.Value) != 4 {
					t.Fatalf("row %d has %d features", row, len(c.Feature))
				}
				for j := range 24 {
					x := 0.0
					for e, f := range c.Feature {
						x += float64(c.Value[e]) * float64(g.Dictionary()[int(f)*24+j])
					}
					clean += x * x
					noise += (float64(b.X[i*24+j]) - x) * (float64(b.X[i*24+j]) - x)
				}
				for _, v := range c.Value {
					values, count = values+float64(v), count+1
					if v < 0 || coefficients == "uniform" && (v < 0.5 || v > 1.5) {
						t.Fatalf("%s coefficient %v", coefficients, v)
					}
				}
			}
		}
		if r := math.Sqrt(noise / clean); math.Abs(r-0.1) > 0.003 {
			t.Errorf("%s: noise is %g of the signal, want 0.1", coefficients, r)
		}
		if m := values / count; math.Abs(m-1) > 0.03 {
			t.Errorf("%s: mean coefficient %g, want 1", coefficients, m)
		}
	}
}

// frequencies counts in how many of the rows each feature is active.
func frequencies(t *testing.T, g *Generator) (per []float64, l0 float64) {
	t.Helper()
	per = make([]float64, g.p.Latents)
	var c Code
	for row := range g.Rows() {
		g.Codes(row, &c)
		sorted := slices.Clone(c.Feature)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(c.Feature) {
			t.Fatalf("row %d has a feature twice: %v", row, c.Feature)
		}
		for _, f := range c.Feature {
			per[f]++
		}
		l0 += float64(len(c.Feature))
	}
	for i := range per {
		per[i] /= float64(g.Rows())
	}
	return per, l0 / float64(g.Rows())
}

func TestGeneratorFrequencies(t *testing.T) {
	per, l0 := frequencies(t, planted(t, func(p *Planted) { p.Rows = 20000 }))
	for i, f := range per { // 4 of 60, standard error 0.0018
		if math.Abs(f-4.0/60) > 0.009 {
			t.Errorf("feature %d is active in a share of %g", i, f)
		}
	}
	if l0 != 4 {
		t.Errorf("L0 %g", l0)
	}
	_, l0 = frequencies(t, planted(t, func(p *Planted) { p.Counts, p.Rows = "uniform", 20000 }))
	if math.Abs(l0-4) > 0.06 {
		t.Errorf("L0 %g of uniform counts, want 4", l0)
	}
	// One feature a row: the power law itself.
	per, _ = frequencies(t, planted(t, func(p *Planted) { p.Active, p.Exponent, p.Rows = 1, 1.2, 50000 }))
	total := 0.0
	for i := range per {
		total += math.Pow(float64(i+1), -1.2)
	}
	for i, f := range per {
		want := math.Pow(float64(i+1), -1.2) / total
		if math.Abs(f-want) > 5*math.Sqrt(want/50000) {
			t.Errorf("feature %d is active in a share of %g, want %g", i, f, want)
		}
	}
}

// Two draws of four with weights 1, 1/2, 1/3, 1/4: the share of each feature
// among the pairs by the rule of drawing without putting back. Nearly all
// weight on one feature takes the scan in place of the alias table.
func TestUrnDrawsWithoutPuttingBack(t *testing.T) {
	for _, exponent := range []float64{1, 9} {
		g := planted(t, func(p *Planted) { p.Latents, p.Active, p.Exponent, p.Rows = 4, 2, exponent, 40000 })
		w, total := make([]float64, 4), 0.0
		for i := range w {
			w[i] = math.Pow(float64(i+1), -exponent)
			total += w[i]
		}
		per, _ := frequencies(t, g)
		for i := range w {
			want := w[i] / total
			for j := range w {
				if j != i {
					want += w[j] / total * w[i] / (total - w[j])
				}
			}
			if math.Abs(per[i]-want) > 5*math.Sqrt(want*(1-want)/40000)+1e-4 {
				t.Errorf("exponent %g: feature %d is active in a share of %g, want %g", exponent, i, per[i], want)
			}
		}
	}
}

func TestGeneratorHierarchy(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Children = 3 })
	children := 0
	var c Code
	for row := range g.Rows() {
		g.Codes(row, &c)
		if len(c.Feature) != 4 {
			t.Fatalf("row %d has %d features", row, len(c.Feature))
		}
		for _, f := range c.Feature {
			if up := g.p.parent(int(f)); up >= 0 {
				children++
				if !slices.Contains(c.Feature, int32(up)) {
					t.Fatalf("row %d: feature %d without its parent %d: %v", row, f, up, c.Feature)
				}
			}
		}
	}
	if share := float64(children) / float64(4*g.Rows()); share < 0.2 || share > 0.7 {
		t.Errorf("children are %g of the active features", share)
	}
}

func TestGeneratorGroups(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Groups, p.GroupShare, p.DocRows = 5, 0.6, 10 })
	var b activations.Batch
	var c Code
	own, topics := 0, map[int32]int{}
	s := NewSequential(g, activations.AllRows(g.Rows()), activations.DocPos|activations.Label, 10)
	for s.Next(&b) == nil {
		topics[b.Label[0]]++
		for i, row := range b.Row {
			if b.Label[i] != b.Label[0] || b.Doc[i] != row/10 {
				t.Fatalf("row %d of document %d has topic %d, the first row %d", row, b.Doc[i], b.Label[i], b.Label[0])
			}
			g.Codes(row, &c)
			for _, f := range c.Feature {
				if g.p.group(int(f)) == int(c.Topic) {
					own++
				}
			}
		}
	}
	if len(topics) != 5 || topics[0] < 60 { // 500 documents
		t.Errorf("documents by topic: %v", topics)
	}
	// 0.6 from the topic, and a fifth of the rest by chance, less what is taken.
	if share := float64(own) / float64(4*g.Rows()); math.Abs(share-0.68) > 0.02 {
		t.Errorf("a share of %g of the active features is of the row's topic", share)
	}
}

// A small topic runs out, and the rest comes from elsewhere.
func TestGeneratorExhaustedGroup(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Latents, p.Groups, p.GroupShare, p.Active = 12, 6, 1, 12 })
	if _, l0 := frequencies(t, g); l0 != 12 {
		t.Errorf("L0 %g, want 12", l0)
	}
}

// Rows do not depend on the batch they are read in, nor on the threads.
func TestGeneratorByNumber(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Groups, p.Children, p.Exponent, p.Counts = 3, 2, 1, "uniform" })
	var all, some activations.Batch
	rows := []int64{4999, 7, 7, 100, 0, 2500}
	if err := g.Read(&some, rows, activations.Label); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again, err := NewGenerator(g.p)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSequential(again, activations.AllRows(5000), activations.Label, 5000)
	if err := s.Next(&all); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if !slices.Equal(some.X[i*24:(i+1)*24], all.X[row*24:(row+1)*24]) || some.Label[i] != all.Label[row] {
			t.Errorf("row %d depends on how it is read", row)
		}
	}
	if err := g.Read(&some, []int64{5000}, 0); err == nil {
		t.Error("row 5000 of 5000 can be read")
	}
}

func TestPlantedValidate(t *testing.T) {
	if err := DefaultPlanted().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Planted){
		"must be 1 or more":                    func(p *Planted) { p.Rows = 0 },
		"at least 513 latents":                 func(p *Planted) { p.Active = 513 },
		"at least 599 latents":                 func(p *Planted) { p.Active, p.Counts = 300, "uniform" },
		"noise must":                           func(p *Planted) { p.Noise = math.NaN() },
		"below 1":                              func(p *Planted) { p.Coherence = 1 },
		"between 0 and 1":                      func(p *Planted) { p.GroupShare = 2 },
		"groups 513":                           func(p *Planted) { p.Groups = 513 },
		"needs children":                       func(p *Planted) { p.ParentCosine = 0.5 },
		"give one of them":                     func(p *Planted) { p.Coherence, p.MaxCoherence = 0.1, 0.5 },
		"at most 127 features":                 func(p *Planted) { p.Dictionary, p.Coherence, p.Latents = "orthogonal", 0.1, 128 },
		`dictionary is "x"`:                    func(p *Planted) { p.Dictionary = "x" },
		`coefficients is "x"`:                  func(p *Planted) { p.Coefficients = "x" },
		`counts is "x", want one of fixed`:     func(p *Planted) { p.Counts = "x" },
		"groups and children must be 0 or mor": func(p *Planted) { p.Children = -1 },
	} {
		p := DefaultPlanted()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func BenchmarkGenerator(b *testing.B) {
	p := DefaultPlanted()
	p.Rows = 1 << 20
	g, err := NewGenerator(p)
	if err != nil {
		b.Fatal(err)
	}
	s := NewSequential(g, activations.AllRows(p.Rows), 0, 4096)
	var batch activations.Batch
	for range b.N {
		s.at = 0
		if err := s.Next(&batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*4096/b.Elapsed().Seconds(), "rows/s")
}
