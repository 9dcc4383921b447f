package activations

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// shardPattern is what the shards of a directory are called; other files in it
// are left alone.
const shardPattern = "part-*.arrow"

// tempPattern is what they are called until all of them are written.
const tempPattern = ".part-*.arrow.tmp"

// Open opens a dump: a directory of shards part-*.arrow, read in name order,
// or one Arrow file. It reads the metadata of the files alone, and keeps them
// open until Close.
func Open(path string) (*Dump, error) {
	paths, err := shardPaths(path)
	if err != nil {
		return nil, err
	}
	return openPaths(path, paths)
}

func openPaths(name string, paths []string) (_ *Dump, err error) {
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
		}
	}()
	var shards []Shard
	for _, p := range paths {
		f, size, err := openFile(p)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		shards = append(shards, Shard{Name: p, R: f, Size: size})
	}
	d, err := OpenShards(name, shards)
	if err != nil {
		return nil, err
	}
	d.files = files
	return d, nil
}

// openFile opens a regular file and gives its size. What is not one is found
// before it is opened, which waits for ever on a pipe.
func openFile(path string) (*os.File, int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, 0, fmt.Errorf("opening a shard of the dump: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: a shard must be a regular file, for rows are read by their place in it; copy it into one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("opening a shard of the dump: %w", err)
	}
	if st, err = f.Stat(); err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("opening a shard of the dump: %w", err)
	}
	return f, st.Size(), nil
}

// shardPaths lists the files of the dump at path.
func shardPaths(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the dump: %w", err)
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("opening the dump: %w", err)
	}
	var paths, others []string
	for _, e := range entries {
		if ok, _ := filepath.Match(shardPattern, e.Name()); ok {
			paths = append(paths, filepath.Join(path, e.Name()))
		} else {
			others = append(others, e.Name())
		}
	}
	if len(paths) == 0 {
		return nil, noShards(path, others)
	}
	slices.Sort(paths)
	return paths, nil
}

// noShards explains a directory without shards by what is in it.
func noShards(path string, others []string) error {
	err := fmt.Errorf("%s holds no shards called %s", path, shardPattern)
	if len(others) == 0 {
		return fmt.Errorf("%w; the folder is empty: give the folder of a dump", err)
	}
	for _, name := range others {
		if ok, _ := filepath.Match(tempPattern, name); ok {
			return fmt.Errorf("%w, only %s: the dump was not finished; write it again", err, name)
		}
		if st, e := os.Stat(filepath.Join(path, name)); e == nil && st.IsDir() {
			if sub, e := shardPaths(filepath.Join(path, name)); e == nil && len(sub) > 0 {
				return fmt.Errorf("%w, but its folder %s does; give %s", err, name, filepath.Join(path, name))
			}
		}
	}
	slices.Sort(others)
	return fmt.Errorf("%w, only %s; give the folder of a dump, or %s", err, clipList(others), listRemedy)
}
