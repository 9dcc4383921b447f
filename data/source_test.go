package data

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/saectl/saectl/activations"
)

// every is rows 3, 3+step, ... below n, as a filter leaves them.
func every(step, n int64) activations.Rows {
	var runs []activations.Run
	for i := int64(3); i < n; i += step {
		runs = append(runs, activations.Run{Lo: i, Hi: i + 1})
	}
	return activations.MakeRows(runs...)
}

// shuffle makes a Shuffle whose blocks, if it has them, are of 4 rows and whose
// windows are of 5 blocks.
func shuffle(t testing.TB, f rowReader, rows activations.Rows, batch int, seed uint64, kind string) *Shuffle {
	t.Helper()
	s, err := NewShuffle(f, rows, activations.Gradient, batch, seed, kind)
	if err != nil {
		t.Fatal(err)
	}
	if s.blocks != nil {
		s.blocks.block, s.blocks.span = 4, 20
	}
	return s
}

// take gives the next n rows of a Shuffle, whose batches must hold what they
// say.
func take(t *testing.T, f *fake, s *Shuffle, n int) []int64 {
	t.Helper()
	var b activations.Batch
	var got []int64
	for len(got) < n {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		if b.N != len(s.list) {
			t.Fatalf("a batch of %d rows, want %d", b.N, len(s.list))
		}
		f.check(t, &b)
		got = append(got, b.Row...)
	}
	return got[:n]
}

func TestShuffleHandsOutEveryRowOnceAnEpoch(t *testing.T) {
	f := &fake{n: 1000, d: 3}
	for _, rows := range []activations.Rows{activations.AllRows(1000), activations.AllRows(3), every(7, 1000)} {
		n := int(rows.Len())
		for _, batch := range []int{1, 7, 64, n, n + 1, 3 * n} { // batches straddle epochs
			for _, kind := range []string{ShufflePermutation, ShuffleBlocks} {
				everyRowOnce(t, take(t, f, shuffle(t, f, rows, batch, 5, kind), 4*n), list(rows))
			}
		}
	}
}

// everyRowOnce splits got into four epochs, which must be the rows wanted in
// orders that differ where there are enough rows for it.
func everyRowOnce(t *testing.T, got, want []int64) {
	t.Helper()
	n := len(want)
	for e := range 4 {
		epoch := slices.Clone(got[e*n : (e+1)*n])
		if n > 10 && e > 0 && slices.Equal(epoch, got[:n]) {
			t.Errorf("epochs 0 and %d have the same order", e)
		}
		if n > 10 && slices.IsSorted(epoch) {
			t.Errorf("epoch %d is in the order of the dump", e)
		}
		slices.Sort(epoch)
		if !slices.Equal(epoch, want) {
			t.Errorf("epoch %d is not every row once: %v", e, epoch)
		}
	}
}

func TestShuffleNoneRepeatsTheDump(t *testing.T) {
	f := &fake{n: 10, d: 2}
	s, err := NewShuffle(f, activations.AllRows(10), 0, 4, 5, ShuffleNone)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range take(t, f, s, 35) {
		if row != int64(i%10) {
			t.Fatalf("row %d handed out is %d", i, row)
		}
	}
}

func TestShuffleSeekIsReading(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := &fake{n: rapid.Int64Range(1, 300).Draw(r, "rows"), d: 1}
		batch := rapid.IntRange(1, 50).Draw(r, "batch")
		kind := rapid.SampledFrom([]string{ShufflePermutation, ShuffleBlocks, ShuffleNone}).Draw(r, "kind")
		batches := rapid.IntRange(0, 30).Draw(r, "batches")
		seed := rapid.Uint64().Draw(r, "seed")
		walked := shuffle(t, f, activations.AllRows(f.n), batch, seed, kind)
		jumped := shuffle(t, f, activations.AllRows(f.n), batch, seed, kind)
		take(t, f, walked, batches*batch)
		jumped.SeekTo(int64(batches * batch))
		if walked.Position() != jumped.Position() {
			r.Fatalf("position %d after reading, %d after seeking", walked.Position(), jumped.Position())
		}
		if a, b := take(t, f, walked, 3*batch), take(t, f, jumped, 3*batch); !slices.Equal(a, b) {
			r.Fatalf("reading on gives %v, seeking %v", a, b)
		}
		jumped.SeekTo(0)
		again := shuffle(t, f, activations.AllRows(f.n), batch, seed, kind)
		if a, b := take(t, f, again, batch), take(t, f, jumped, batch); !slices.Equal(a, b) {
			r.Fatalf("the start is %v, after going back %v", a, b)
		}
	})
}

func TestShuffleSeedMatters(t *testing.T) {
	f := &fake{n: 200, d: 1}
	a, _ := NewShuffle(f, activations.AllRows(200), 0, 200, 1, ShufflePermutation)
	b, _ := NewShuffle(f, activations.AllRows(200), 0, 200, 2, ShufflePermutation)
	if slices.Equal(take(t, f, a, 200), take(t, f, b, 200)) {
		t.Error("seeds 1 and 2 give the same order")
	}
}

func TestShuffleErrors(t *testing.T) {
	f := &fake{n: 10, d: 1}
	all := activations.AllRows(10)
	for want, make := range map[string]func() (*Shuffle, error){
		"data.shuffle":        func() (*Shuffle, error) { return NewShuffle(f, all, 0, 4, 0, "random") },
		"batch has 0 rows":    func() (*Shuffle, error) { return NewShuffle(f, all, 0, 0, 0, ShuffleNone) },
		"no rows to train on": func() (*Shuffle, error) { return NewShuffle(f, activations.Rows{}, 0, 4, 0, ShuffleNone) },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	f.fail = 6
	s, err := NewShuffle(f, all, 0, 4, 0, ShuffleNone)
	if err != nil {
		t.Fatal(err)
	}
	var b activations.Batch
	if err := s.Next(&b); err != nil {
		t.Fatal(err)
	}
	if err := s.Next(&b); err == nil || s.Position() != 4 {
		t.Errorf("a row that cannot be read: error %v, position %d, want an error and 4", err, s.Position())
	}
}

func TestSequential(t *testing.T) {
	f := &fake{n: 100, d: 2}
	rows := every(9, 100)
	s := NewSequential(f, rows, activations.Gradient, 4)
	var b activations.Batch
	var got, sizes []int64
	for {
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f.check(t, &b)
		if b.Gradient[0] != float32(7*b.Row[0]) {
			t.Errorf("row %d has gradient %v", b.Row[0], b.Gradient[0])
		}
		got, sizes = append(got, b.Row...), append(sizes, int64(b.N))
	}
	if want := []int64{3, 12, 21, 30, 39, 48, 57, 66, 75, 84, 93}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if !slices.Equal(sizes, []int64{4, 4, 3}) {
		t.Errorf("batches of %v rows, want 4, 4, 3", sizes)
	}
	if err := s.Next(&b); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v, want io.EOF", err)
	}
}

// What this package adds to a read allocates nothing once slices have grown.
func TestSourcesDoNotAllocate(t *testing.T) {
	f := &fake{n: 1000, d: 8}
	for _, kind := range []string{ShufflePermutation, ShuffleBlocks, ShuffleNone} {
		s := shuffle(t, f, every(3, 1000), 64, 1, kind)
		doesNotAllocate(t, Scaled(s, Scale{Kind: ScaleRowNorm, Factor: 1}))
	}
}

func doesNotAllocate(t *testing.T, src activations.Source) {
	t.Helper()
	var b activations.Batch
	next := func() {
		if err := src.Next(&b); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		next()
	}
	if n := testing.AllocsPerRun(50, next); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	ahead := Prefetch(src)
	defer ahead.Close()
	src = ahead
	for range 10 {
		next()
	}
	if n := testing.AllocsPerRun(50, next); n != 0 {
		t.Errorf("%v allocations a batch with Prefetch", n)
	}
}

// Rows of a real dump through Shuffle are the rows that Read gives by number.
func TestShuffleRealDump(t *testing.T) {
	d := openReal(t, "babyllama105-l3", "train")
	s, err := NewShuffle(d, activations.AllRows(d.Rows()), activations.Gradient, 1000, 3, ShufflePermutation)
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]bool, d.Rows())
	var b, one activations.Batch
	for range d.Rows() / 1000 {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		for i, row := range b.Row {
			if seen[row] {
				t.Fatalf("row %d comes twice", row)
			}
			seen[row] = true
			if i%250 != 0 {
				continue
			}
			if err := d.Read(&one, []int64{row}, activations.Gradient); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.X[i*b.D:(i+1)*b.D], one.X) || !slices.Equal(b.Gradient[i*b.D:(i+1)*b.D], one.Gradient) {
				t.Fatalf("row %d in a batch is not the row read alone", row)
			}
		}
	}
}
