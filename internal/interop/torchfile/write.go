package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// An Entry is a tensor to write: Data is []float32, []int64 or []int32 with as
// many entries as Shape says, row-major.
type Entry struct {
	Name  string
	Shape []int
	Data  any
}

// Write writes a file that torch.load reads as a dictionary of tensors in the
// given order. stem is the folder inside the archive, by custom the name of the
// file without its ending. The bytes are a function of the arguments alone.
func Write(w io.Writer, stem string, entries []Entry) error {
	pkl, err := pickleOf(entries)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	member := func(name string, write func(io.Writer) error) error {
		m, err := z.CreateHeader(&zip.FileHeader{Name: stem + "/" + name, Method: zip.Store})
		if err != nil {
			return err
		}
		return write(m)
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	if err := member("data.pkl", text(string(pkl))); err != nil {
		return err
	}
	if err := member("byteorder", text("little")); err != nil {
		return err
	}
	for i, e := range entries {
		if err := member(fmt.Sprint("data/", i), func(w io.Writer) error { return writeNumbers(w, e.Data) }); err != nil {
			return err
		}
	}
	if err := member("version", text("3\n")); err != nil {
		return err
	}
	return z.Close()
}

// writeNumbers writes numbers little-endian, some at a time.
func writeNumbers(w io.Writer, data any) error {
	switch x := data.(type) {
	case []float32:
		return inParts(w, x)
	case []int64:
		return inParts(w, x)
	case []int32:
		return inParts(w, x)
	}
	return fmt.Errorf("torchfile: cannot write %T", data)
}

func inParts[T any](w io.Writer, x []T) error {
	const part = 1 << 14
	for len(x) > 0 {
		n := min(len(x), part)
		if err := binary.Write(w, binary.LittleEndian, x[:n]); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// pickleOf describes the tensors, in protocol 2.
func pickleOf(entries []Entry) ([]byte, error) {
	var b bytes.Buffer
	b.Write([]byte{opProto, 2, opEmptyDict})
	for i, e := range entries {
		class, n := classOf(e.Data)
		if want := lengthOf(e.Shape); class == "" || n != want {
			return nil, fmt.Errorf("torchfile: tensor %q has shape %v and %d entries of %T", e.Name, e.Shape, n, e.Data)
		}
		pickleText(&b, e.Name)
		pickleGlobal(&b, "torch._utils", "_rebuild_tensor_v2")
		b.WriteByte(opMark)
		b.WriteByte(opMark)
		pickleText(&b, "storage")
		pickleGlobal(&b, "torch", class)
		pickleText(&b, fmt.Sprint(i))
		pickleText(&b, "cpu")
		pickleInt(&b, n)
		b.Write([]byte{opTuple, opPersist})
		pickleInt(&b, 0)
		pickleInts(&b, e.Shape)
		pickleInts(&b, contiguous(e.Shape))
		b.WriteByte(opFalse)
		pickleGlobal(&b, "collections", "OrderedDict")
		b.Write([]byte{opEmptyTuple, opReduce, opTuple, opReduce, opSetItem})
	}
	b.WriteByte(opStop)
	return b.Bytes(), nil
}

func classOf(data any) (class string, n int) {
	switch x := data.(type) {
	case []float32:
		return "FloatStorage", len(x)
	case []int64:
		return "LongStorage", len(x)
	case []int32:
		return "IntStorage", len(x)
	}
	return "", 0
}

func lengthOf(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// contiguous is the stride of a row-major tensor.
func contiguous(shape []int) []int {
	stride, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i], n = n, n*shape[i]
	}
	return stride
}

func pickleText(b *bytes.Buffer, s string) {
	b.WriteByte(opText)
	_ = binary.Write(b, binary.LittleEndian, uint32(len(s))) // a buffer takes it
	b.WriteString(s)
}

func pickleGlobal(b *bytes.Buffer, module, name string) {
	fmt.Fprintf(b, "%c%s\n%s\n", opGlobal, module, name)
}

// pickleInt writes an integer that is not negative, of up to 63 bits.
func pickleInt(b *bytes.Buffer, n int) {
	if n < 1<<31 {
		b.WriteByte(opInt)
		_ = binary.Write(b, binary.LittleEndian, int32(n))
		return
	}
	b.Write([]byte{opLong1, 8})
	_ = binary.Write(b, binary.LittleEndian, int64(n))
}

func pickleInts(b *bytes.Buffer, list []int) {
	b.WriteByte(opMark)
	for _, n := range list {
		pickleInt(b, n)
	}
	b.WriteByte(opTuple)
}
