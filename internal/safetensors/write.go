package safetensors

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// A Tensor is what Write stores: Data is []float32, []float64, []int64,
// []int32 or []uint8 with as many entries as Shape says.
type Tensor struct {
	Name  string
	Shape []int
	Data  any
}

// Write writes tensors in the given order with metadata (nil for none). The
// bytes are a function of its arguments alone.
func Write(w io.Writer, meta map[string]string, tensors []Tensor) error {
	header, err := encodeHeader(meta, tensors)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(header)))
	out.Write(length[:])
	out.Write(header)
	for _, t := range tensors {
		if err := writeData(out, t.Data); err != nil {
			return err
		}
	}
	return out.Flush()
}

func encodeHeader(meta map[string]string, tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if meta != nil {
		m, err := json.Marshal(meta) // keys are sorted
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `"__metadata__":%s`, m)
	}
	offset := int64(0)
	for _, t := range tensors {
		dtype, n, width := describe(t.Data)
		if want := (Info{Shape: t.Shape}).Len(); dtype == "" || n != want {
			return nil, fmt.Errorf("safetensors: tensor %q has shape %v and %d entries of %T", t.Name, t.Shape, n, t.Data)
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...))
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		end := offset + int64(n)*width
		fmt.Fprintf(&b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, offset, end)
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ') // aligns the data for readers that map the file
	}
	return b.Bytes(), nil
}

func describe(data any) (dtype string, n int, width int64) {
	switch x := data.(type) {
	case []float32:
		return "F32", len(x), 4
	case []float64:
		return "F64", len(x), 8
	case []int64:
		return "I64", len(x), 8
	case []int32:
		return "I32", len(x), 4
	case []uint8:
		return "U8", len(x), 1
	}
	return "", 0, 0
}

// writeChunk is how many entries are converted at a time.
const writeChunk = 1 << 14

func writeData(w io.Writer, data any) error {
	switch x := data.(type) {
	case []float32:
		return writeChunks(w, x)
	case []float64:
		return writeChunks(w, x)
	case []int64:
		return writeChunks(w, x)
	case []int32:
		return writeChunks(w, x)
	case []uint8:
		return writeChunks(w, x)
	}
	return fmt.Errorf("safetensors: cannot write %T", data)
}

// writeChunks converts into one buffer, so that saving leaves no garbage as
// large as what is saved.
func writeChunks[T any](w io.Writer, x []T) error {
	var buf []byte
	for len(x) > 0 {
		n := min(len(x), writeChunk)
		var err error
		if buf, err = binary.Append(buf[:0], binary.LittleEndian, x[:n]); err != nil {
			return err
		}
		if _, err = w.Write(buf); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}
