package kernel

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

func randomFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

type countTask struct{ seen []int32 }

func (c *countTask) Do(_, item int) { c.seen[item]++ }

func TestPoolRunsEveryItemOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		for _, items := range []int{0, 1, 3, 1000} {
			c := &countTask{make([]int32, items)}
			p.Run(items, c)
			for i, n := range c.seen {
				if n != 1 {
					t.Fatalf("threads %d: item %d ran %d times", threads, i, n)
				}
			}
		}
		p.Close()
		c := &countTask{make([]int32, 9)}
		p.Run(9, c)
		if c.seen[8] != 1 {
			t.Error("a closed pool does not run on its caller")
		}
	}
}

// TestPoolAfterPauses: helpers take part whether they look out, sleep, or were
// called too late for the run before.
func TestPoolAfterPauses(t *testing.T) {
	for _, threads := range []int{2, 3, 2 * runtime.GOMAXPROCS(0)} {
		p := NewPool(threads)
		for i := range 400 {
			if i%40 == 0 {
				time.Sleep(time.Duration(i) * 10 * time.Microsecond)
			}
			c := &countTask{make([]int32, 1+i%9)}
			p.Run(len(c.seen), c)
			for item, n := range c.seen {
				if n != 1 {
					t.Fatalf("threads %d, run %d: item %d ran %d times", threads, i, item, n)
				}
			}
		}
		p.Close()
	}
}

// crowdTask is done by all workers at once only.
type crowdTask struct{ all sync.WaitGroup }

func (c *crowdTask) Do(int, int) {
	c.all.Done()
	c.all.Wait()
}

// TestPoolUsesAllThreads: a run with as many items as workers, none of which ends
// before all have begun.
func TestPoolUsesAllThreads(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	for range 50 {
		c := &crowdTask{}
		c.all.Add(4)
		p.Run(4, c)
	}
}

type panicTask struct{}

func (panicTask) Do(_, item int) {
	if item == 7 {
		panic("seven")
	}
}

func TestPoolRaisesPanic(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for range 20 {
		func() {
			defer func() {
				if r := recover(); r != "seven" {
					t.Fatalf("recovered %v, want seven", r)
				}
			}()
			p.Run(100, panicTask{})
			t.Fatal("Run returned")
		}()
	}
	c := &countTask{make([]int32, 50)}
	p.Run(50, c)
	if c.seen[49] != 1 {
		t.Error("the pool does not work after a panic")
	}
}
