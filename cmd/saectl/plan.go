package main

import (
	"fmt"

	"github.com/saectl/saectl/data"
)

// printPlan says, before the first step, what is going to happen.
func (j *trainJob) printPlan(s streams) {
	c := j.settings
	steps, d, f := c.Train.TotalSteps(), j.dump.D(), c.SAE.Latents
	s.note("%s: D %d, F %d; %s", c.Variant, d, f, c.SectionLine())
	s.note("dump    %s: %s rows to train on, %s held out, scale %s", j.dump.Name(), thousands(j.train.Len()), thousands(j.heldOut), scaleText(j.scale))
	s.note("run     %s: %s steps of %d rows = %s rows, %.1f epochs, learning rate %g", j.dir, thousands(int64(steps)), c.Train.Batch,
		thousands(int64(steps)*int64(c.Train.Batch)), float64(steps)*float64(c.Train.Batch)/float64(j.train.Len()), c.Optimizer.LR)
	s.note("memory  about %d MB for weights, gradients and moments; kernels %s", 4*4*(2*int64(f)*int64(d))>>20, kernels())
	if j.state.Steps > 0 {
		s.note("resume  from step %s", thousands(int64(j.state.Steps)))
	}
}

func scaleText(s data.Scale) string {
	if s.Kind == data.ScaleMeanNorm {
		return fmt.Sprintf("%s (times %.6g)", s.Kind, s.Factor)
	}
	return s.Kind
}
