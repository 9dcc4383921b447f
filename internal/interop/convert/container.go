package convert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/saectl/saectl/internal/dtype"
)

// A container is a file, or a folder of files of one kind, that holds columns.
type container interface {
	// entries lists what the container holds, in order.
	entries() []entry
	// open opens an entry: as rows of activations, or flat, as single values.
	open(name string, flat bool) (*column, error)
	io.Closer
}

// An entry describes one column.
type entry struct {
	name  string
	kind  dtype.Type // "" for what is not read
	dims  int        // dimensions with those of lists
	array bool       // its values belong together, where a table's column has a row for each
	desc  string
}

// open opens the file or folder at path, whose kind is recognised by what is
// in it.
func open(path string) (container, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return openFolder(path)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: a source must be a regular file or a folder, for it is read in pieces; copy it into one", path)
	}
	return openFile(path)
}

// openFile recognises a file by how it begins.
func openFile(path string) (_ container, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return openSource(source{path: path, ReaderAt: f, Closer: f, size: st.Size()})
}

// A source is an open file.
type source struct {
	path string
	io.ReaderAt
	io.Closer
	size int64
}

func openSource(f source) (container, error) {
	head := make([]byte, min(f.size, 16))
	if _, err := f.ReadAt(head, 0); err != nil && len(head) > 0 {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	kind, err := recognise(f.path, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return kind(f)
}

// recognise gives what opens a file that begins with head. Where the bytes say
// nothing the end of the name does, so that a damaged file is called what it
// was meant to be.
func recognise(path string, head []byte) (func(source) (container, error), error) {
	if len(head) == 0 {
		return nil, errors.New("the file is empty; write it again")
	}
	starts := func(magic string) bool { return strings.HasPrefix(string(head), magic) }
	kinds := map[string]func(source) (container, error){
		".npy": openNpy, ".npz": openNpz, ".parquet": openParquet, ".arrow": openArrow, ".feather": openArrow, ".ipc": openArrow,
		".safetensors": openTensors, ".pt": openTorch, ".pth": openTorch, ".bin": openTorch,
	}
	byName := kinds[strings.ToLower(filepath.Ext(path))]
	switch {
	case starts(npyMagic):
		return openNpy, nil
	case starts("ARROW1"), starts("\xff\xff\xff\xff") && byName == nil:
		return openArrow, nil
	case starts("PAR1"), starts("PARE"):
		return openParquet, nil
	case byName != nil:
		return byName, nil
	case len(head) > 8 && head[8] == '{':
		return openTensors, nil
	case starts("PK"):
		return openNpz, nil
	case starts("\x80\x02"):
		return openTorch, nil
	}
	return nil, errors.New("the kind of file is not recognised; npy, npz, Parquet, Arrow, safetensors and torch files are read")
}

// A folder is files of one kind that continue each other.
type folder struct{ files []container }

// openFolder opens a data set that was saved to a folder, or a folder of files
// of one kind, read in the order of their names.
func openFolder(path string) (container, error) {
	paths, err := shards(path)
	if err != nil {
		return nil, err
	}
	f := &folder{}
	for _, p := range paths {
		c, err := openFile(p)
		if err != nil {
			f.Close()
			return nil, err
		}
		f.files = append(f.files, c)
	}
	return f, nil
}

// shards lists the files of a folder in order.
func shards(path string) ([]string, error) {
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names, others []string
	ext := ""
	for _, e := range list {
		switch e.Name() {
		case "state.json":
			return stateShards(path)
		case "dataset_info.json":
			if _, err := os.Stat(filepath.Join(path, "state.json")); err != nil {
				return nil, fmt.Errorf("%s: state.json is missing, which names the shards of a data set in order; save the data set again", path)
			}
		}
		x := strings.ToLower(filepath.Ext(e.Name()))
		if !slices.Contains([]string{".arrow", ".parquet", ".npy", ".npz", ".safetensors", ".pt"}, x) || strings.HasPrefix(e.Name(), ".") {
			others = append(others, e.Name())
			continue
		}
		if ext != "" && x != ext {
			return nil, fmt.Errorf("%s: it holds files of several kinds, such as %s and %s; give one of them, or a folder of one kind", path, filepath.Base(names[0]), e.Name())
		}
		ext, names = x, append(names, filepath.Join(path, e.Name()))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: the folder holds no file that is read (%s); give a folder that datasets' save_to_disk wrote, or one of npy, npz, Parquet, Arrow, safetensors or torch files",
			path, clipNames(others))
	}
	return names, nil // ReadDir sorts
}

func clipNames(names []string) string {
	switch {
	case len(names) == 0:
		return "it is empty"
	case len(names) > 6:
		return strings.Join(names[:6], ", ") + fmt.Sprintf(" and %d more", len(names)-6)
	}
	return strings.Join(names, ", ")
}

func (f *folder) entries() []entry { return f.files[0].entries() }

func (f *folder) open(name string, flat bool) (*column, error) {
	var parts []*column
	for _, c := range f.files {
		p, err := c.open(name, flat)
		if err != nil {
			return nil, err
		}
		if p.rows > 0 {
			parts = append(parts, p)
		}
	}
	switch len(parts) {
	case 0:
		return f.files[0].open(name, flat)
	case 1:
		return parts[0], nil
	}
	return join(parts)
}

func (f *folder) Close() error {
	var errs []error
	for _, c := range f.files {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
