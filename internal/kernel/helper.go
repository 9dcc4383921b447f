package kernel

import (
	"runtime"
	"sync/atomic"
)

// A helper is a worker of a Pool beside the caller of Run. To wake a goroutine
// takes as long as many an operation on a batch, so a helper looks out for the
// next task for a while before it sleeps, and a Run does not wait for one that
// has not begun when all items are taken.
type helper struct {
	state  atomic.Int32
	rounds int           // how long it looks out
	wake   chan struct{} // holds a token from when a sleeper is called until it wakes
	_      [128]byte     // the state of another helper lies in another cache line
}

// States of a helper. The caller of Run makes it called, takes that back, or
// makes running awaited; all other changes are its own.
const (
	idle int32 = iota
	asleep
	called
	running
	awaited // running, and the caller of Run sleeps until it is done
)

// A round of looking out is so many reads of the state, and lets other
// goroutines run; spinRounds of them take about a third of a millisecond.
const (
	spinReads  = 32
	spinRounds = 2000
)

// await returns true when the helper is to run, false when the pool is closed.
func (h *helper) await() bool {
	for {
		h.spin(func(state int32) bool { return state == called })
		if h.state.CompareAndSwap(called, running) {
			return true
		}
		if !h.state.CompareAndSwap(idle, asleep) {
			continue
		}
		if _, open := <-h.wake; !open {
			return false
		}
	}
}

// spin looks out for a state, and gives up in the end.
func (h *helper) spin(is func(state int32) bool) {
	for range h.rounds {
		for range spinReads {
			if is(h.state.Load()) {
				return
			}
		}
		runtime.Gosched()
	}
}

// call asks a helper that is idle or asleep to run.
func (h *helper) call() {
	if h.state.CompareAndSwap(idle, called) {
		return
	}
	h.state.Store(called)
	h.wake <- struct{}{}
}

// finish returns when the helper is done, or had not begun and will not.
func (h *helper) finish(done <-chan struct{}) {
	if h.state.CompareAndSwap(called, idle) {
		return
	}
	h.spin(func(state int32) bool { return state != running })
	if h.state.CompareAndSwap(running, awaited) {
		<-done
	}
}
