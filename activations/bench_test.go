package activations

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// benchDump writes 64 MB of rows of width 768 and opens them.
func benchDump(b *testing.B, half bool) *Dump {
	b.Helper()
	const d, step = 768, 1024
	n := 64 << 20 / (4 * d) / step * step
	if half {
		n *= 2
	}
	dir := filepath.Join(b.TempDir(), "dump")
	w, err := NewWriter(dir, Schema{D: d, Half: half, Columns: DocPos})
	if err != nil {
		b.Fatal(err)
	}
	rec := Batch{N: step, D: d, X: make([]float32, step*d), Doc: make([]int64, step), Pos: make([]int32, step)}
	rng := rand.New(rand.NewPCG(1, 1))
	for lo := 0; lo < n; lo += step {
		for i := range rec.X {
			rec.X[i] = float32(rng.NormFloat64())
		}
		if err := w.Write(&rec, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return mustOpen(b, dir)
}

// BenchmarkRead reads batches of 1024 rows that lie in the page cache.
func BenchmarkRead(b *testing.B) {
	for _, half := range []bool{false, true} {
		d := benchDump(b, half)
		all := AllRows(d.Rows())
		for _, order := range []string{"sequential", "random"} {
			b.Run(fmt.Sprintf("%s/half=%v", order, half), func(b *testing.B) {
				var rec Batch
				rows := make([]int64, 1024)
				rng := rand.New(rand.NewPCG(1, 1))
				b.SetBytes(int64(len(rows)) * d.cols[colActivation].stride())
				b.ReportAllocs()
				for i := int64(0); b.Loop(); i++ {
					all.Fill(rows, i*1024%d.Rows())
					if order == "random" {
						for j := range rows {
							rows[j] = rng.Int64N(d.Rows())
						}
					}
					if err := d.Read(&rec, rows, DocPos); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*1024/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	d := benchDump(b, false)
	b.SetBytes(d.shards[0].size)
	for b.Loop() {
		if _, err := d.sum(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	d := benchDump(b, false)
	b.SetBytes(d.shards[0].size)
	for b.Loop() {
		if err := d.Verify(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	const d, n = 768, 4096
	rec := Batch{N: n, D: d, X: make([]float32, n*d)}
	b.SetBytes(4 * d * n)
	for b.Loop() {
		w, err := NewWriter(filepath.Join(b.TempDir(), "dump"), Schema{D: d})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Write(&rec, nil); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
