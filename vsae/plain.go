package vsae

import (
	"math"
	"math/bits"

	"github.com/saectl/saectl/data"
)

// boundPlain is bound where no kernel does it: what the random bits do not rule
// out is computed.
func (c *scratch) boundPlain(i, first, n int, score, logVar []float32, above float32) (found uint64) {
	p := c.p
	var words [4]uint32
	drawn, sigma := ^uint64(0), p.sigma
	for j := range n {
		f, mean, l := p.latent(first+j), score[j], float32(0)
		if p.relu {
			mean = max(mean, 0)
		}
		if p.learns {
			l = logVar[j]
			sigma = float32(p.logVar.deviation(float64(l)))
		}
		size := float32(math.Abs(float64(mean)))
		if p.noise.given == nil {
			if !(size+float32(sigma*reach[32]) > above) {
				continue
			}
			if b := p.noise.block(i, f); b != drawn {
				words, drawn = data.Block(p.noise.seed, p.noise.stream, b), b
			}
			if !(size+float32(sigma*reachOf(&words, f)) > above) {
				continue
			}
		}
		if z := float32(math.Abs(float64(p.z(i, score[j], l, f)))); z > above {
			c.low[j], c.high[j] = z, z
			found |= 1 << j
		}
	}
	return found
}

// reach bounds |ε| by the leading zeros of the word that its radius is made of:
// one with z of them stands for a uniform number above 2^-(z+1), whose radius
// √(-2 ln u) is below √(2 ln 2 (z+1)).
var reach = func() (r [33]float32) {
	for z := range r {
		r[z] = float32(math.Sqrt(2*math.Ln2*float64(z+1)) * (1 + 1e-6))
	}
	return r
}()

// reachOf bounds |ε| of latent f, whose number is four times that of a block
// and more.
func reachOf(block *[4]uint32, f int32) float32 {
	return reach[bits.LeadingZeros32(block[f&2])]
}
