package activations

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// dataDir is the folder of real dumps beside the repository.
func dataDir(t testing.TB) string {
	dir := os.Getenv("SAECTL_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "dumps")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real dumps to read: %v (SAECTL_DATA names the folder that holds dumps/)", err)
	}
	return dir
}

// TestDataStatistics reads every dump that the README of the real data
// tabulates and compares the figures that stand there.
func TestDataStatistics(t *testing.T) {
	dir := dataDir(t)
	names, rows := statistics(t, filepath.Join(dir, "README.md"))
	for _, row := range rows {
		t.Run(strings.ReplaceAll(row[0], ", ", "_"), func(t *testing.T) {
			name, where, _ := strings.Cut(row[0], ", ")
			got := measure(t, filepath.Join(dir, name), where)
			compared := 0
			for i, head := range names[1:] {
				want, err := strconv.ParseFloat(strings.TrimSuffix(row[i+1], " %"), 64)
				have, known := got[head]
				if err != nil || !known {
					continue
				}
				compared++
				if math.Abs(have-want) > 0.51*math.Pow(10, -decimals(row[i+1])) {
					t.Errorf("%s is %v, the README says %s", head, have, row[i+1])
				}
			}
			if compared != len(got) {
				t.Errorf("compared %d of %d figures", compared, len(got))
			}
		})
	}
}

// statistics reads the table whose first column is "dump".
func statistics(t *testing.T, path string) (names []string, rows [][]string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		switch {
		case cells[0] == "dump" && names == nil:
			names = cells
		case names != nil && len(cells) == len(names):
			rows = append(rows, cells)
		case names != nil && len(rows) > 0:
			return names, rows
		}
	}
	t.Fatalf("%s: no table of statistics", path)
	return nil, nil
}

func decimals(s string) float64 {
	_, frac, _ := strings.Cut(s, ".")
	return float64(len(frac))
}

// measure reads a dump once, in batches, and gives what the table tabulates.
func measure(t *testing.T, path, where string) map[string]float64 {
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w, err := ParseWhere(where)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := d.Where(w, AllRows(d.Rows()))
	if err != nil {
		t.Fatal(err)
	}
	var norm, square, largest float64
	mean := make([]float64, d.D())
	var b Batch
	buf := make([]int64, 1000)
	for i := int64(0); i < rows.Len(); i += int64(b.N) {
		if err := d.Read(&b, buf[:rows.Fill(buf, i)], ^Columns(0)); err != nil {
			t.Fatal(err)
		}
		for r := range b.N {
			var s float64
			for j, x := range b.X[r*b.D : (r+1)*b.D] {
				s += float64(x) * float64(x)
				mean[j] += float64(x)
				largest = max(largest, math.Abs(float64(x)))
			}
			square += s
			norm += math.Sqrt(s)
		}
	}
	n := float64(rows.Len())
	var m float64
	for _, x := range mean {
		m += x / n * (x / n)
	}
	return map[string]float64{"rows": n, "mean of ‖x‖": norm / n, "mean of ‖x‖²": square / n, "‖mean x‖": math.Sqrt(m),
		"total variance": square/n - m, "max abs x": largest}
}
