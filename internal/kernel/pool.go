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

// A Pool keeps goroutines waiting for tasks, so that Run allocates nothing.
// Run may be called from several goroutines, which take turns, but not from
// inside a Task.
type Pool struct {
	threads int
	helpers []*helper // one a worker after the first, which is the caller

	turn    sync.Mutex // held by one Run at a time
	closed  bool
	task    Task
	items   int64
	next    atomic.Int64
	done    chan struct{} // a helper that was awaited is done
	failure atomic.Pointer[failure]
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
	p := &Pool{threads: threads, done: make(chan struct{})}
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
	p.task, p.items = t, int64(items)
	p.next.Store(0)
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

// drain takes items until none is left.
func (p *Pool) drain(worker int) {
	defer p.catch()
	for {
		item := p.next.Add(1) - 1
		if item >= p.items {
			return
		}
		p.task.Do(worker, int(item))
	}
}

// catch keeps the first panic for Run and makes the other workers stop.
func (p *Pool) catch() {
	value := recover()
	if value == nil {
		return
	}
	p.failure.CompareAndSwap(nil, &failure{value})
	p.next.Store(p.items)
}
