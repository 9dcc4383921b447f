package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// hostile are tokens that have broken pages: ends of elements, quotes, code,
// addresses, control characters, characters that cannot be seen or that turn
// the direction of text round, half of a character.
func hostile() []string {
	return []string{
		"</script><script>window.broken=1</script>", "<!--", "<img src=x onerror=window.broken=2>", `"'` + "`", "${window.broken=3}",
		"<a href=\"https://example.com/\">", "{{.Title}}", "\x00\x07\x1b[2J", "\n\r\t", "\u202eback\u202c", "\u200b", "\u2028\u2029", "\xff\xfe", "\\u003c", "]]>",
		"é̂", "مرحبا", "日本", "👩‍👩‍👧", " ", "",
	}
}

// samplePage has n latents with figures and contexts drawn at random, the same
// each time. Latent 7 never fires; latent 11 is the one that has the token
// "needle" on top; the last one has only hostile tokens.
func samplePage(n int) *Page {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the of and to in that is was for it with as his on be at by had not are but from or have an they which one you were her all she there would their we him been has when who will more no if out so said what up its about into than them can only other new some could time these two may then do first any my now such like our over man me even most made after also did many before must through")
	p := &Page{Title: "Latents of <b>\"run\"</b> & more", Order: "By <order>.", Warnings: []string{"a warning </script> of 3 rows"}, Runs: []Run{sampleRun(rnd, "first", n)}}
	for i := range n {
		p.Features = append(p.Features, sampleFeature(rnd, words, i, n))
	}
	return p
}

func sampleRun(rnd *rand.Rand, name string, n int) Run {
	r := Run{
		Name: name, Variant: "topk", F: n, Facts: []Fact{{"dump", "a <dump> & \"more\""}, {"rows", "20,000"}},
		Metrics: []Metric{
			{Name: "fvu", Family: "reconstruction", Value: 0.1 + rnd.Float64()/10, Rows: 20000, Definition: "Σ‖x - x̂‖² / Σ‖x - mean‖²"},
			{Name: "l0", Family: "sparsity", Value: 16 + rnd.Float64(), Unit: "latents", Rows: 20000, Definition: "mean number of values that are not zero"},
			{Name: "cosine", Family: "reconstruction", Value: math.NaN(), Definition: "not defined here"},
		},
		Series: map[string]Series{
			"l0_histogram": {Definition: "rows by L0", X: []float64{15, 16, 17, 18}, Y: []float64{100, 19000, 900}},
			"babel":        {Definition: "sums of cosines", X: []float64{1, 2, 4, 8}, Y: []float64{0.5, 0.9, 1.6, 2.8}},
			"odd":          {Definition: "a series nobody has heard of", X: []float64{0, 1, 2}, Y: []float64{3, 1, 2}},
		},
	}
	frequency, largest, nearest, link, fired := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		fired[i] = min(20000, math.Ceil(math.Exp(rnd.NormFloat64()*1.5+5)))
		if i == 7 {
			fired[i] = 0
		}
		frequency[i], largest[i], nearest[i], link[i] = fired[i]/20000, fired[i]*rnd.Float64(), 2*rnd.Float64()-1, float64(rnd.IntN(n))
	}
	r.Table.Columns = []Column{
		{Key: "frequency", Title: "density", Help: "Share of rows", Kind: Share, Plot: true, Values: frequency},
		{Key: "fired", Title: "rows", Help: "Rows", Kind: Count, Values: fired},
		{Key: "max", Title: "largest activation", Help: "Largest", Kind: Size, Plot: true, Values: largest},
		{Key: "nearest_cosine", Title: "nearest cosine", Help: "Cosine", Kind: Number, Plot: true, Values: nearest},
		{Key: "nearest", Title: "nearest", Help: "Latent", Kind: Latent, Values: link},
	}
	r.ZF = &ZF{}
	for range 300 {
		z := math.Exp(rnd.NormFloat64() / 4)
		r.ZF.Z, r.ZF.F = append(r.ZF.Z, z), append(r.ZF.F, z*(0.8+rnd.Float64()/5))
	}
	return r
}

func sampleFeature(rnd *rand.Rand, words []string, i, n int) Feature {
	f := Feature{Latent: i, Sampled: 40}
	if i == 7 {
		return Feature{Latent: 7}
	}
	for k := range 10 {
		f.Top = append(f.Top, sampleExample(rnd, words, i, n, 10-k))
	}
	for k := range 4 {
		f.Bins = append(f.Bins, Bin{Low: float64(3 - k), High: float64(4 - k), Example: sampleExample(rnd, words, i, n, 4-k)})
	}
	for _, q := range []float64{0, 0.25, 0.5, 0.75, 0.9, 0.99, 1} {
		f.Quantiles = append(f.Quantiles, Quantile{q, 10 * q})
	}
	f.Histogram.High = 10
	for range 24 {
		f.Histogram.Shares = append(f.Histogram.Shares, 1./24)
	}
	for k := range 5 {
		f.Nearest = append(f.Nearest, Link{Latent: rnd.IntN(n), Value: 0.9 - 0.1*float64(k)})
		f.Partners = append(f.Partners, Link{Latent: rnd.IntN(n), Value: 0.5 - 0.1*float64(k), Also: 0.1})
	}
	return f
}

func sampleExample(rnd *rand.Rand, words []string, i, n, size int) Example {
	doc, pos := int64(rnd.IntN(500)), int32(rnd.IntN(200))
	e := Example{Row: int64(rnd.IntN(1 << 30)), Doc: &doc, Pos: &pos, Value: float32(size) + rnd.Float32()/2, At: 12}
	for k := range 20 {
		token, value := " "+words[rnd.IntN(len(words))], float32(0)
		if k == 12 {
			value = e.Value
		} else if rnd.IntN(12) == 0 {
			value = rnd.Float32() * e.Value
		}
		e.Tokens, e.Values = append(e.Tokens, token), append(e.Values, value)
	}
	switch {
	case i == 11 && size == 10:
		e.Tokens[12] = " Needle"
	case i == 13 && size == 2:
		e.Tokens[3] = " haystack"
	case i == n-1:
		e.Label = "label <&>"
		e.Tokens = append([]string{}, hostile()...)
		e.Values, e.At = make([]float32, len(e.Tokens)), size%len(e.Tokens)
		e.Values[0], e.Values[e.At] = -1, e.Value
	default:
		e.Tokens[12] = " " + fmt.Sprint(words[i%len(words)])
	}
	return e
}
