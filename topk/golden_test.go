package topk

import (
	"testing"

	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/sae"
)

// TestGoldenTopK replays TopKTrainer of dictionary_learning 0.1.0, which
// counts a latent as fired when it was selected.
func TestGoldenTopK(t *testing.T) {
	saetest.Golden(t, "topk", func(t *testing.T, c *saetest.Case) {
		replay(t, c, "index", topkOf, "topk", "threshold")
	})
}

// TestTrajectory replays the first five steps of the case aux of each trainer,
// which are kept here with what a test of them needs.
func TestTrajectory(t *testing.T) {
	saetest.Cases(t, "testdata", func(t *testing.T, c *saetest.Case) {
		if c.Name == "topk" {
			replay(t, c, "index", topkOf)
		} else {
			replay(t, c, "value", batchOf)
		}
	})
}

// TestGoldenBatchTopK replays BatchTopKTrainer, which counts by value.
func TestGoldenBatchTopK(t *testing.T) {
	saetest.Golden(t, "batchtopk", func(t *testing.T, c *saetest.Case) {
		replay(t, c, "value", batchOf, "threshold", "topk")
	})
}

// replay runs a trajectory and then the given inferences; calling the
// reference's model gives the first.
func replay(t *testing.T, c *saetest.Case, fired string,
	variant func(c saetest.TrajectoryConfig, inference string) sae.Variant, inferences ...string) {
	r := saetest.NewTrajectory(c)
	p := r.Plan(variant(r.Config, "threshold"))
	p.Train.Fired = fired
	tr := r.Replay(t, p, "mse")
	for _, inference := range inferences {
		r.Evaluate(t, tr, variant(r.Config, inference), inference)
	}
	if len(inferences) > 0 {
		saetest.Same(t, "default inference", c.Floats("eval.x_hat_forward"), c.Floats("eval.x_hat_"+inferences[0]))
	}
	c.Used(t, "init.b_dec")
}

func topkOf(c saetest.TrajectoryConfig, inference string) sae.Variant {
	v := New().(*TopK)
	v.K, v.AuxK, v.AuxCoefficient, v.DeadAfter = c.K, c.AuxK, c.AuxCoefficient, c.DeadAfter
	v.Inference, v.ThresholdBeta, v.ThresholdStart = inference, c.ThresholdBeta, c.ThresholdStart
	return v
}

func batchOf(c saetest.TrajectoryConfig, inference string) sae.Variant {
	v := NewBatch().(*BatchTopK)
	v.K, v.AuxK, v.AuxCoefficient, v.DeadAfter = c.K, c.AuxK, c.AuxCoefficient, c.DeadAfter
	v.Inference, v.ThresholdBeta, v.ThresholdStart = "threshold", c.ThresholdBeta, c.ThresholdStart
	if inference == "topk" {
		v.Inference = "batch"
	}
	return v
}
