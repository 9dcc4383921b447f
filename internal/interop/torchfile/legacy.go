package torchfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// magicNumber opens a file of the old layout, as a pickled integer.
const magicNumber = "119547037146038801333356"

// openLegacy reads the layout before PyTorch 1.6: pickles of a magic number, of
// the version 1001, of the sizes of types, of the object and of the keys of its
// storages; then each storage's number of entries and the entries.
func openLegacy(r io.ReaderAt, size int64) (any, error) {
	m := newMachine(io.NewSectionReader(r, 0, size), size)
	magic, err := m.run()
	if err != nil {
		return nil, err
	}
	if n, ok := magic.(*big.Int); !ok || n.String() != magicNumber {
		return nil, errors.New("not a torch file: a pickle without the magic number of torch.save")
	}
	version, err := m.run()
	if err == nil && version != any(int64(1001)) {
		err = errors.New("the version is not 1001, the only one known")
	}
	if err == nil {
		_, err = m.run() // the sizes of C types where it was written
	}
	if err != nil {
		return nil, err
	}
	found := map[string]*storage{}
	m.find = func(key string, e elements) (*storage, error) {
		if found[key] == nil {
			found[key] = &storage{key: key, missing: true, width: e.width}
		}
		return found[key], nil
	}
	object, err := m.run()
	if err != nil {
		return nil, err
	}
	keys, err := m.run()
	if err != nil {
		return nil, err
	}
	return object, place(found, keys, r, m.at(), size)
}

// place finds the storages, which follow one another from the byte at on.
func place(found map[string]*storage, keys any, r io.ReaderAt, at, size int64) error {
	order, ok := keys.(*list)
	if !ok {
		return fmt.Errorf("the keys of the storages are %s, want a list", kindOf(keys))
	}
	for _, k := range order.items {
		key, _ := k.(string)
		s := found[key]
		if s == nil {
			return fmt.Errorf("storage %.40q belongs to no tensor, so its size is not known", fmt.Sprint(k))
		}
		if !s.missing {
			return fmt.Errorf("storage %s is listed twice", key)
		}
		var count [8]byte
		if _, err := r.ReadAt(count[:], at); err != nil {
			return fmt.Errorf("storage %s: the file is cut short", key)
		}
		n := binary.LittleEndian.Uint64(count[:])
		left := size - at - 8
		if n > uint64(left)/uint64(s.width) {
			return fmt.Errorf("storage %s: %d elements claimed, %d bytes present", key, n, left)
		}
		s.missing, s.bytes = false, int64(n)*int64(s.width)
		s.r = io.NewSectionReader(r, at+8, s.bytes)
		at += 8 + s.bytes
	}
	return nil
}
