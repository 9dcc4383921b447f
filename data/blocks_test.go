package data

import (
	"slices"
	"testing"

	"github.com/saectl/saectl/activations"
)

// The rows of a block come within one window, and blocks do not come in order.
func TestShuffleBlocks(t *testing.T) {
	f := &fake{n: 4000, d: 1}
	s := shuffle(t, f, activations.AllRows(4000), 20, 5, ShuffleBlocks) // a batch is a window
	var first []int64
	for range 3 {
		got := take(t, f, s, 4000)
		shift, jumps := int64(-1), 0
		for w := 0; w < 4000; w += 20 {
			window := slices.Clone(got[w : w+20])
			if slices.IsSorted(window) {
				t.Errorf("the window at %d is in the order of the dump", w)
			}
			slices.Sort(window)
			if shift < 0 {
				shift = window[0] % 4 // unless a block goes round the end, which 4000 rows in blocks of 4 have none of
				for i := 1; i < 20; i++ {
					if window[i] != window[i-1]+1 {
						shift = window[i] % 4
					}
				}
			}
			blocks := map[int64]int{}
			for _, row := range window {
				blocks[(row-shift+4000)%4000/4]++
			}
			if len(blocks) != 5 {
				t.Fatalf("the window at %d has rows of %d blocks, want 5: %v", w, len(blocks), window)
			}
			if window[19]-window[0] > 40 {
				jumps++
			}
		}
		if jumps < 190 {
			t.Errorf("%d of 200 windows are of blocks from all over", jumps)
		}
		if slices.Equal(first, got) {
			t.Error("two epochs have the same order")
		}
		first = got
	}
}

// All columns of a row come with it.
func TestShuffleBlocksColumns(t *testing.T) {
	g := planted(t, func(p *Planted) { p.Groups, p.Rows = 3, 500 })
	cols := activations.DocPos | activations.Label
	a, err := NewShuffle(g, activations.AllRows(500), cols, 60, 5, ShuffleBlocks)
	if err != nil {
		t.Fatal(err)
	}
	a.blocks.block, a.blocks.span = 4, 20
	var got, want activations.Batch
	for range 20 {
		if err := a.Next(&got); err != nil {
			t.Fatal(err)
		}
		if err := g.Read(&want, got.Row, cols); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.X, want.X) || !slices.Equal(got.Doc, want.Doc) || !slices.Equal(got.Pos, want.Pos) || !slices.Equal(got.Label, want.Label) {
			t.Fatalf("rows %v come with columns of others", got.Row)
		}
		if got.Gradient != nil || got.TokenID != nil {
			t.Fatal("a batch has columns that the rows lack")
		}
	}
}
