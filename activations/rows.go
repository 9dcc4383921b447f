package activations

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Rows is a set of row numbers in ascending order, held as runs [Lo,Hi): all
// rows of a dump, those of one split, or those that a filter lets through. The
// zero value is empty. A Rows does not change once made.
type Rows struct {
	runs   []Run
	before []int64 // rows in the runs before each
	n      int64
}

// A Run is the rows Lo, Lo+1, ..., Hi-1.
type Run struct{ Lo, Hi int64 }

// AllRows are rows 0 to n-1.
func AllRows(n int64) Rows { return MakeRows(Run{0, n}) }

// MakeRows makes the set of the rows in any of the runs, which may come in any
// order and overlap.
func MakeRows(runs ...Run) Rows {
	byLo := func(x, y Run) int { return cmp.Compare(x.Lo, y.Lo) }
	if !slices.IsSortedFunc(runs, byLo) {
		runs = slices.SortedFunc(slices.Values(runs), byLo)
	}
	var r Rows
	for _, run := range runs {
		r.add(run)
	}
	return r
}

// add adds the rows of a run that begins no earlier than those before it.
func (r *Rows) add(run Run) {
	if k := len(r.runs) - 1; k >= 0 && run.Lo <= r.runs[k].Hi {
		more := max(0, run.Hi-r.runs[k].Hi)
		r.runs[k].Hi += more
		r.n += more
		return
	}
	if run.Lo < run.Hi {
		r.runs = append(r.runs, run)
		r.before = append(r.before, r.n)
		r.n += run.Hi - run.Lo
	}
}

// Len is the number of rows.
func (r Rows) Len() int64 { return r.n }

// At is row number i of the set, 0 <= i < Len.
func (r Rows) At(i int64) int64 {
	if len(r.runs) == 1 {
		return r.runs[0].Lo + i
	}
	k := r.run(i)
	return r.runs[k].Lo + i - r.before[k]
}

// run is the run that row number i of the set is in.
func (r Rows) run(i int64) int {
	return sort.Search(len(r.before), func(k int) bool { return r.before[k] > i }) - 1
}

// Fill sets dst to the rows from number i of the set on, and gives how many
// there were.
func (r Rows) Fill(dst []int64, i int64) int {
	n := int(min(int64(len(dst)), r.n-i))
	if n <= 0 {
		return 0
	}
	k := r.run(i)
	row := r.At(i)
	for j := range n {
		if row == r.runs[k].Hi {
			k++
			row = r.runs[k].Lo
		}
		dst[j] = row
		row++
	}
	return n
}

// Runs yields the runs in order.
func (r Rows) Runs() iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for _, run := range r.runs {
			if !yield(run) {
				return
			}
		}
	}
}

// Slice are rows number i to j-1 of the set, 0 <= i <= j <= Len.
func (r Rows) Slice(i, j int64) Rows {
	var s Rows
	if i >= j {
		return s
	}
	for k := r.run(i); k < len(r.runs) && r.before[k] < j; k++ {
		run := r.runs[k]
		from, to := max(i-r.before[k], 0), min(j-r.before[k], run.Hi-run.Lo)
		s.add(Run{run.Lo + from, run.Lo + to})
	}
	return s
}

// Contains reports whether a row is in the set.
func (r Rows) Contains(row int64) bool {
	k := sort.Search(len(r.runs), func(k int) bool { return r.runs[k].Hi > row })
	return k < len(r.runs) && r.runs[k].Lo <= row
}

// below is how many rows of the set are less than row.
func (r Rows) below(row int64) int64 {
	k := sort.Search(len(r.runs), func(k int) bool { return r.runs[k].Hi > row })
	if k == len(r.runs) {
		return r.n
	}
	return r.before[k] + max(0, row-r.runs[k].Lo)
}
