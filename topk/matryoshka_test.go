package topk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

func smallMatryoshka(change func(v *Matryoshka)) func() sae.Variant {
	return func() sae.Variant {
		v := NewMatryoshka().(*Matryoshka)
		v.K, v.AuxK, v.DeadAfter, v.Groups = 2, 8, 320, "1/4,1/4"
		change(v)
		return v
	}
}

func TestMatryoshka(t *testing.T) {
	saetest.Run(t, smallMatryoshka(func(*Matryoshka) {}), saetest.Options{MeanL0: 2, Recovered: 0.7})
}

func TestMatryoshkaByBatch(t *testing.T) {
	saetest.Run(t, smallMatryoshka(func(v *Matryoshka) { v.Inference, v.GroupWeights = "batch", "1,0.5,2" }),
		saetest.Options{MeanL0: 2, BatchDependent: true, Recovered: 0.7})
}

func TestMatryoshkaThresholdKeepsK(t *testing.T) {
	if l0 := saetest.L0(t, smallMatryoshka(func(*Matryoshka) {})); math.Abs(l0-2) > 0.3 {
		t.Errorf("the threshold keeps %.2f latents a row, training 2", l0)
	}
}

func TestAbsTopK(t *testing.T) {
	saetest.Run(t, func() sae.Variant {
		v := NewAbs().(*AbsTopK)
		v.K, v.AuxK, v.DeadAfter = 2, 8, 320
		return v
	}, saetest.Options{MaxL0: 2, MeanL0: 2, Recovered: 0.4}) // atoms have no negative coefficients
}

// TestGoldenMatryoshka replays MatryoshkaBatchTopKTrainer of dictionary_learning
// 0.1.0, which takes a mean over groups of losses that are weighted already,
// and evaluates the first groups alone too.
func TestGoldenMatryoshka(t *testing.T) {
	saetest.Golden(t, "matryoshka", func(t *testing.T, c *saetest.Case) {
		r := saetest.NewTrajectory(c)
		tr := r.Replay(t, r.Plan(matryoshkaOf(r.Config, "threshold")), "mse")
		r.Evaluate(t, tr, matryoshkaOf(r.Config, "threshold"), "threshold")
		r.Evaluate(t, tr, matryoshkaOf(r.Config, "batch"), "topk")
		for n := 1; n < len(r.Config.GroupSizes); n++ {
			v := matryoshkaOf(r.Config, "threshold").Prefix(n)
			r.Evaluate(t, tr, v, fmt.Sprintf("threshold_groups%d", n))
		}
		saetest.Same(t, "default inference", c.Floats("eval.x_hat_forward"), c.Floats("eval.x_hat_threshold"))
		c.Used(t, "init.b_dec")
	})
}

func matryoshkaOf(c saetest.TrajectoryConfig, inference string) *Matryoshka {
	v := NewMatryoshka().(*Matryoshka)
	v.K, v.AuxK, v.AuxCoefficient, v.DeadAfter = c.K, c.AuxK, c.AuxCoefficient, c.DeadAfter
	v.ThresholdBeta, v.ThresholdStart, v.Inference = c.ThresholdBeta, c.ThresholdStart, inference
	var shares, weights []string
	for g, size := range c.GroupSizes {
		shares = append(shares, fmt.Sprintf("%d/%d", size, c.F))
		weights = append(weights, fmt.Sprint(c.GroupWeights[g]/float64(len(c.GroupSizes))))
	}
	v.Groups, v.GroupWeights = strings.Join(shares[:len(shares)-1], ","), strings.Join(weights, ",")
	return v
}

func TestGroupEnds(t *testing.T) {
	for shares, want := range map[string][]int{
		"1/16,1/16,1/8,1/4": {4, 8, 16, 32, 64}, "0.1": {6, 64}, "1/3, 1/3": {21, 42, 64},
	} {
		if got, err := groupEnds(shares, 64); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of 64 latents end at %v (%v), want %v", shares, got, err, want)
		}
	}
	for _, shares := range []string{"", "1/2,1/2", "1/100", "2", "0", "-1/2", "3/2", "x", "1/0", "NaN", "1/2,"} {
		if got, err := groupEnds(shares, 64); err == nil {
			t.Errorf("%q gives groups %v, want an error", shares, got)
		}
	}
	for _, list := range []string{"1", "1,-1", "1,x", "1,1,1", "1,Inf"} {
		if got, err := groupWeights(list, 2); err == nil {
			t.Errorf("%q gives weights %v, want an error", list, got)
		}
	}
}

func TestMatryoshkaRefusesGroups(t *testing.T) {
	p := sae.Plan{
		Variant: smallMatryoshka(func(v *Matryoshka) { v.Groups = "1/2,1/2" })(), D: 4, Threads: 1,
		Model: sae.ModelSettings{Latents: 24, DecoderBias: "zero"}, Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
	if _, err := sae.NewTrainer(p); err == nil || !strings.Contains(err.Error(), "matryoshka.groups") {
		t.Errorf("groups that leave nothing: error %v", err)
	}
}
