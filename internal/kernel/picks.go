package kernel

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
	if len(p.key)+n > cap(p.key) {
		p.key = append(make([]float32, 0, 2*len(p.key)+n), p.key...)
		p.score = append(make([]float32, 0, 2*len(p.score)+n), p.score...)
		p.index = append(make([]int32, 0, 2*len(p.index)+n), p.index...)
	}
}

func (p *picks) cut(n int) { p.key, p.score, p.index = p.key[:n], p.score[:n], p.index[:n] }

func (p *picks) add(key, score float32, index int32) {
	p.reserve(1)
	p.key, p.score, p.index = append(p.key, key), append(p.score, score), append(p.index, index)
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
// them; buf has room for len numbers.
func (p *picks) keepLargest(k int, buf []float32) float32 {
	buf = buf[:copy(buf, p.key)]
	bound := kthLargest(buf, k)
	p.keep(bound, k-countAbove(p.key, bound))
	return bound
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

// kthLargest is the k-th largest number of x, k from 1, none of them NaN. It
// reorders x.
func kthLargest(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1 // the answer stands in [lo,hi] of the falling order
	for lo < hi {
		pivot := median(x[lo], x[(lo+hi)/2], x[hi])
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return x[k-1]
		}
	}
	return x[k-1]
}

func median(a, b, c float32) float32 {
	return max(min(a, b), min(max(a, b), c))
}
