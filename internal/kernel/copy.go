package kernel

import "unsafe"

// copyBlock is how many numbers of an array an item of a Copier covers.
const copyBlock = 1 << 13

// A Copier copies arrays on a pool, so that each worker has its share of a batch
// in its own caches for what comes next: to fetch what another core wrote takes
// many times as long as the copy. One call at a time.
type Copier struct{ dst, src []float32 }

// Copy copies src to the start of dst, which is at least as long.
func (c *Copier) Copy(p *Pool, dst, src []float32) {
	c.dst, c.src = dst[:len(src)], src
	p.Run(ceilDiv(len(src), copyBlock), c)
	c.dst, c.src = nil, nil
}

// Do copies one block.
func (c *Copier) Do(_, item int) {
	lo, hi := item*copyBlock, min((item+1)*copyBlock, len(c.src))
	copy(c.dst[lo:hi], c.src[lo:hi])
}

// Stream copies x[:len(dst)] to dst past the caches where it can: for what is
// read again only after so much else that it would not have stayed. Other
// workers see it after Fence.
func Stream(dst, x []float32) {
	if n := len(dst); n == 0 || n%block != 0 || uintptr(unsafe.Pointer(&dst[0]))%64 != 0 {
		copy(dst, x)
		return
	}
	chosen.stream(dst, x[:len(dst)])
}

// Fence makes what this worker streamed visible to the others.
func Fence() { chosen.fence() }
