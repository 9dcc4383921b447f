package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/activations"
)

func TestDataConvert(t *testing.T) {
	seeds, err := filepath.Abs("../../internal/interop/convert/testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	out, _ := want(t, 0, "data", "convert", filepath.Join(seeds, "lists.arrow"), "--out", "a", "--hook", "blocks.1.hook_resid_post", "--meta", "sae.dataset=none")
	if !strings.Contains(out, "6 rows of 4 values, float32") || !strings.Contains(out, "token_id") {
		t.Errorf("it prints\n%s", out)
	}
	want(t, 0, "data", "verify", "a")
	out, _ = want(t, 0, "data", "info", "a", "--json")
	var info dumpInfo
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		t.Fatal(err)
	}
	if info.Metadata[activations.KeyHook] != "blocks.1.hook_resid_post" || info.Metadata[activations.KeyDataset] != "none" || len(info.Columns) != 3 {
		t.Errorf("columns %v, metadata %v", info.Columns, info.Metadata)
	}
	if _, e := want(t, 1, "data", "convert", filepath.Join(seeds, "plain.npy"), "--out", "a"); !strings.Contains(e, "holds one already") {
		t.Errorf("a folder that holds a dump: %s", e)
	}
	out, _ = want(t, 0, "data", "convert", filepath.Join(seeds, "plain.npy"), "--out", "b", "--context", "3", "--float16", "--json",
		"--token-id", filepath.Join(seeds, "two.safetensors"))
	var res struct {
		Rows    int64
		Half    bool
		Columns map[string]string
	}
	if err := json.Unmarshal([]byte(out), &res); err != nil || res.Rows != 6 || !res.Half || !strings.Contains(res.Columns["token_id"], "token_ids") {
		t.Errorf("%s: %v", out, err)
	}
	for _, bad := range [][]string{{}, {"--out", "c", "--shard", "0"}, {"--out", "c", "--meta", "x"}} {
		want(t, 2, append([]string{"data", "convert", filepath.Join(seeds, "plain.npy")}, bad...)...)
	}
}
