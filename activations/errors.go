package activations

import (
	"errors"
	"fmt"
)

// errDamaged is the remedy for a file whose own description contradicts
// itself: nothing in it can be trusted.
var errDamaged = errors.New("the file is damaged; copy it again or write it again")

// maxShown is how much of a text from a file goes into a message.
const maxShown = 60

// clip shortens a text that a file gave, for a message.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return s[:maxShown] + "..."
}

// errorf is an error about record batch b.
func (b *batch) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: record batch %d: %w", b.shard.name, b.index, fmt.Errorf(format, args...))
}

// rowErrorf is an error about row r of record batch b. The number in the dump
// is added where it is another one.
func (b *batch) rowErrorf(r int64, format string, args ...any) error {
	in := ""
	if b.first != 0 {
		in = fmt.Sprintf(" (row %d of the dump)", b.first+r)
	}
	return fmt.Errorf("%s: record batch %d, row %d%s: %w", b.shard.name, b.index, r, in, fmt.Errorf(format, args...))
}
