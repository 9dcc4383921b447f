package safetensors

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory: writing and reading in place take buffers of fixed size, not
// another copy of the tensor.
func TestMemory(t *testing.T) {
	x := make([]float32, 1<<22)
	for i := range x {
		x[i] = float32(i)
	}
	tensors := []Tensor{{Name: "x", Shape: []int{len(x)}, Data: x}}
	const most = 4 << 20
	var err error
	if n := allocated(func() { err = Write(io.Discard, nil, tensors) }); err != nil || n > most {
		t.Errorf("writing %d bytes allocates %d: %v", 4*len(x), n, err)
	}
	var file bytes.Buffer
	if err := Write(&file, nil, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := New("test", bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(x))
	if n := allocated(func() { err = f.FillFloat32("x", got) }); err != nil || n > most {
		t.Errorf("reading %d bytes in place allocates %d: %v", 4*len(x), n, err)
	}
	for i, v := range got {
		if v != x[i] {
			t.Fatalf("entry %d is %v, want %v", i, v, x[i])
		}
	}
	if err := f.FillFloat32("x", got[1:]); err == nil || !strings.Contains(err.Error(), "4194304 entries, want 4194303") {
		t.Errorf("a slice that is too short gives %v", err)
	}
}
