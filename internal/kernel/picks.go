package kernel

import (
	"math"
	"unsafe"
)

// picks are the latents that a row may keep, ascending, in three slices with
// room for what collect writes beyond its last.
type picks struct {
	key   []float32 // what ranks it
	score []float32
	index []int32
}

func (p *picks) len() int { return len(p.index) }

func (p *picks) reset() { p.key, p.score, p.index = p.key[:0], p.score[:0], p.index[:0] }

// collect appends the keys [n] above a number, n a multiple of 16.
func (p *picks) collect(s *set, keys, scores []float32, above float32, first int) {
	at := p.len()
	p.reserve(len(keys) + 16)
	n := s.collect(keys, scores, above, int32(first), p.key[at:cap(p.key)], p.score[at:cap(p.score)], p.index[at:cap(p.index)])
	p.cut(at + n)
}

// reserve makes room for n more.
func (p *picks) reserve(n int) {
	if need := len(p.key) + n; need > cap(p.key) {
		room := max(2*cap(p.key), need+need/2)
		p.key = append(make([]float32, 0, room), p.key...)
		p.score = append(make([]float32, 0, room), p.score...)
		p.index = append(make([]int32, 0, room), p.index...)
	}
}

// begins are the addresses of the lists, the numbers' as though they were float32.
func (p *picks) begins() (key, score, index *float32) {
	return unsafe.SliceData(p.key), unsafe.SliceData(p.score), (*float32)(unsafe.Pointer(unsafe.SliceData(p.index)))
}

func (p *picks) cut(n int) { p.key, p.score, p.index = p.key[:n], p.score[:n], p.index[:n] }

func (p *picks) add(key, score float32, index int32) {
	p.reserve(1)
	p.key, p.score, p.index = append(p.key, key), append(p.score, score), append(p.index, index)
}

// copy makes p the same picks as from.
func (p *picks) copy(from *picks) {
	p.reset()
	p.reserve(from.len())
	p.key, p.score, p.index = append(p.key, from.key...), append(p.score, from.score...), append(p.index, from.index...)
}

// sort puts latents in ascending order (Shell's method: a few runs ascend
// already).
func (p *picks) sort() {
	for gap := p.len() / 2; gap > 0; gap /= 2 {
		for i := gap; i < p.len(); i++ {
			key, score, index := p.key[i], p.score[i], p.index[i]
			j := i
			for ; j >= gap && p.index[j-gap] > index; j -= gap {
				p.key[j], p.score[j], p.index[j] = p.key[j-gap], p.score[j-gap], p.index[j-gap]
			}
			p.key[j], p.score[j], p.index[j] = key, score, index
		}
	}
}

// keep drops all but those above bound and the first ties of those at it.
func (p *picks) keep(bound float32, ties int) (tied int) {
	n := 0
	for i, key := range p.key {
		if key < bound || key == bound && tied >= ties {
			continue
		}
		if key == bound {
			tied++
		}
		p.key[n], p.score[n], p.index[n] = key, p.score[i], p.index[i]
		n++
	}
	p.cut(n)
	return tied
}

// keepLargest keeps the k largest, 0 < k < len, and returns the smallest of
// them.
func (p *picks) keepLargest(k int, b *ranking) float32 {
	b.take(p.key)
	bound := b.kth(k)
	p.keep(bound, k-countAbove(p.key, bound))
	return bound
}

// A ranking finds the k-th largest of a copy of numbers.
type ranking struct {
	set *set
	x   []float32
}

func (b *ranking) take(x []float32) { b.x = append(b.x[:0], x...) }

func (b *ranking) add(x float32) { b.x = append(b.x, x) }

// kth is the k-th largest number taken, k from 1. It uses them up.
func (b *ranking) kth(k int) float32 {
	for len(b.x)%block != 0 {
		b.x = append(b.x, float32(math.Inf(-1)))
	}
	return b.set.kthLargest(b.x, k)
}

func countAbove(x []float32, bound float32) int {
	n := 0
	for _, v := range x {
		if v > bound {
			n++
		}
	}
	return n
}
