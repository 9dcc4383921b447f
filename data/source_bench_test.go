package data

import (
	"testing"

	"github.com/saectl/saectl/activations"
)

// BenchmarkShuffle reads shuffled batches of a dump of 300 MB (150 in float16)
// that the page cache holds.
func BenchmarkShuffle(b *testing.B) {
	const n, d, batch = 100_000, 768, 1024
	for name, half := range map[string]bool{"float32": false, "float16": true} {
		b.Run(name, func(b *testing.B) {
			rows := &activations.Batch{N: 1000, D: d, X: make([]float32, 1000*d)}
			NormalFill(rows.X, 1, 1)
			dir := b.TempDir()
			w, err := activations.NewWriter(dir, activations.Schema{D: d, Half: half})
			if err != nil {
				b.Fatal(err)
			}
			for range n / 1000 {
				if err := w.Write(rows, nil); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			dump, err := activations.Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			defer dump.Close()
			for kind, src := range sources(b, dump, batch) {
				b.Run(kind, func(b *testing.B) {
					var x activations.Batch
					b.SetBytes(batch * d * 4)
					b.ReportAllocs()
					for range b.N {
						if err := src.Next(&x); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

func sources(b *testing.B, dump *activations.Dump, batch int) map[string]activations.Source {
	list := map[string]activations.Source{}
	for _, kind := range []string{ShufflePermutation, ShuffleBlocks, ShuffleNone} {
		s, err := NewShuffle(dump, activations.AllRows(dump.Rows()), 0, batch, 1, kind)
		if err != nil {
			b.Fatal(err)
		}
		list[kind] = s
	}
	return list
}
