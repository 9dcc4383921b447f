package convert

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fuzzCost is what reading a small file to its end may allocate, whatever it
// says of itself.
const fuzzCost = 32 << 20

// use opens b as a file of a name and reads all its columns. It reports what
// must not happen; errors are fine.
func use(t *testing.T, name string, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := readWhole(name, b)
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > fuzzCost+100*uint64(len(b)) {
		t.Errorf("%d bytes were allocated for a file of %d", cost, len(b))
	}
	if err == io.ErrShortBuffer {
		t.Error("a reader gives other rows than asked for")
	}
	if err != nil && (strings.Contains(err.Error(), "runtime error") || len(err.Error()) > 1500) {
		t.Errorf("not a clear error: %.1500v", err)
	}
}

func readWhole(name string, b []byte) error {
	c, err := openSource(source{path: name, ReaderAt: bytes.NewReader(b), Closer: io.NopCloser(nil), size: int64(len(b))})
	if err != nil {
		return err
	}
	if len(c.entries()) > 64 {
		return nil // all of them would be read, one after the other
	}
	for _, e := range c.entries() {
		for _, flat := range []bool{false, true} {
			if e := drain(c, e.name, flat); e != nil {
				err = e
			}
		}
	}
	if err != nil {
		return err
	}
	_, _, err = stacked(name, c, c.entries())
	return err
}

// fuzzKind fuzzes the reader of files that end in ext.
func fuzzKind(f *testing.F, ext string) {
	list, err := filepath.Glob(filepath.Join(seeds, "*"+ext))
	if err != nil || len(list) == 0 {
		f.Fatalf("no seeds for %s: %v", ext, err)
	}
	for _, path := range list {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { use(t, "x"+ext, b) })
}

func FuzzNpy(f *testing.F)     { fuzzKind(f, ".npy") }
func FuzzNpz(f *testing.F)     { fuzzKind(f, ".npz") }
func FuzzArrow(f *testing.F)   { fuzzKind(f, ".arrow") }
func FuzzParquet(f *testing.F) { fuzzKind(f, ".parquet") }
func FuzzTensors(f *testing.F) { fuzzKind(f, ".safetensors") }
func FuzzTorch(f *testing.F)   { fuzzKind(f, ".pt") }

// FuzzState looks for a state.json that leads out of its folder.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"_data_files":[{"filename":"data-00000-of-00001.arrow"}]}`))
	f.Add([]byte(`{"_data_files":[{"filename":".."},{"filename":"."},{"filename":""}]}`))
	const dir = "/data/set"
	f.Fuzz(func(t *testing.T, b []byte) {
		names, _ := shardNames(b)
		for _, n := range names {
			if path := filepath.Join(dir, n); filepath.Dir(path) != dir {
				t.Errorf("the shard %q lies elsewhere", n)
			}
		}
	})
}

// TestDamaged flips bits, overwrites words and cuts the seeds.
func TestDamaged(t *testing.T) {
	list, _ := os.ReadDir(seeds)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, e := range list {
		whole, err := os.ReadFile(filepath.Join(seeds, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			b := bytes.Clone(whole)
			at := rng.IntN(len(b))
			switch rng.IntN(4) {
			case 0:
				b = b[:at]
			case 1:
				copy(b[at:], []byte{0xff, 0xff, 0xff, 0x7f}[:min(4, len(b)-at)])
			case 2:
				b[at] = byte(rng.Uint32())
			default:
				b[at] ^= 1 << rng.IntN(8)
			}
			use(t, e.Name(), b)
		}
	}
}
