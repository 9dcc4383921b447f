package convert

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/dtype"
)

// A table is an Arrow IPC file or stream.
type table struct {
	source
	t    *activations.Table
	cols []activations.TableColumn
}

func openArrow(f source) (container, error) {
	t, err := activations.OpenTable(activations.Shard{Name: f.path, R: f, Size: f.size})
	if err != nil {
		return nil, err
	}
	return &table{f, t, t.Columns()}, nil
}

func (t *table) entries() []entry {
	list := make([]entry, len(t.cols))
	for i, c := range t.cols {
		kind, dims := tableKind(c)
		list[i] = entry{name: c.Name, kind: kind, dims: dims, desc: c.Type}
	}
	return list
}

// tableKind gives the type of the values of a column, and its dimensions.
func tableKind(c activations.TableColumn) (dtype.Type, int) {
	kind, dims := dtype.Type(c.Elem), c.Depth+1
	switch {
	case strings.HasPrefix(c.Elem, "dictionary<") && strings.HasSuffix(c.Elem, "utf8>"), c.Elem == "large_utf8":
		kind = text
	case c.Elem == "fixed_size_binary": // two bytes a value, which Arrow has no type for
		kind, dims = "uint16", dims+1
	case kind == dtype.Bool || kind != text && kind.Size() == 0:
		kind = ""
	}
	return kind, dims
}

// arrayShape reads the shape that an Array2D column of datasets declares:
// [[ctx,d],"float32"] in the metadata of its extension type.
func arrayShape(c activations.TableColumn) ([]int64, error) {
	name := c.Metadata["ARROW:extension:name"]
	if !strings.Contains(name, "Array") || !strings.HasSuffix(name, "DExtensionType") {
		return nil, nil
	}
	var pair []json.RawMessage
	var shape []int64
	err := json.Unmarshal([]byte(c.Metadata["ARROW:extension:metadata"]), &pair)
	if err == nil && len(pair) > 0 {
		err = json.Unmarshal(pair[0], &shape)
	}
	if err != nil || len(shape) != c.Depth {
		return nil, fmt.Errorf("column %.80s: the shape of its extension type, %.80q, does not fit %s; save the data set again",
			c.Name, c.Metadata["ARROW:extension:metadata"], c.Type)
	}
	return shape, nil
}

func (t *table) open(name string, flat bool) (*column, error) {
	i, err := t.find(name)
	if err != nil {
		return nil, err
	}
	c := t.cols[i]
	kind, dims := tableKind(c)
	if kind == "" || dims > 5 {
		return nil, fmt.Errorf("%s: column %.80s is %.80s, which is not read; give it as lists of numbers", t.path, c.Name, c.Type)
	}
	declared, err := arrayShape(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	r := &tableReader{t: t, column: i, kind: kind, flat: flat || dims == 1, declared: declared}
	if index, ok := strings.CutPrefix(c.Elem, "dictionary<"); ok && kind == text {
		if r.dict, err = t.t.Dictionary(i); err != nil {
			return nil, err
		}
		r.index = dtype.Type(index[:strings.IndexByte(index, ',')])
	}
	return r.open(fmt.Sprintf("%s: column %s", t.path, c.Name))
}

func (t *table) find(name string) (int, error) {
	found, names := -1, []string{}
	for i, c := range t.cols {
		names = append(names, c.Name)
		if c.Name != name {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("%s: there are two columns called %.80s; rename one", t.path, name)
		}
		found = i
	}
	if found < 0 {
		return 0, fmt.Errorf("%s: there is no column %.80q; it has %s", t.path, name, clipNames(names))
	}
	return found, nil
}
