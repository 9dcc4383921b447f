// Package atomicfile writes files that are whole or not there: a process may
// be killed, or the disk be full, at any moment.
package atomicfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Prefix is how the name of a file that is being written starts. A killed
// process may leave one; Clean removes it.
const Prefix = ".writing-"

// Write writes a file under a temporary name, syncs it and renames it,
// so that path holds either what it held before or all that write wrote.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := write(f); err != nil {
		return f.explain(err)
	}
	return f.Commit()
}

// A File is written under a temporary name until Commit.
type File struct {
	*os.File
	path  string
	ended bool
}

// Create begins a file that will be at path.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), Prefix)
	if err != nil {
		return nil, fmt.Errorf("saving %s: %w", path, err)
	}
	return &File{File: f, path: path}, nil
}

func (f *File) explain(err error) error {
	return fmt.Errorf("saving %s: %w; what was saved before is intact", f.path, err)
}

// Commit syncs the file and gives it its name.
func (f *File) Commit() error {
	if err := f.finish(); err != nil {
		return err
	}
	return f.name()
}

// finish syncs and closes the file, which keeps its temporary name.
func (f *File) finish() error {
	f.ended = true
	err := f.Chmod(0o644)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return f.dropOn(err)
}

// name gives a finished file its name.
func (f *File) name() error {
	if err := f.dropOn(os.Rename(f.Name(), f.path)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

func (f *File) dropOn(err error) error {
	if err == nil {
		return nil
	}
	os.Remove(f.Name())
	return f.explain(err)
}

// Discard drops the file. After Commit it does nothing, so that it may be
// deferred.
func (f *File) Discard() {
	if !f.ended {
		f.ended = true
		f.Close()
		os.Remove(f.Name())
	}
}

// syncDir makes a rename survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// WriteBytes is Write of b.
func WriteBytes(path string, b []byte) error {
	return Write(path, bytesTo(b))
}

func bytesTo(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// Clean deletes what a killed process left half written in dir.
func Clean(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, Prefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
