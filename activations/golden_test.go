package activations

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestHostileGolden opens every Arrow file of the collection of broken files.
// All must be refused: the files at once or when they are read, the streams
// because they are none.
func TestHostileGolden(t *testing.T) {
	root := os.Getenv("SAECTL_GOLDEN")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "golden")
	}
	dir := filepath.Join(root, "formats", "hostile")
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Skipf("no broken files to read: %v (SAECTL_GOLDEN names their folder)", err)
	}
	var manifest struct {
		Files []struct {
			Path, Wrong string
			OpenAs      string `json:"open_as"`
		}
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range manifest.Files {
		if f.OpenAs != "arrow_file" && f.OpenAs != "arrow_stream" {
			continue
		}
		n++
		t.Run("hostile/"+f.Path, func(t *testing.T) {
			path := filepath.Join(dir, filepath.FromSlash(f.Path))
			err := useAll(path)
			checkMessage(t, err, path)
			t.Logf("%s: %v", f.Wrong, err)
		})
	}
	if n == 0 {
		t.Error("the manifest lists no Arrow file")
	}
}
