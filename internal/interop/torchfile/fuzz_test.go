package torchfile

import (
	"bytes"
	"testing"
)

// FuzzNew reads any bytes as a file and, where that works, all its numbers.
// Files that are larger in memory than the bytes justify must not come out.
func FuzzNew(f *testing.F) {
	var small bytes.Buffer
	if err := Write(&small, "ae", []Entry{{"w", []int{2, 2}, []float32{1, 2, 3, 4}}, {"k", nil, []int32{3}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := New("fuzz", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, x := range file.Tensors() {
			all, err := x.Float32()
			if err == nil && len(all) > len(b) {
				t.Errorf("%d numbers out of %d bytes", len(all), len(b))
			}
			if _, err := x.Int64(); err == nil && x.Dtype[0] == 'F' {
				t.Errorf("%s read as integers", x.Dtype)
			}
		}
	})
}
