package activations

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// guard is the one boundary to Arrow's reader and writer: they panic at what
// they do not expect, which here becomes an error.
func guard(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the Arrow library does not accept it: %v", r)
		}
	}()
	return do()
}

// A budget is an allocator that gives out so many bytes and no more. Arrow
// allocates what a file claims, and what it reads in a damaged one need not be
// what our checks read.
type budget struct {
	memory.GoAllocator
	left int64
}

func (b *budget) spend(bytes int64) {
	if b.left -= bytes; b.left < 0 {
		panic(fmt.Sprintf("it asks for %d bytes more than the file can hold", -b.left))
	}
}

func (b *budget) Allocate(size int) []byte {
	b.spend(int64(size))
	return b.GoAllocator.Allocate(size)
}

func (b *budget) Reallocate(size int, old []byte) []byte {
	b.spend(int64(size)) // the old one is not free before the garbage is collected
	return b.GoAllocator.Reallocate(size, old)
}
