package vsae

// top is the k largest keys that a row has seen, in ascending order of their
// latents. It gathers some more than k before it drops the smallest. Of equal
// keys those of lower latents stay.
type top struct {
	k      int
	above  float32 // what a key must exceed to be added
	key    []float32
	score  []float32
	latent []int32
	buf    []float32
}

// begin empties it. Keys that are not above 0 are never kept.
func (t *top) begin(k int) {
	t.k, t.above = k, 0
	t.key, t.score, t.latent = t.key[:0], t.score[:0], t.latent[:0]
}

func (t *top) add(key, score float32, latent int32) {
	t.key, t.score, t.latent = append(t.key, key), append(t.score, score), append(t.latent, latent)
	if len(t.key) >= 2*t.k+32 {
		t.thin()
	}
}

// end drops all but the k largest.
func (t *top) end() {
	if len(t.key) > t.k {
		t.thin()
	}
}

// thin keeps the k largest of more.
func (t *top) thin() {
	t.buf = append(t.buf[:0], t.key...)
	bound := kthLargest(t.buf, t.k)
	ties := t.k
	for _, key := range t.key {
		if key > bound {
			ties--
		}
	}
	n := 0
	for i, key := range t.key {
		if key < bound || key == bound && ties == 0 {
			continue
		}
		if key == bound {
			ties--
		}
		t.key[n], t.score[n], t.latent[n] = key, t.score[i], t.latent[i]
		n++
	}
	t.key, t.score, t.latent, t.above = t.key[:n], t.score[:n], t.latent[:n], bound
}

// kthLargest is the k-th largest number of x, k from 1, none of them NaN. It
// reorders x.
func kthLargest(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1 // the answer stands in [lo,hi] of the falling order
	for lo < hi {
		pivot := x[(lo+hi)/2]
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
				i, j = i+1, j-1
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
