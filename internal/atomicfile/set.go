package atomicfile

import (
	"io"
	"os"
)

// A Set is files that are there together or, after an error, not at all, in
// places where none was before. All are written before the first gets its name,
// so that a full disk costs all of them; a process that is killed while they get
// their names leaves the first ones, and the last one says that all are there.
type Set struct {
	files []*File
}

// Write adds a file to the set, under a temporary name.
func (s *Set) Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Discard()
		return f.explain(err)
	}
	if err := f.finish(); err != nil {
		return err
	}
	s.files = append(s.files, f)
	return nil
}

// WriteBytes is Write of b.
func (s *Set) WriteBytes(path string, b []byte) error {
	return s.Write(path, bytesTo(b))
}

// Commit gives the files their names, in the order in which they were added.
// After an error none of them is there.
func (s *Set) Commit() error {
	for i, f := range s.files {
		if err := f.name(); err != nil {
			for _, named := range s.files[:i] {
				os.Remove(named.path)
			}
			s.files = s.files[i+1:]
			s.Discard()
			return err
		}
	}
	s.files = nil
	return nil
}

// Discard drops what was added. After Commit it does nothing, so that it may be
// deferred.
func (s *Set) Discard() {
	for _, f := range s.files {
		os.Remove(f.Name())
	}
	s.files = nil
}
