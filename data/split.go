package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/activations"
)

// columnReader is what Split needs of a dump.
type columnReader interface {
	Name() string
	Has(activations.Columns) bool
	// ReadColumns is Read without activation.
	ReadColumns(b *activations.Batch, rows []int64, cols activations.Columns) error
}

// Split divides rows into those to train on and those to evaluate on, the
// share holdout of them (0 <= holdout < 1; 0 holds none out).
//
// Where the dump says which document a row is of, whole documents are held
// out: all are put in an order given by the seed and their number, and taken
// from the front until the share is reached. So no document is on both sides,
// also where its rows do not stand together, and a filter that leaves all
// documents changes little in which are held out. Otherwise the last rows are
// held out, one block, which has one border only with the training rows
// before it; the seed has no part in that.
//
// The result is a function of the dump, rows, holdout and seed. What is kept
// in memory while splitting does not grow with the number of documents; the
// result has a run for each stretch of rows on one side.
func Split(d columnReader, rows activations.Rows, holdout float64, seed uint64) (train, test activations.Rows, err error) {
	switch n := rows.Len(); {
	case !(holdout >= 0 && holdout < 1):
		return train, test, fmt.Errorf("data.holdout is %v, want at least 0 and below 1", holdout)
	case holdout == 0:
		return rows, test, nil
	case n < 2:
		return train, test, fmt.Errorf("%s: %d rows cannot be split into training and test rows; set data.holdout to 0", d.Name(), n)
	case !d.Has(activations.Doc):
		k := wanted(n, holdout)
		return rows.Slice(0, n-k), rows.Slice(n-k, n), nil
	}
	return splitDocs(d, rows, holdout, seed)
}

// wanted is how many of n rows to hold out, which leaves one on each side.
func wanted(n int64, holdout float64) int64 {
	return min(max(int64(math.Round(holdout*float64(n))), 1), n-1)
}

// keyBins is how many classes of keys are counted before one class is looked
// at key by key.
const keyBins = 1 << 16

// splitDocs finds the key up to which documents are held out in two passes
// over the document numbers: rows by class of key, then rows by key in the
// class that the border falls in. A third pass divides the rows.
func splitDocs(d columnReader, rows activations.Rows, holdout float64, seed uint64) (train, test activations.Rows, err error) {
	need := wanted(rows.Len(), holdout)
	var bins [keyBins]int64
	if err = eachDoc(d, rows, seed, func(key uint64, run activations.Run) {
		bins[key/(1<<64/keyBins)] += run.Hi - run.Lo
	}); err != nil {
		return train, test, err
	}
	bin := uint64(0)
	for bins[bin] < need {
		need -= bins[bin]
		bin++
	}
	within := map[uint64]int64{}
	if err = eachDoc(d, rows, seed, func(key uint64, run activations.Run) {
		if key/(1<<64/keyBins) == bin {
			within[key] += run.Hi - run.Lo
		}
	}); err != nil {
		return train, test, err
	}
	last := borderKey(within, need)
	var sides [2][]activations.Run
	err = eachDoc(d, rows, seed, func(key uint64, run activations.Run) {
		side := &sides[1]
		if key > last {
			side = &sides[0]
		}
		*side = appendRun(*side, run)
	})
	if err == nil && len(sides[0]) == 0 {
		err = fmt.Errorf("%s: data.holdout %g leaves no document to train on (documents are held out whole); lower it, or set it to 0", d.Name(), holdout)
	}
	return activations.MakeRows(sides[0]...), activations.MakeRows(sides[1]...), err
}

// borderKey is the last key to take for at least need rows, lowest keys first.
func borderKey(rows map[uint64]int64, need int64) uint64 {
	type entry struct {
		key uint64
		n   int64
	}
	list := make([]entry, 0, len(rows))
	for key, n := range rows {
		list = append(list, entry{key, n})
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	last := uint64(0)
	for _, e := range list {
		last = e.key
		if need -= e.n; need <= 0 {
			break
		}
	}
	return last
}

// appendRun joins runs that touch while they are collected, so that the list
// does not grow with the documents of one side that stand together.
func appendRun(runs []activations.Run, run activations.Run) []activations.Run {
	if k := len(runs) - 1; k >= 0 && runs[k].Hi == run.Lo {
		runs[k].Hi = run.Hi
		return runs
	}
	return append(runs, run)
}

// docRows is how many document numbers are read at a time.
const docRows = 1 << 16

// eachDoc calls do for each run of rows of one document, or part of it where a
// read ends, with the key of that document: its place in the seed's order.
func eachDoc(d columnReader, rows activations.Rows, seed uint64, do func(key uint64, run activations.Run)) error {
	var b activations.Batch
	list := make([]int64, docRows)
	for at := int64(0); ; {
		n := rows.Fill(list, at)
		if n == 0 {
			return nil
		}
		if err := d.ReadColumns(&b, list[:n], activations.Doc); err != nil {
			return err
		}
		for lo := 0; lo < n; {
			hi := lo + 1
			for hi < n && b.Doc[hi] == b.Doc[lo] && list[hi] == list[hi-1]+1 {
				hi++
			}
			do(Bits(seed, streamSplit, uint64(b.Doc[lo])), activations.Run{Lo: list[lo], Hi: list[hi-1] + 1})
			lo = hi
		}
		at += int64(n)
	}
}
