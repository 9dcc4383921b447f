package figures

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if f, err := Read(path); f != nil || err != nil {
		t.Errorf("a report that is missing: %v, %v", f, err)
	}
	for _, c := range []struct {
		text string
		want Figures
	}{
		{`{"sae": {}, "metrics": {"fvu": {"value": 0.25, "rows": 3}, "l0": {"value": 16}}}`, Figures{"fvu": 0.25, "l0": 16}},
		{`{"metrics": `, nil},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Read(path)
		if !maps.Equal(f, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%s: %v, %v", c.text, f, err)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
}
