package sae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

// A Variant is one autoencoder architecture. Its exported fields are its
// settings, read from the config section of the same name.
type Variant interface {
	// Build adds the variant to the graph. It is called with b.Train for
	// training and without for evaluation, on the same settings. It may
	// panic on a mistake in the graph, which Compile turns into an error.
	Build(b *Builder) Out
}

// A Cautious variant has a word of warning for the reports of its figures, ""
// for none.
type Cautious interface{ Caution() string }

// Out is all that the trainer and the evaluation need from a variant.
type Out struct {
	Codes Codes
	Recon *gorgonia.Node            // [B,D], or [B,DOut] of a transcoder
	Loss  *gorgonia.Node            // scalar; nil is allowed without b.Train
	Terms map[string]*gorgonia.Node // scalar parts of Loss, for the log
	Extra map[string]*gorgonia.Node // named nodes that a metric may ask for

	// After runs when a training step's forward and backward passes are
	// done, before the optimiser: for state such as a running threshold.
	After func(step int)

	// Figures are further numbers of a training step for the log, by their
	// names there. They are asked for when the step is done.
	Figures map[string]func() float64

	// Warning is asked when a training step is done and says what keeps the
	// run from what its settings ask for, "" for nothing; nil is allowed.
	Warning func() string
}

// Codes are the latents of a batch as nodes: which are kept, and their
// values [C], whose entries in use are the support's.
type Codes struct {
	Support *sparseop.Support
	Values  *gorgonia.Node
}

// A Registry maps the names a config may use to constructors that return the
// variant with its defaults.
type Registry map[string]func() Variant

// A Variational variant has a posterior of each latent, of which an evaluation
// takes the mean. Its copies evaluate otherwise.
type Variational interface {
	Variant
	Posterior() Variant          // gives all posteriors as the extra nodes "mean" and "variance", [B,F]
	Samples() bool               // training samples; otherwise there is no variance
	Sampled(draw uint64) Variant // samples; draws from 1 up have noise of their own
}

// A Laddered variant can keep another number of latents after training than
// in it: WithK is a copy that keeps k of a row, or on average.
type Laddered interface {
	Variant
	WithK(k int) Variant
}

// A Tolerant variant goes on with a row after training until little is left of
// it: WithTolerance is a copy that stops at the norm t.
type Tolerant interface {
	Variant
	WithTolerance(t float64) Variant
}

// A Nested variant has groups of latents, of which the first alone reconstruct
// rows too: Prefix is a copy that uses the first n groups after training, and Ends
// are the first latents beyond each group of so many latents in all.
type Nested interface {
	Variant
	Prefix(n int) Variant
	Ends(latents int) ([]int, error)
}

// Dims are the sizes a graph is compiled for.
type Dims struct {
	B, D, F int
	DOut    int // width of a transcoder's target; 0 without one
}
