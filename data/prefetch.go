package data

import (
	"errors"
	"sync"

	"github.com/saectl/saectl/activations"
)

// batchesAhead is how many batches Prefetch holds beside the caller's own. One
// would do if each took as long as the last; more ride out a slow read.
const batchesAhead = 3

var errClosed = errors.New("data: Next after Close")

// A Prefetcher is a Source that reads another ahead of its caller.
type Prefetcher struct {
	ready chan fetched            // read and not yet asked for
	free  chan *activations.Batch // given back by the caller
	stop  chan struct{}
	done  chan struct{} // closed when the goroutine has ended
	once  sync.Once
	err   error // the last result of Next, when no more follow
}

type fetched struct {
	b   *activations.Batch
	err error
}

// Prefetch reads src in one goroutine, at most a few batches ahead. src
// belongs to it until Close. Batches and the error that ends them come in the
// order of src; a Shuffle behind it has moved on by the batches read ahead.
func Prefetch(src activations.Source) *Prefetcher {
	p := &Prefetcher{
		ready: make(chan fetched, batchesAhead),
		free:  make(chan *activations.Batch, batchesAhead),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	for range batchesAhead {
		p.free <- new(activations.Batch)
	}
	go p.read(src)
	return p
}

func (p *Prefetcher) read(src activations.Source) {
	defer close(p.done)
	for {
		var b *activations.Batch
		select {
		case <-p.stop:
			return
		case b = <-p.free:
		}
		err := src.Next(b)
		select {
		case <-p.stop:
			return
		case p.ready <- fetched{b, err}:
		}
		if err != nil {
			return
		}
	}
}

// Next gives the next batch by swapping its slices with those of b, so
// nothing is copied. The error of src, io.EOF or another, is given once the
// batches before it have been, and from then on.
func (p *Prefetcher) Next(b *activations.Batch) error {
	if p.err != nil {
		return p.err
	}
	f := <-p.ready
	if f.err != nil {
		p.err = f.err
		return f.err
	}
	*b, *f.b = *f.b, *b
	p.free <- f.b
	return nil
}

// Close stops reading and returns when the goroutine has ended, which is after
// the read under way. It may be called twice, but not while Next runs.
func (p *Prefetcher) Close() error {
	p.once.Do(func() {
		close(p.stop)
		<-p.done
		p.err = errClosed
	})
	return nil
}
