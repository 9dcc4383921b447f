package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/saetest"
)

const tolerance = 1e-5

func TestGoldenAttention(t *testing.T) {
	saetest.Golden(t, "attention", func(t *testing.T, c *saetest.Case) {
		if len(c.Names()) == 0 {
			handCase(t, c)
			return
		}
		g := openCase(t, c)
		g.attributions()
		g.weights()
		g.residual()
		g.rest()
		c.Used(t)
	})
}

// golden is a case with what its tests share.
type golden struct {
	t     *testing.T
	c     *saetest.Case
	l     Layout
	f     int
	q     Sequence
	about struct {
		H, EditedLatent      int     `json:"-"`
		KV                   int     `json:"H_kv"`
		Edited               int     `json:"edited_latent"`
		MeanRowSquaredError  float64 `json:"mean_row_squared_error"`
		ExplainedVariance    float64 `json:"explained_variance"`
		L0                   float64 `json:"l0"`
		IdentityMaxAbsError  float64 `json:"identity_max_abs_error"`
		FirstLatentAtTheLast struct {
			BySource []float64 `json:"dfa_by_source"`
			ByHead   []float64 `json:"dfa_by_head"`
			Const    float64
			Pre      float64
		} `json:"first_latent_last_position"`
	}
}

func openCase(t *testing.T, c *saetest.Case) *golden {
	g := &golden{t: t, c: c}
	c.JSON(&g.about)
	pattern := c.Shape("pattern")
	l, err := NewLayout(c.Shape("z")[1], pattern[0], g.about.KV)
	if err != nil {
		t.Fatal(err)
	}
	g.l, g.f = l, c.Shape("W_enc")[0]
	g.q = Sequence{S: pattern[1], Pattern: c.Floats("pattern"), V: c.Floats("v")}
	if err := l.check(g.q); err != nil {
		t.Fatal(err)
	}
	return g
}

// same compares numbers with the stored tensor of a name.
func (g *golden) same(name string, got []float64) {
	g.t.Helper()
	want := g.c.Floats(name)
	if len(want) != len(got) {
		g.t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if math.Abs(got[i]-float64(w)) > tolerance*max(1, math.Abs(float64(w))) {
			g.t.Fatalf("%s[%d] is %v, want %v", name, i, got[i], w)
		}
	}
}

func (g *golden) row(name string, i int) []float32 {
	w := g.c.Floats(name)
	d := g.c.Shape(name)[1]
	return w[i*d : (i+1)*d]
}

func (g *golden) attributions() {
	constants := Constants(g.c.Floats("W_enc"), g.c.Floats("b_enc"), g.c.Floats("b_dec"), g.f)
	g.same("const", constants)
	g.same("b_V_part", g.l.ValueBias(g.c.Floats("W_enc"), g.c.Floats("b_V"), g.f))
	var z, pre, table, head, source, best []float64
	for t := range g.q.S {
		z = append(z, g.l.Z(g.q, t)...)
		for j := range g.f {
			pre = append(pre, constants[j]+dot(g.row("z", t), g.row("W_enc", j)))
		}
	}
	for j := range g.f {
		for t := range g.q.S {
			a := g.l.Attribute(g.q, g.row("W_enc", j), t)
			table, head, source = append(table, a.Table...), append(head, a.ByHead()...), append(source, a.BySource()...)
			if got, want := a.Sum()+constants[j], pre[t*g.f+j]; math.Abs(got-want) > 1e-4*max(1, math.Abs(want)) {
				g.t.Errorf("latent %d at %d: attributions add up to %v, the pre-activation is %v", j, t, got, want)
			}
			for i, v := range a.Table {
				if i%g.q.S > t && v != 0 {
					g.t.Fatalf("latent %d at %d: a later source has %v", j, t, v)
				}
			}
		}
		best = append(best, float64(largest(source[len(source)-g.q.S:])))
		if j == 0 {
			g.firstLatent(source[len(source)-g.q.S:], head[len(head)-g.l.Heads:], constants[0], pre[(g.q.S-1)*g.f])
		}
	}
	g.same("z", z)
	g.same("pre", pre)
	g.same("dfa_head_source", table)
	g.same("dfa_head", head)
	g.same("dfa_source", source)
	for j, want := range g.c.Ints("best_source_last_position") {
		if int64(best[j]) != want {
			g.t.Errorf("best source of latent %d is %v, want %d", j, best[j], want)
		}
	}
}

func (g *golden) firstLatent(source, head []float64, constant, pre float64) {
	want := g.about.FirstLatentAtTheLast
	got := slices.Concat(source, head, []float64{constant, pre})
	for i, w := range slices.Concat(want.BySource, want.ByHead, []float64{want.Const, want.Pre}) {
		if math.Abs(got[i]-w) > tolerance {
			g.t.Errorf("first latent at the last position: number %d is %v, want %v", i, got[i], w)
		}
	}
}

func (g *golden) weights() {
	decoder, wo := g.c.Floats("W_dec"), g.c.Floats("W_O")
	shares := g.l.Shares(decoder, g.f)
	g.same("head_share", shares)
	g.same("head_share_output_space", g.l.OutputShares(decoder, wo, g.f))
	for j, want := range g.c.Ints("main_head") {
		row := shares[j*g.l.Heads : (j+1)*g.l.Heads]
		if got := MainHead(row); got != int(want) {
			g.t.Errorf("main head of latent %d is %d, want %d", j, got, want)
		}
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		if math.Abs(sum-1) > 1e-12 {
			g.t.Errorf("the shares of latent %d add up to %v", j, sum)
		}
	}
	n := g.c.Shape("top3_features_per_head")[1]
	var top []int64
	for _, list := range TopLatents(shares, g.l.Heads, n, nil) {
		for _, j := range list {
			top = append(top, int64(j))
		}
	}
	if want := g.c.Ints("top3_features_per_head"); !slices.Equal(top, want) {
		g.t.Errorf("top latents of the heads are %v, want %v", top, want)
	}
	var logits []float64
	for j := range g.f {
		logits = append(logits, g.l.LogitWeights(g.row("W_dec", j), wo, g.c.Floats("W_U"))...)
	}
	g.same("logit_weights", logits)
}

func (g *golden) residual() {
	r := Residual{Latents: g.c.Shape("resid_decoder")[0], Decoder: g.c.Floats("resid_decoder")}
	acts, sigma := g.c.Floats("resid_acts"), g.c.Floats("ln_scale")
	active := make([]int32, r.Latents)
	for i := range active {
		active[i] = int32(i)
	}
	var unweighted, split []float64
	for j := range g.f {
		through := g.l.Through(r, g.c.Floats("W_V"), g.row("W_enc", j))
		unweighted = append(unweighted, Unweighted(through, g.l.Heads)...)
		for t := range g.q.S {
			for s := range g.q.S {
				split = append(split, g.l.FromResidual(g.q, through, t, s, active, acts[s*r.Latents:(s+1)*r.Latents], float64(sigma[s]))...)
			}
		}
	}
	g.same("resid_unweighted", unweighted)
	g.same("resid_attribution", split)
}

// rest is the plain forward pass, the splice, and the scalars.
func (g *golden) rest() {
	f, zHat := g.c.Floats("f"), g.c.Floats("z_hat")
	pre := g.c.Floats("pre")
	for i, v := range f {
		if float32(math.Max(0, float64(pre[i]))) != v {
			g.t.Fatalf("f[%d] is %v, the pre-activation %v", i, v, pre[i])
		}
	}
	var spliced, recon []float64
	missed, l0 := 0.0, 0.0
	mean, d := make([]float64, g.l.D()), g.l.D()
	for t := range g.q.S {
		z, row := g.row("z", t), f[t*g.f:(t+1)*g.f]
		edited := slices.Clone(row)
		edited[g.about.Edited] = 0
		spliced = append(spliced, widen(Splice(z, row, edited, g.c.Floats("W_dec")))...)
		if !slices.Equal(Splice(z, row, row, g.c.Floats("W_dec")), z) {
			g.t.Error("a splice without a change is not the row itself")
		}
		recon = append(recon, widen(Splice(g.c.Floats("b_dec"), make([]float32, g.f), row, g.c.Floats("W_dec")))...)
		missed += kernel.SquaredError(z, zHat[t*d:(t+1)*d])
		for _, v := range row {
			if v != 0 {
				l0++
			}
		}
		for i, v := range z {
			mean[i] += float64(v) / float64(g.q.S)
		}
	}
	g.same("z_spliced_edit", spliced)
	g.same("z_hat", recon)
	total := 0.0
	for t := range g.q.S {
		for i, v := range g.row("z", t) {
			total += (float64(v) - mean[i]) * (float64(v) - mean[i])
		}
	}
	n := float64(g.q.S)
	for i, x := range [][2]float64{{missed / n, g.about.MeanRowSquaredError}, {1 - missed/total, g.about.ExplainedVariance}, {l0 / n, g.about.L0}} {
		if math.Abs(x[0]-x[1]) > 1e-5*max(1, math.Abs(x[1])) {
			g.t.Errorf("scalar %d is %v, want %v", i, x[0], x[1])
		}
	}
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func dot(a, b []float32) float64 { return kernel.DotF64(a, b) }

func handCase(t *testing.T, c *saetest.Case) {
	var x struct {
		E          int                `json:"d_head"`
		H          int                `json:"heads"`
		S          int                `json:"S"`
		V          [][][]float32      `json:"v"`
		Pattern    [][][]float32      `json:"pattern"`
		W          []float32          `json:"w"`
		BEnc       float32            `json:"b_enc"`
		BDec       []float32          `json:"b_dec"`
		Z          []float64          `json:"z_t1"`
		Table      [][]float64        `json:"dfa_head_source_t1"`
		Head       []float64          `json:"dfa_head_t1"`
		Source     []float64          `json:"dfa_source_t1"`
		Const      float64            `json:"const"`
		Pre        float64            `json:"pre_t1"`
		DecoderRow []float32          `json:"decoder_row"`
		Share      []float64          `json:"head_share"`
		Recovered  map[string]float64 `json:"recovered"`
	}
	c.JSON(&x)
	l, err := NewLayout(x.E*x.H, x.H, 0)
	if err != nil {
		t.Fatal(err)
	}
	q := Sequence{S: x.S}
	for _, head := range x.Pattern {
		q.Pattern = append(q.Pattern, slices.Concat(head...)...)
	}
	for _, at := range x.V {
		q.V = append(q.V, slices.Concat(at...)...)
	}
	a := l.Attribute(q, x.W, 1)
	constant := Constants(x.W, []float32{x.BEnc}, x.BDec, 1)[0]
	r := x.Recovered
	for name, pair := range map[string][2][]float64{
		"z": {l.Z(q, 1), x.Z}, "table": {a.Table, slices.Concat(x.Table...)}, "head": {a.ByHead(), x.Head},
		"source": {a.BySource(), x.Source}, "const": {{constant}, {x.Const}}, "pre": {{a.Sum() + constant}, {x.Pre}},
		"share": {l.Shares(x.DecoderRow, 1), x.Share},
		"score": {{LossRecovered(r["ce_clean"], r["ce_sae"], r["ce_zero"])}, {r["score"]}},
	} {
		if fmt.Sprint(len(pair[0])) != fmt.Sprint(len(pair[1])) {
			t.Fatalf("%s: %v, want %v", name, pair[0], pair[1])
		}
		for i, v := range pair[1] {
			if math.Abs(pair[0][i]-v) > 1e-12 {
				t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
			}
		}
	}
}
