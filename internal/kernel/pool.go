package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Task is work split into numbered items. Do(worker, item) may be called for
// different items at once; worker, in [0, Threads), names the scratch space it
// may use. An item must write only its own part of a result, so that the
// result does not depend on which worker ran it.
type Task interface {
	Do(worker, item int)
}

// A TaskFunc is a Task that is one function.
type TaskFunc func(worker, item int)

// Do calls f.
func (f TaskFunc) Do(worker, item int) { f(worker, item) }

// A Pool keeps goroutines waiting for tasks, so that Run allocates nothing.
// Run may be called from several goroutines, which take turns, but not from
// inside a Task.
type Pool struct {
	threads int
	helpers []*helper // one a worker after the first, which is the caller

	turn    sync.Mutex // held by one Run at a time
	closed  bool
	task    Task
	shares  []share       // one a worker
	sharing int           // workers of the run under way
	done    chan struct{} // a helper that was awaited is done
	failure atomic.Pointer[failure]
}

// A share is the items of a run that a worker begins with; it goes on with what
// is left of the others'. Items of the same share of a batch are then the same
// worker's from run to run, and what it wrote is in its own caches.
type share struct {
	next atomic.Int64
	end  int64
	_    [112]byte // each in cache lines of its own
}

// take gives the next item, or false when there is none left.
func (s *share) take() (int, bool) {
	if s.next.Load() >= s.end {
		return 0, false
	}
	item := s.next.Add(1) - 1
	return int(item), item < s.end
}

// failure is the value of the first panic of a Run.
type failure struct{ value any }

// NewPool starts a pool of the given number of threads, the caller of Run
// counted; 0 or less means GOMAXPROCS. A pool of 1 starts no goroutine.
func NewPool(threads int) *Pool {
	processors := runtime.GOMAXPROCS(0)
	if threads <= 0 {
		threads = processors
	}
	p := &Pool{threads: threads, done: make(chan struct{}), shares: make([]share, threads)}
	for worker := 1; worker < threads; worker++ {
		h := &helper{wake: make(chan struct{}, 1)}
		if threads <= processors {
			h.rounds = spinRounds
		}
		p.helpers = append(p.helpers, h)
		go p.serve(worker, h)
	}
	return p
}

// Threads is the number of workers that may run at once.
func (p *Pool) Threads() int { return p.threads }

// Run calls t.Do once for each item in [0, items) and returns when all are
// done. A panic in Do stops the handing out of items and is raised again here.
func (p *Pool) Run(items int, t Task) {
	if items <= 0 {
		return
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	n := min(items-1, len(p.helpers))
	if p.closed {
		n = 0
	}
	p.task = t
	p.divide(items, n+1)
	for _, h := range p.helpers[:n] {
		h.call()
	}
	p.drain(0)
	for _, h := range p.helpers[:n] {
		h.finish(p.done)
	}
	p.task = nil
	if f := p.failure.Swap(nil); f != nil {
		panic(f.value)
	}
}

// Close ends the goroutines. A closed pool still runs tasks, on the caller.
func (p *Pool) Close() {
	p.turn.Lock()
	defer p.turn.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	for _, h := range p.helpers {
		close(h.wake)
	}
}

func (p *Pool) serve(worker int, h *helper) {
	for h.await() {
		p.drain(worker)
		if h.state.Swap(idle) == awaited {
			p.done <- struct{}{}
		}
	}
}

// divide gives each of some workers a share of the items.
func (p *Pool) divide(items, workers int) {
	p.sharing = workers
	for w := range workers {
		s := &p.shares[w]
		s.next.Store(int64(items * w / workers))
		s.end = int64(items * (w + 1) / workers)
	}
}

// drain takes items until none is left, a worker's own first.
func (p *Pool) drain(worker int) {
	defer p.catch()
	for i := range p.sharing {
		s := &p.shares[(worker+i)%p.sharing]
		for item, ok := s.take(); ok; item, ok = s.take() {
			p.task.Do(worker, item)
		}
	}
}

// catch keeps the first panic for Run and makes the other workers stop.
func (p *Pool) catch() {
	value := recover()
	if value == nil {
		return
	}
	p.failure.CompareAndSwap(nil, &failure{value})
	for w := range p.sharing {
		p.shares[w].next.Store(p.shares[w].end)
	}
}
