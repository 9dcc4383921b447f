package kernel

import "math"

// selectBatch keeps the K·B largest keys of the batch. A sample of rows gives
// a guess at the smallest of them; all rows are searched for what lies above
// it, and again with a lower guess in the rare case that this is too little.
// So the guess costs time where it is bad, and changes no result.
func (s *Selector) selectBatch() {
	want := s.rule.K * s.b
	if s.rule.Total > 0 {
		want = s.rule.Total
	}
	guess := s.guess()
	for !s.collectBatch(guess, want) {
		guess = lower(guess)
	}
	s.thinBatch(want)
}

const (
	sampleEvery = 32 // of so many rows one is sampled
	sampleLeast = 8  // rows, or there is no guess
	sampleReach = 4  // a sampled row lists so many times K keys
	guessSlack  = 1.25
)

// guess estimates a bound that somewhat more than K keys a row exceed.
func (s *Selector) guess() float32 {
	rows := s.b / sampleEvery
	if rows < sampleLeast {
		return 0
	}
	s.run(pass{rows: rows, stride: sampleEvery, largest: min(sampleReach*s.rule.K, s.n)})
	s.all.take(nil)
	for i := range rows {
		s.all.x = append(s.all.x, s.perRow[i*sampleEvery].key...)
	}
	k := int(math.Ceil(guessSlack * float64(s.rule.K) * float64(rows)))
	if k > len(s.all.x) {
		return 0
	}
	return s.all.kth(k)
}

// lower halves a guess that was too high, and gives up on a small one. Where
// many keys are infinite the guess may be, too.
func lower(guess float32) float32 {
	if guess < 0x1p-60 {
		return 0
	}
	return min(guess, math.MaxFloat32) / 2
}

// candidateBytes bounds what the rows of one pass over a part of the batch
// can gather, should all their keys lie above the guess.
const candidateBytes = 128 << 20

// collectBatch gathers the keys above floor, the batch in parts, and reports
// whether these are as many as wanted or all that there are. Where they are far
// more, the bound rises for the parts to come, whose keys lose ties.
func (s *Selector) collectBatch(floor float32, want int) bool {
	rows := max(candidateBytes/(12*s.n), 2*itemRows*s.pool.Threads())
	total, complete := 0, floor == 0
	for first := 0; first < s.b; first += rows {
		n := min(rows, s.b-first)
		s.run(pass{first: first, rows: n, stride: 1, floor: floor})
		total = s.count(first + n)
		if first+n < s.b && total > 2*want {
			floor, complete = s.thinRows(first+n, want), true
			total = want
		}
	}
	return complete || total >= want
}

func (s *Selector) count(rows int) int {
	total := 0
	for i := range rows {
		total += s.perRow[i].len()
	}
	return total
}

func (s *Selector) thinBatch(want int) {
	if s.count(s.b) > want {
		s.thinRows(s.b, want)
	}
}

// thinRows keeps the k largest keys of the first rows, which hold more, and
// returns the smallest of them.
func (s *Selector) thinRows(rows, k int) float32 {
	s.all.take(nil)
	for i := range rows {
		s.all.x = append(s.all.x, s.perRow[i].key...)
	}
	bound := s.all.kth(k)
	ties := k
	for i := range rows {
		ties -= countAbove(s.perRow[i].key, bound)
	}
	for i := range rows {
		ties -= s.perRow[i].keep(bound, ties)
	}
	return bound
}
