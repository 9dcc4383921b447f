package interop

import (
	"bytes"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/sae"
)

func TestCodesRoundTrip(t *testing.T) {
	var file bytes.Buffer
	w, err := NewCodesWriter(&file, 9, map[string]string{"variant": "topk"})
	if err != nil {
		t.Fatal(err)
	}
	codes := sae.Encoded{N: 3, F: 9, RowPtr: []int32{0, 2, 2, 3}, Index: []int32{1, 8, 0}, Value: []float32{0.5, -2, 3}}
	for _, rows := range [][]int64{{4, 0, 7}, {9, 10, 11}} {
		if err := w.Write(&activations.Batch{N: 3, Row: rows}, codes); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if v, _ := r.Schema().Metadata().GetValue("sae.latents"); v != "9" || r.NumRecords() != 2 {
		t.Errorf("latents %q, %d batches", v, r.NumRecords())
	}
	rec, err := r.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	latent, value := rec.Column(1).(*array.List), rec.Column(2).(*array.List)
	if got := latent.Offsets(); !slices.Equal(got, codes.RowPtr) {
		t.Errorf("offsets %v, want %v", got, codes.RowPtr)
	}
	if got := latent.ListValues().(*array.Int32).Int32Values(); !slices.Equal(got, codes.Index) {
		t.Errorf("latents %v, want %v", got, codes.Index)
	}
	if got := value.ListValues().(*array.Float32).Float32Values(); !slices.Equal(got, codes.Value) {
		t.Errorf("values %v, want %v", got, codes.Value)
	}
	if got := rec.Column(0).(*array.Int64).Int64Values(); !slices.Equal(got, []int64{4, 0, 7}) {
		t.Errorf("rows %v", got)
	}
}
