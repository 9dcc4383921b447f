package data

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/saectl/saectl/activations"
)

// goroutines waits for those that are ending and counts the rest.
func goroutines(want int) int {
	for range 200 {
		if runtime.NumGoroutine() <= want {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}

func TestPrefetchKeepsOrderAndEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	f := &fake{n: 103, d: 2}
	p := Prefetch(NewSequential(f, activations.AllRows(103), 0, 10))
	var b activations.Batch
	next := int64(0)
	for {
		err := p.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		runtime.Gosched() // lets the reader write into what it should not
		f.check(t, &b)
		for _, row := range b.Row {
			if row != next {
				t.Fatalf("row %d, want %d", row, next)
			}
			next++
		}
	}
	if next != 103 {
		t.Errorf("%d rows, want 103", next)
	}
	if err := p.Next(&b); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v, want io.EOF", err)
	}
	if n := goroutines(before); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	p.Close()
}

func TestPrefetchGivesErrorsInOrder(t *testing.T) {
	f := &fake{n: 100, d: 1, fail: 25}
	p := Prefetch(NewSequential(f, activations.AllRows(100), 0, 10))
	defer p.Close()
	time.Sleep(10 * time.Millisecond) // the error is read before the first batch is asked for
	var b activations.Batch
	for i := range 2 {
		if err := p.Next(&b); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		f.check(t, &b)
	}
	for range 2 {
		if err := p.Next(&b); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a row that cannot be read gives %v", err)
		}
	}
}

func TestPrefetchCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	f := &fake{n: 1000, d: 1}
	for reads := range 8 {
		s, err := NewShuffle(f, activations.AllRows(1000), 0, 10, 1, ShufflePermutation)
		if err != nil {
			t.Fatal(err)
		}
		p := Prefetch(s)
		var b activations.Batch
		for range reads {
			if err := p.Next(&b); err != nil {
				t.Fatal(err)
			}
		}
		p.Close()
		ahead := s.Position() - int64(reads*10)
		if ahead < 0 || ahead > 10*batchesAhead {
			t.Errorf("after %d batches the source was %d rows ahead", reads, ahead)
		}
		if err := p.Next(&b); err == nil {
			t.Error("Next after Close gives no error")
		}
		p.Close()
	}
	if n := goroutines(before); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
