package eval

import (
	"math"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/reuse"
	"github.com/saectl/saectl/sae"
)

// A Sample is a batch of rows with what the autoencoder made of them. Its
// slices hold until the next batch; a metric that keeps some must copy.
type Sample struct {
	*activations.Batch
	First int64       // rows evaluated before this batch
	Codes sae.Encoded // latents of the N rows
	Want  []float32   // [N,Width] what Recon should be: X, or Target of a transcoder
	Recon []float32   // [N,Width] in the dump's own units
	Width int         // D, or DOut of a transcoder

	Scaled []float32 // [N,D] the rows in the units the encoder works in

	// Extra is a named node of the variant for these rows, nil when it has
	// none of that name.
	Extra func(name string) []float32

	Sums []RowSums // [N]

	decoded []float32 // [N,D] f·W_dec + b_dec in those units, or nil: not made yet

	pool   *kernel.Pool
	scaler scaler
}

// RowSums are the sums over coordinates of a row that most metrics start
// from, in float64.
type RowSums struct {
	Want, Recon, Cross float64 // ‖x‖², ‖x̂‖², <x,x̂>
	Error              float64 // ‖e‖²
	WantL1, ErrorL1    float64 // Σ|x|, Σ|e|
}

// A Metric sees every batch once, in order, and then reports.
type Metric interface {
	Add(s *Sample)
	Report(r *Report)
}

// rowChunk is how many rows a task takes at a time.
const rowChunk = 32

// sum fills in the row sums.
func (s *Sample) sum() {
	s.Sums = reuse.Slice(s.Sums, s.N)
	s.pool.Run((s.N+rowChunk-1)/rowChunk, kernel.TaskFunc(func(_, item int) {
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			s.Sums[i] = sumRow(s.Want[i*s.Width:(i+1)*s.Width], s.Recon[i*s.Width:(i+1)*s.Width])
		}
	}))
}

func sumRow(x, y []float32) RowSums {
	ofX, ofError := kernel.AbsSums(x, y)
	return RowSums{
		Want: kernel.SumSquares(x), Recon: kernel.SumSquares(y),
		Cross: kernel.DotF64(x, y), Error: kernel.SquaredError(x, y),
		WantL1: ofX, ErrorL1: ofError,
	}
}

// abs is math.Abs, which compiles to one instruction without a branch.
func abs(x float64) float64 { return math.Abs(x) }
