package vsae

import (
	"hash/fnv"

	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/sparseop"
	"github.com/saectl/saectl/sae"
)

// noise is the standard normal deviates ε of a batch, [B,F], none of which is
// stored: that of row i and latent f is number i·4⌈F/4⌉ + f of the step's
// stream, so that a row starts a block of four.
type noise struct {
	node   *gorgonia.Node // scalar, set before each run
	seed   uint64
	stream uint64    // of the step under way
	first  uint64    // row of the stream that is row 0 of the batch
	blocks uint64    // of a row
	f      int       //
	given  []float32 // [B,F] of a test, in place of all that
}

// newNoise adds the noise of each training step, or of the draw that an
// evaluation samples with, which goes on from batch to batch.
func newNoise(b *sae.Builder, v *VSAE) *noise {
	n := &noise{seed: b.Seed, blocks: uint64(b.F+3) / 4, f: b.F}
	base, seen := streamOf("vsae noise"), uint64(0)
	if !b.Train {
		base, seen = streamOf("vsae draw")+v.draw, 0
	}
	n.node = b.Feed("noise", func(_ []float32, step int, in *activations.Batch) error {
		n.stream = base
		if b.Train {
			n.stream += uint64(step)
		}
		n.first = seen
		if !b.Train {
			seen += uint64(in.N)
		}
		if v.given != nil {
			n.given = v.given(step)
		}
		return nil
	})
	return n
}

func streamOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// of adds the deviates of the latents of s, [C], zero beyond those in use.
func (n *noise) of(g *sparseop.Graph, s *sparseop.Support) *gorgonia.Node {
	return g.Custom("noise", []int{s.Cap}, sparseop.Func{
		F32: func(dst []float32, _ [][]float32) { deviates(dst, n, s) },
		F64: func(dst []float64, _ [][]float64) { deviates(dst, n, s) },
	}, nil, n.node, s.Node)
}

func deviates[T float](dst []T, n *noise, s *sparseop.Support) {
	clear(dst)
	for i := range s.B {
		lo, hi := s.Row(i)
		for e := lo; e < hi; e++ {
			dst[e] = T(n.at(i, s.Index()[e]))
		}
	}
}

// at is ε of row i of the batch and latent f.
func (n *noise) at(i int, f int32) float32 {
	if n.given != nil {
		return n.given[i*n.f+int(f)]
	}
	return data.Normal(n.seed, n.stream, 4*n.block(i, f)+uint64(f)%4)
}

// block is the number of the block of random bits that ε comes from.
func (n *noise) block(i int, f int32) uint64 { return (n.first+uint64(i))*n.blocks + uint64(f)/4 }
