// Package figures makes runs and reads the metrics of their evaluations for
// those that tabulate many of them, such as scripts/experiments.
package figures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Figures are the metrics of one evaluation by name.
type Figures map[string]float64

// Read reads what saectl eval wrote to path; nil when the file is not there.
func Read(path string) (Figures, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Parse reads what eval --json printed.
func Parse(b []byte) (Figures, error) {
	var report struct {
		Metrics map[string]struct{ Value float64 }
	}
	if err := json.Unmarshal(b, &report); err != nil {
		return nil, err
	}
	f := Figures{}
	for name, m := range report.Metrics {
		f[name] = m.Value
	}
	return f, nil
}
