package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/saectl/saectl/activations"
)

func list(r activations.Rows) (rows []int64) {
	for run := range r.Runs() {
		for i := run.Lo; i < run.Hi; i++ {
			rows = append(rows, i)
		}
	}
	return rows
}

// uneven documents: number k has 1 + k%13 rows.
func uneven(n int64) func(int64) int64 {
	doc := make([]int64, 0, n)
	for k := int64(0); int64(len(doc)) < n; k++ {
		for range 1 + k%13 {
			doc = append(doc, k)
		}
	}
	return func(row int64) int64 { return doc[row] }
}

func TestSplitByDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &fake{n: rapid.Int64Range(60, 3000).Draw(t, "rows"), d: 1}
		f.doc = uneven(f.n)
		rows := activations.AllRows(f.n)
		if step := rapid.Int64Range(1, 4).Draw(t, "step"); step > 1 {
			rows = every(step, f.n)
		}
		holdout, seed := rapid.Float64Range(0.001, 0.6).Draw(t, "holdout"), rapid.Uint64().Draw(t, "seed")
		train, test, err := Split(f, rows, holdout, seed)
		if err != nil {
			t.Fatal(err)
		}
		both := append(list(train), list(test)...)
		slices.Sort(both)
		if !slices.Equal(both, list(rows)) {
			t.Fatal("the two sides are not the rows once each")
		}
		held := map[int64]bool{}
		for _, row := range list(test) {
			held[f.doc(row)] = true
		}
		for _, row := range list(train) {
			if held[f.doc(row)] {
				t.Fatalf("document %d is on both sides", f.doc(row))
			}
		}
		// The share is reached, and passed by less than one document.
		if over := test.Len() - wanted(rows.Len(), holdout); over < 0 || over >= 13 {
			t.Fatalf("%d of %d rows held out for a share of %g", test.Len(), rows.Len(), holdout)
		}
	})
}

func TestSplitIsSeeded(t *testing.T) {
	f := &fake{n: 5000, d: 1, doc: uneven(5000)}
	all := activations.AllRows(5000)
	_, a, _ := Split(f, all, 0.1, 1)
	_, same, _ := Split(f, all, 0.1, 1)
	_, other, _ := Split(f, all, 0.1, 2)
	if !slices.Equal(list(a), list(same)) {
		t.Error("two splits with one seed differ")
	}
	if slices.Equal(list(a), list(other)) {
		t.Error("seeds 1 and 2 hold the same rows out")
	}
	// Held-out documents come from all over the dump.
	var sum float64
	for _, row := range list(a) {
		sum += float64(row)
	}
	if mean := sum / float64(a.Len()); mean < 1000 || mean > 4000 {
		t.Errorf("the mean held-out row is %.0f of 5000", mean)
	}
}

// A document whose rows do not stand together stays on one side.
func TestSplitRepeatedDocumentNumbers(t *testing.T) {
	f := &fake{n: 4000, d: 1, doc: func(row int64) int64 { return row / 10 % 100 }}
	train, test, err := Split(f, activations.AllRows(4000), 0.3, 4)
	if err != nil {
		t.Fatal(err)
	}
	held := map[int64]bool{}
	for _, row := range list(test) {
		held[f.doc(row)] = true
	}
	for _, row := range list(train) {
		if held[f.doc(row)] {
			t.Fatalf("document %d is on both sides", f.doc(row))
		}
	}
	if test.Len() != 1200 {
		t.Errorf("%d rows held out, want 1200", test.Len())
	}
}

// A filter that takes rows out of every document leaves the held-out
// documents nearly as they are.
func TestSplitUnderFilter(t *testing.T) {
	f := &fake{n: 20000, d: 1, doc: func(row int64) int64 { return row / 20 }}
	_, all, _ := Split(f, activations.AllRows(20000), 0.1, 9)
	var runs []activations.Run
	for lo := int64(0); lo < 20000; lo += 20 {
		runs = append(runs, activations.Run{Lo: lo + 1, Hi: lo + 20}) // as pos>0 does
	}
	_, filtered, _ := Split(f, activations.MakeRows(runs...), 0.1, 9)
	for _, row := range list(filtered) {
		if !all.Contains(row) {
			t.Fatalf("row %d is held out under the filter only", row)
		}
	}
}

func TestSplitByBlock(t *testing.T) {
	f := &fake{n: 1000, d: 1}
	train, test, err := Split(f, activations.AllRows(1000), 0.05, 3)
	if err != nil {
		t.Fatal(err)
	}
	if l := list(test); len(l) != 50 || l[0] != 950 || l[49] != 999 {
		t.Errorf("held out: %v, want the last 50 rows", l)
	}
	if l := list(train); len(l) != 950 || l[0] != 0 || l[949] != 949 {
		t.Errorf("%d rows to train on", len(l))
	}
	_, test, err = Split(f, every(10, 1000), 0.1, 3)
	if l := list(test); err != nil || len(l) != 10 || l[0] != 903 || l[9] != 993 {
		t.Errorf("held out of filtered rows: %v (%v)", l, err)
	}
}

func TestSplitNothingHeldOut(t *testing.T) {
	f := &fake{n: 10, d: 1, doc: uneven(10)}
	train, test, err := Split(f, activations.AllRows(10), 0, 3)
	if err != nil || train.Len() != 10 || test.Len() != 0 {
		t.Errorf("%d and %d rows, %v", train.Len(), test.Len(), err)
	}
}

func TestSplitErrors(t *testing.T) {
	one := func(int64) int64 { return 4 }
	for want, f := range map[string]*fake{
		"1 rows cannot be split":  {n: 1, d: 1},
		"no document to train on": {n: 50, d: 1, doc: one},
	} {
		if _, _, err := Split(f, activations.AllRows(f.n), 0.1, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for _, h := range []float64{-0.1, 1, math.NaN()} {
		if _, _, err := Split(&fake{n: 9, d: 1}, activations.AllRows(9), h, 0); err == nil || !strings.Contains(err.Error(), "data.holdout") {
			t.Errorf("holdout %v: error %v", h, err)
		}
	}
	f := &fake{n: 100, d: 1, doc: uneven(100), fail: 50}
	if _, _, err := Split(f, activations.AllRows(100), 0.1, 0); err == nil {
		t.Error("an unreadable row gives no error")
	}
	// Two rows, two documents: one each.
	f = &fake{n: 2, d: 1, doc: func(row int64) int64 { return row }}
	if train, test, err := Split(f, activations.AllRows(2), 0.01, 0); err != nil || train.Len() != 1 || test.Len() != 1 {
		t.Errorf("two documents: %d and %d rows, %v", train.Len(), test.Len(), err)
	}
}

func TestSplitRealDump(t *testing.T) {
	d := openReal(t, "stories260k-l3", "train")
	train, test, err := Split(d, activations.AllRows(d.Rows()), 0.05, 0)
	if err != nil {
		t.Fatal(err)
	}
	if test.Len() < 3000 || test.Len() >= 3128 || train.Len()+test.Len() != d.Rows() {
		t.Errorf("%d of %d rows held out", test.Len(), d.Rows())
	}
	for run := range test.Runs() { // documents of 128 rows, the last one shorter
		if run.Lo%128 != 0 || run.Hi%128 != 0 && run.Hi != d.Rows() {
			t.Errorf("rows %d to %d are not whole documents", run.Lo, run.Hi)
		}
	}
}
