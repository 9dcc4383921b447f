package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/interop"
)

// TestEncodeRecon puts the reconstructions of the sample beside its rows: the
// error is what eval measures.
func TestEncodeRecon(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=60")...)
	out, _ := want(t, 0, "encode", "--sae", "runs/topk-001", "--out", "codes.arrow", "--recon", "recon")
	if !strings.Contains(out, "recon: reconstructions of") || !strings.Contains(out, "codes.arrow: ") {
		t.Errorf("it prints\n%s", out)
	}
	want(t, 0, "data", "verify", "recon")
	x, err := openDump("sample")
	if err != nil {
		t.Fatal(err)
	}
	y, err := activations.Open("recon")
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	if y.Rows() != x.Rows() || !y.HasToken() || !y.Has(activations.DocPos) || y.Has(activations.Gradient) || y.Metadata().Hook() != x.Metadata().Hook() {
		t.Fatalf("%d rows, columns %v, hook %q", y.Rows(), y.Columns(), y.Metadata().Hook())
	}
	var a, b activations.Batch
	rows := make([]int64, x.Rows())
	for i := range rows {
		rows[i] = int64(i)
	}
	if err := x.Read(&a, rows, activations.Doc); err != nil {
		t.Fatal(err)
	}
	if err := y.Read(&b, rows, activations.Doc); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, v := range a.X {
		sum += float64(v-b.X[i]) * float64(v-b.X[i])
	}
	out, _ = want(t, 0, "eval", "--sae", "runs/topk-001", "--split", "all", "--json")
	var report struct {
		Metrics map[string]struct{ Value float64 }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if mse := sum / float64(len(rows)); math.Abs(mse-report.Metrics["mse"].Value) > 1e-5*mse {
		t.Errorf("the error of the reconstructions is %g, eval says %g", mse, report.Metrics["mse"].Value)
	}
	if _, e := want(t, 1, "encode", "--sae", "runs/topk-001", "--recon", "recon"); !strings.Contains(e, "holds one already") {
		t.Errorf("a folder that holds a dump: %s", e)
	}
}

func TestEncodeDelphi(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, quick("--set", "train.steps=20")...)
	want(t, 0, "encode", "--sae", "runs/topk-001", "--format", "delphi", "--out", "cache", "--splits", "3", "--where", "pos>0")
	files, _ := filepath.Glob("cache/*/*.safetensors")
	if len(files) != 3 || filepath.Base(files[0]) != "0_31.safetensors" {
		t.Errorf("the cache holds %v", files)
	}
	if left, _ := os.ReadDir(filepath.Dir(files[0])); len(left) != 4 {
		t.Errorf("%d files in the cache, want 3 and config.json", len(left))
	}
	for _, bad := range [][]string{{}, {"--out", "x", "--format", "csv"}, {"--out", "x", "--splits", "2"}, {"--format", "delphi", "--recon", "y"}} {
		want(t, 2, append([]string{"encode", "--sae", "runs/topk-001"}, bad...)...)
	}
	if err := atomicfile.Write("plain.npy", func(w io.Writer) error { return interop.WriteNPY(w, 5, 64, make([]float32, 5*64)) }); err != nil {
		t.Fatal(err)
	}
	want(t, 0, "data", "convert", "plain.npy", "--out", "plain")
	if _, e := want(t, 1, "encode", "--sae", "runs/topk-001", "--dump", "plain", "--format", "delphi", "--out", "z"); !strings.Contains(e, "no documents") {
		t.Errorf("a dump without documents: %s", e)
	}
}
