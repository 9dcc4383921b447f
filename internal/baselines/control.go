package baselines

import (
	"fmt"
	"math"

	"github.com/saectl/saectl/sae"
)

// control steers a coefficient so that rows keep target latents on average. It
// works on logarithms. With the error e, ln L0 less its aim, a mean over the last
// steps, and where e is going, the coefficient is
//
//	natural · exp(i + part·(e + ahead·de/dt)),
//
// and i adds up what is in the brackets. Four things keep it from overshooting,
// after which Adam's second moments, and latents that L1 has shrunk to nothing,
// keep L0 where it is for hundreds of steps:
//
//   - it starts at the natural coefficient, what one more latent is worth where
//     rows keep the target's number and lose a tenth of their variance;
//   - the aim falls from the first L0 to the target, and follows an L0 that falls
//     faster, since there is nothing to be had from taking it back up;
//   - i moves with the learning rate, so that it does not wind up while weights
//     stand still, and no faster than errors of a bounded size;
//   - an error counts by where it will be a few steps on.
type control struct {
	b      *sae.Builder
	kind   kind
	target float64    // ln L0
	state  *sae.State // see the places below
}

// gains are how a kind of penalty is steered. L0's acts through thresholds, which
// answer late, and only to what lies within their bandwidth; L1's moves all
// values at once.
type gains struct {
	part, most float64 // factor of the error, from where the learning rate is large to where it is small
	near       float64 // largest error that part multiplies
	growth     float64 // of i over a run, for an error of 1
	ahead      float64 // steps
	fast       float64 // decay of the mean of the error
}

// Chosen on the sample and on babyllama105-l3 at 400 steps, targets of 8 and 32,
// and rates of 0.003 to 0.014.
const (
	controlFVU     = 0.1
	controlDescent = 0.5                // share of the run, in learning rate, over which the aim falls
	controlSteps   = 400                // of a run of which growth is given
	controlNear    = 0.7                // largest error that i adds up
	controlRate    = 0.014              // learning rate, beside the spread of a coordinate, at which part is the gain
	controlLook    = 0.2                // largest share of the run to look ahead
	controlSlow    = 0.95               // decay of the slower mean of the error
	controlReach   = 6                  // i stays within e⁶, 400 times, of the natural coefficient
	controlMark    = 1.3862943611198906 // ln 4: L0 is compared over so large a change of the coefficient
	controlSame    = 0.05               // a change of ln L0 that is none, or an error that is
)

// Places of the state.
const (
	stateI        = iota
	stateFast     // mean error of the last steps
	stateSlow     // and of more steps
	stateFirst    // ln L0 from which the aim falls
	stateVariance // of the first batch; 0 before it
	stateCovered  // of the run, when i was moved last
	stateMark     // i at the last comparison
	stateL0       // ln L0 there
	stateStuck    // 1 when the coefficient changed fourfold since and L0 did not
	states
)

func newControl(b *sae.Builder, k kind, target float64) *control {
	return &control{b: b, kind: k, target: math.Log(target), state: b.State("coefficient", states, 0)}
}

// coefficient is that of the step under way: 0 in the first, whose batch is yet
// to be seen.
func (c *control) coefficient() float64 {
	d := c.state.Data
	return c.natural() * math.Exp(d[stateI]+c.gain()*within(c.error(), c.kind.near))
}

// natural is the coefficient with which a latent that lowers the squared error
// of its row by its share of a tenth of the variance is just worth its cost.
func (c *control) natural() float64 {
	worth := controlFVU / 2 * c.state.Data[stateVariance] / math.Exp(c.target)
	if c.kind.count {
		return worth
	}
	return 2 * math.Sqrt(worth)
}

// gain is larger where the learning rate is small beside the spread of a
// coordinate: L0 then answers slowly, and a strong answer does no harm.
func (c *control) gain() float64 {
	spread := math.Sqrt(c.state.Data[stateVariance] / float64(c.b.D))
	return min(max(c.kind.part*controlRate*spread/max(c.b.Rate(), 1e-12), c.kind.part/4), c.kind.most)
}

// growth is how far i gets in the whole run, for an error of 1: a longer run has
// time for more, and the time in which L0 answers does not grow with it.
func (c *control) growth() float64 {
	return c.kind.growth * max(float64(c.b.Steps())/controlSteps, 1)
}

// error is ln L0 less its aim, where it is going.
func (c *control) error() float64 {
	d := c.state.Data
	lag := 1/(1-controlSlow) - 1/(1-c.kind.fast)
	ahead := min(c.kind.ahead, controlLook*float64(c.b.Steps()))
	return d[stateFast] + ahead*(d[stateFast]-d[stateSlow])/lag
}

func within(v, size float64) float64 { return min(max(v, -size), size) }

// steer takes the L0 of a batch.
func (c *control) steer(l0 float64) {
	d, l, covered := c.state.Data, math.Log(max(l0, 1e-3)), c.b.Covered()
	if d[stateVariance] == 0 {
		d[stateVariance], d[stateFirst], d[stateL0] = c.b.Variance(), l, l
	}
	e := l - c.aim(l, covered)
	d[stateFast] += (1 - c.kind.fast) * (e - d[stateFast])
	d[stateSlow] += (1 - controlSlow) * (e - d[stateSlow])
	d[stateI] += c.growth() * c.part(covered) * within(c.error(), controlNear)
	d[stateI] = within(d[stateI], controlReach)
	d[stateCovered] = covered
	c.compare(l)
}

// part is the part of the run that the step under way is, for i: of the sum of
// learning rates while the aim falls, since L0 does not move where weights do not;
// of the steps later, when the rate falls, and L0 rises with what noise it had.
func (c *control) part(covered float64) float64 {
	part := max(covered-c.state.Data[stateCovered], 0)
	if covered > controlDescent {
		part = max(part, 1/float64(c.b.Steps()))
	}
	return part
}

// aim is ln L0 of the step under way: it goes to the target's in a parabola, and
// no slower than l does.
func (c *control) aim(l, covered float64) float64 {
	first := &c.state.Data[stateFirst]
	left := max(1-covered/controlDescent, 0)
	left *= left
	if at := (l - c.target) / (*first - c.target); left > 0 && at >= 0 && at < left {
		*first = c.target + (l-c.target)/left
	}
	return c.target + left*(*first-c.target)
}

// compare notes whether L0 answers to the coefficient.
func (c *control) compare(l float64) {
	d := c.state.Data
	switch {
	case math.Abs(d[stateFast]) <= controlSame:
		d[stateStuck] = 0
	case math.Abs(d[stateI]-d[stateMark]) < controlMark:
		return
	case math.Abs(l-d[stateL0]) < controlSame:
		d[stateStuck] = 1
	default:
		d[stateStuck] = 0
	}
	d[stateMark], d[stateL0] = d[stateI], l
}

// saturated reports whether the coefficient is at a bound, or changed fourfold
// without effect, and rows do not keep what they should.
func (c *control) saturated() bool {
	d := c.state.Data
	return math.Abs(d[stateFast]) > controlSame && (d[stateStuck] != 0 || math.Abs(d[stateI]) >= controlReach)
}

func (c *control) warning() string {
	e, why := c.state.Data[stateFast], "is still moving; give the run more steps, or a larger optimizer.lr"
	switch {
	case math.Abs(e) <= controlSame:
		return ""
	case c.saturated():
		why = "is saturated: to change it makes no difference; give another target_l0, or a coefficient in its place"
	}
	return fmt.Sprintf("rows keep %.1f latents where target_l0 is %.4g, and the coefficient (%.3g now) %s", math.Exp(c.target+e), math.Exp(c.target), c.coefficient(), why)
}
