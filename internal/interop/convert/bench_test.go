package convert

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkConvert converts 64 MiB of float32 from npy. The dump is written
// where TMPDIR says, and brought to that disk: name a RAM disk to measure the
// rest.
func BenchmarkConvert(b *testing.B) {
	const rows, d = 1 << 14, 1 << 10
	x := make([]float32, rows*d)
	for i := range x {
		x[i] = float32(i%8191) / 7
	}
	src := write(b, "x.npy", npyBytes("<f4", fmt.Sprintf("(%d, %d)", rows, d), x))
	out := filepath.Join(b.TempDir(), "dump")
	b.SetBytes(4 * rows * d)
	for b.Loop() {
		if _, err := Convert(context.Background(), src, out, Options{}); err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(out); err != nil {
			b.Fatal(err)
		}
	}
}
