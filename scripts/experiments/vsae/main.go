// Command vsae prints the tables of docs/experiments/vsae.md from the runs that
// scripts/experiments/vsae.sh left in a folder.
//
//	go run ./scripts/experiments/vsae FOLDER
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/saectl/saectl/internal/figures"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: vsae FOLDER")
	}
	settings, err := read(os.Args[1])
	if err == nil && len(settings) == 0 {
		err = fmt.Errorf("%s holds no runs", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
	report(os.Stdout, filepath.Base(os.Args[1]), settings)
}

// A setting is the runs of all seeds that differ in nothing else.
type setting struct {
	kind        string // null, none, fixed, learned, learnedselected
	sigma, beta float64
	seeds       map[int]figures.Figures
}

var nameOfRun = regexp.MustCompile(`^(null|none|fixed|learned|learnedselected)([\d.]*)-beta([\d.]+)-s(\d+)$`)

// read collects the runs of a folder that were evaluated, in the order of the
// tables.
func read(dir string) (settings []*setting, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	byName := map[string]*setting{}
	for _, e := range entries {
		m := nameOfRun.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		f, err := figures.Read(filepath.Join(dir, e.Name(), "report.json"))
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		key := m[1] + m[2] + "-" + m[3]
		if byName[key] == nil {
			s := &setting{kind: m[1], seeds: map[int]figures.Figures{}}
			s.sigma, _ = strconv.ParseFloat(m[2], 64) // none: 0
			s.beta, _ = strconv.ParseFloat(m[3], 64)
			byName[key] = s
			settings = append(settings, s)
		}
		seed, _ := strconv.Atoi(m[4])
		byName[key].seeds[seed] = f
	}
	slices.SortFunc(settings, func(a, b *setting) int {
		return slices.Compare(a.place(), b.place())
	})
	return settings, nil
}

// place sorts by β, the null model first, then by σ; learned variances come
// last.
func (s *setting) place() []float64 {
	kind := slices.Index([]string{"null", "none", "fixed", "learned", "learnedselected"}, s.kind)
	if kind > 2 {
		return []float64{1, float64(kind), s.beta}
	}
	return []float64{0, s.beta, float64(kind), s.sigma}
}
