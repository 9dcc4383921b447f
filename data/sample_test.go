package data

import (
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
)

// openSample reads the embedded sample whole.
func openSample(t *testing.T) (*activations.Dump, activations.Batch, []string) {
	t.Helper()
	d, err := SampleDump()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int64, d.Rows())
	for i := range rows {
		rows[i] = int64(i)
	}
	var b activations.Batch
	if err := d.Read(&b, rows, activations.DocPos|activations.TokenID|activations.Gradient); err != nil {
		t.Fatal(err)
	}
	tokens, err := d.Tokens(rows)
	if err != nil {
		t.Fatal(err)
	}
	return d, b, tokens
}

func TestSampleIsSmall(t *testing.T) {
	d, b, _ := openSample(t)
	if b.N < 28_000 || d.D() != 64 || !d.Half() {
		t.Errorf("the sample has %d rows of width %d, float16 %v", b.N, d.D(), d.Half())
	}
	var total int64
	for _, s := range d.Shards() {
		total += s.Size
		if s.Size >= 1_400_000 {
			t.Errorf("%s has %d bytes", s.Name, s.Size)
		}
	}
	if total > 8_000_000 {
		t.Errorf("the sample has %d bytes", total)
	}
	if sum, err := d.Metadata().LossReduction(); sum != "sum" || err != nil {
		t.Errorf("loss reduction %q, %v", sum, err)
	}
}

func TestSampleDocumentsAreWindows(t *testing.T) {
	const window = 128
	_, b, _ := openSample(t)
	for i := range b.N {
		if b.Doc[i] != int64(i/window) || b.Pos[i] != int32(i%window) {
			t.Fatalf("row %d is position %d of document %d", i, b.Pos[i], b.Doc[i])
		}
	}
	if b.N%window != 0 {
		t.Errorf("the last document has %d rows", b.N%window)
	}
}

// Every row has a loss after it, so every row has a gradient.
func TestSampleGradients(t *testing.T) {
	_, b, _ := openSample(t)
	for i := range b.N {
		var sum float64
		for _, g := range b.Gradient[i*b.D : (i+1)*b.D] {
			sum += float64(g) * float64(g)
		}
		if sum == 0 {
			t.Fatalf("row %d has no gradient", i)
		}
	}
}

func TestSampleTokens(t *testing.T) {
	_, b, tokens := openSample(t)
	text := map[int32]string{}
	for i, id := range b.TokenID {
		if known, ok := text[id]; ok && known != tokens[i] {
			t.Fatalf("token %d is %q and, at row %d, %q", id, known, i, tokens[i])
		}
		text[id] = tokens[i]
	}
	all := strings.Join(tokens, "")
	for _, want := range []string{"package ", "import (\n", "\nfunc ", "\n// ", "if err != nil {", "return ", "\"", "}\n"} {
		if strings.Count(all, want) < 10 {
			t.Errorf("%q stands %d times in the text", want, strings.Count(all, want))
		}
	}
}
