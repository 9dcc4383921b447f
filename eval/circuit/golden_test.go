package circuit

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/roc"
	"github.com/saectl/saectl/internal/saetest"
)

func TestGoldenCircuit(t *testing.T) {
	saetest.Golden(t, "circuit", func(t *testing.T, c *saetest.Case) {
		var about struct{ Kind string }
		c.JSON(&about)
		switch about.Kind {
		case "codes":
			codesCase(t, c)
		case "sae":
			fitCase(t, c)
		default:
			t.Fatalf("a case of kind %q", about.Kind)
		}
		c.Used(t)
	})
}

// metrics are the figures of a score against the ground truth.
type metrics struct {
	AUROC    float64 `json:"roc_auc"`
	Harmonic float64 `json:"harmonic_tpr_tnr_max"`
	F1       float64 `json:"true_f1_max"`
}

func (m metrics) check(t *testing.T, name string, score []float64, is []bool) {
	t.Helper()
	r := roc.OfLabels(score, is)
	same(t, name, []float64{r.AUROC, r.Harmonic, r.F1}, []float64{m.AUROC, m.Harmonic, m.F1}, 1e-12)
}

func same(t *testing.T, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*max(1, math.Abs(w))) {
			t.Fatalf("%s[%d] is %v, want %v", name, i, got[i], w)
		}
	}
}

func widen[T float32 | int32 | int64](x []T) []float64 {
	var out []float64
	for _, v := range x {
		out = append(out, float64(v))
	}
	return out
}

type handCode struct {
	Name               string
	Positive, Negative [][]int32
	U                  []float64   `json:"u"`
	Normalised         []float64   `json:"u_normalised"`
	Score              []float64   `json:"score"`
	Edges              [][]float64 `json:"U"`
	EdgesNormalised    [][]float64 `json:"U_normalised"`
	Swapped            []float64   `json:"u_labels_swapped"`
}

func (h handCode) codes(swap bool) Codes {
	c := Codes{Heads: len(h.Positive[0]), Latents: 10}
	for k, rows := range [][][]int32{h.Positive, h.Negative} {
		for _, row := range rows {
			c.Code = append(c.Code, row...)
			c.Positive = append(c.Positive, (k == 0) != swap)
		}
	}
	return c
}

// codesAbout is the JSON of the case of codes.
type codesAbout struct {
	PerLayer int   `json:"heads_per_layer"`
	Truth    []int `json:"ground_truth_heads"`
	Hand     []handCode
	ROC      []struct {
		Score []float64
		Label []int
		metrics
	} `json:"roc_hand"`
	Node struct {
		U                []float64 `json:"u"`
		UNormalised      []float64 `json:"u_normalised"`
		All              []float64 `json:"score_all_heads"`
		AllNormalised    []float64 `json:"score_normalised_all_heads"`
		Across           []float64 `json:"score_across_layer"`
		AcrossNormalised []float64 `json:"score_normalised_across_layer"`
		OfU              metrics   `json:"metrics_u"`
		OfNormalised     metrics   `json:"metrics_u_normalised"`
		OfAcross         metrics   `json:"metrics_across_layer"`
		OfAll            metrics   `json:"metrics_score_all_heads"`
	}
	Edge map[string]struct {
		Participation           []float64
		Score                   []float64
		ParticipationNormalised []float64 `json:"participation_normalised"`
		Normalised              metrics
		metrics
	}
}

func codesCase(t *testing.T, c *saetest.Case) {
	var x codesAbout
	c.JSON(&x)
	heads := c.Shape("codes")[1]
	codes := Codes{Heads: heads, Code: c.Indices("codes")}
	for _, l := range c.Ints("label") {
		codes.Positive = append(codes.Positive, l == 1)
	}
	is := make([]bool, heads)
	for _, h := range x.Truth {
		is[h] = true
	}
	raw, normalised := codes.NodeScores()
	n := x.Node
	same(t, "u", raw, n.U, 0)
	same(t, "u normalised", normalised, n.UNormalised, 1e-12)
	same(t, "score", Softmax(raw), n.All, 1e-12)
	same(t, "score normalised", Softmax(normalised), n.AllNormalised, 1e-12)
	same(t, "score across layers", AcrossLayers(raw, x.PerLayer), n.Across, 1e-12)
	same(t, "score normalised across layers", AcrossLayers(normalised, x.PerLayer), n.AcrossNormalised, 1e-12)
	n.OfU.check(t, "u", raw, is)
	n.OfNormalised.check(t, "u normalised", normalised, is)
	n.OfAcross.check(t, "across layers", AcrossLayers(raw, x.PerLayer), is)
	n.OfAll.check(t, "score", Softmax(raw), is)
	x.edges(t, c, codes, is)
	for i, r := range x.ROC {
		var label []bool
		for _, l := range r.Label {
			label = append(label, l == 1)
		}
		r.metrics.check(t, fmt.Sprint("roc ", i), r.Score, label)
	}
	for _, h := range x.Hand {
		h.check(t)
	}
}

func (x *codesAbout) edges(t *testing.T, c *saetest.Case, codes Codes, is []bool) {
	heads := codes.Heads
	edges, edgesNormalised := codes.EdgeScores()
	same(t, "U", edges, widen(c.Ints("U")), 0)
	same(t, "U normalised", edgesNormalised, widen(c.Floats("U_normalised")), 1e-6)
	for key, e := range x.Edge {
		k, err := strconv.Atoi(key)
		if err != nil {
			t.Fatal(err)
		}
		y, yn := Participation(edges, heads, k), Participation(edgesNormalised, heads, k)
		same(t, "participation "+key, y, e.Participation, 0)
		same(t, "participation normalised "+key, yn, e.ParticipationNormalised, 0)
		same(t, "edge score "+key, Softmax(y), e.Score, 1e-12)
		e.metrics.check(t, "edge "+key, y, is)
		e.Normalised.check(t, "edge normalised "+key, yn, is)
	}
}

func (h handCode) check(t *testing.T) {
	raw, normalised := h.codes(false).NodeScores()
	edges, edgesNormalised := h.codes(false).EdgeScores()
	swapped, _ := h.codes(true).NodeScores()
	same(t, h.Name+" u", raw, h.U, 0)
	same(t, h.Name+" u normalised", normalised, h.Normalised, 1e-12)
	same(t, h.Name+" score", Softmax(raw), h.Score, 1e-12)
	same(t, h.Name+" U", edges, slices.Concat(h.Edges...), 0)
	same(t, h.Name+" U normalised", edgesNormalised, slices.Concat(h.EdgesNormalised...), 1e-12)
	same(t, h.Name+" swapped", swapped, h.Swapped, 0)
}

// fitAbout is the JSON of a case of a fit.
type fitAbout struct {
	Axis      string `json:"decoder_norm_axis"`
	Lambda    float64
	Steps     int
	Losses    []float64
	Optimizer struct {
		LR    float64
		Betas [2]float64
		Eps   float64
	}
	ZeroRows int `json:"all_zero_rows_final"`
}

func fitCase(t *testing.T, c *saetest.Case) {
	var x fitAbout
	c.JSON(&x)
	if x.Optimizer.Betas != [2]float64{0.9, 0.999} || x.Optimizer.Eps != 1e-8 {
		t.Fatalf("an optimiser %+v, which Discrete does not have", x.Optimizer)
	}
	shape, pool := c.Shape("W_enc_init"), kernel.NewPool(2)
	defer pool.Close()
	m := NewDiscrete(shape[1], Settings{Latents: shape[0], Lambda: x.Lambda, Axis: x.Axis, Steps: x.Steps, Rate: x.Optimizer.LR}, 0, pool)
	copy(m.Encoder, c.Floats("W_enc_init"))
	copy(m.Decoder, c.Floats("W_dec_init"))
	copy(m.EncoderBias, c.Floats("b_enc_init"))
	rows := c.Floats("x")
	is := func(name string, got []float32, tolerance float64) {
		t.Helper()
		same(t, name, widen(got), widen(c.Floats(name)), tolerance)
	}
	m.normalise()
	m.forward(rows)
	is("f", m.code, 2e-6)
	is("x_hat", m.recon, 2e-6)
	if code, _ := m.Codes(rows); !slices.Equal(code, c.Indices("code")) {
		t.Errorf("codes %v, want %v", code, c.Indices("code"))
	}
	m.forward(rows)
	m.backward(rows)
	is("grad_W_enc_raw", m.gradient[0], 1e-6)
	is("grad_W_dec_raw", m.gradient[1], 1e-6)
	is("grad_b_enc", m.gradient[2], 1e-6)
	is("grad_b", m.gradient[3], 1e-6)
	m.project(m.gradient[0], m.Encoder, false)
	m.project(m.gradient[1], m.Decoder, true)
	is("grad_W_enc", m.gradient[0], 1e-6)
	is("grad_W_dec", m.gradient[1], 1e-6)
	x.steps(t, c, m)
}

// steps takes all steps and compares what comes out.
func (x *fitAbout) steps(t *testing.T, c *saetest.Case, m *Discrete) {
	rows := c.Floats("x")
	is := func(name string, got []float32, tolerance float64) {
		t.Helper()
		same(t, name, widen(got), widen(c.Floats(name)), tolerance)
	}
	var loss, mse, l1 []float64
	for range x.Steps {
		l := m.Step(rows)
		loss, mse, l1 = append(loss, l.MSE+x.Lambda*l.L1), append(mse, l.MSE), append(l1, l.L1)
	}
	same(t, "losses", loss, x.Losses, 2e-6)
	same(t, "loss", loss, widen(c.Floats("loss")), 2e-6)
	same(t, "mse", mse, widen(c.Floats("mse")), 2e-6)
	same(t, "l1", l1, widen(c.Floats("l1")), 2e-6)
	is("W_enc_final", m.Encoder, 1e-5)
	is("W_dec_final", m.Decoder, 1e-5)
	is("b_enc_final", m.EncoderBias, 1e-5)
	is("b_final", m.Bias, 1e-5)
	m.normalise()
	code, zero := m.Codes(rows)
	is("f_final", m.code, 5e-6)
	empty := 0
	for _, z := range zero {
		if z {
			empty++
		}
	}
	if !slices.Equal(code, c.Indices("code_final")) || empty != x.ZeroRows {
		t.Errorf("codes at the end %v, %d rows without one; want %v, %d", code, empty, c.Indices("code_final"), x.ZeroRows)
	}
}
