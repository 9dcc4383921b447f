// Command gsae prints the tables of docs/experiments/g-sae.md from the runs that
// scripts/experiments/g-sae.sh left in a folder.
//
//	go run ./scripts/experiments/gsae FOLDER
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/saectl/saectl/internal/figures"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gsae FOLDER")
	}
	settings, err := read(os.Args[1])
	if err == nil && len(settings) == 0 {
		err = fmt.Errorf("%s holds no runs", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
	report(os.Stdout, settings)
}

// A setting is the runs of all seeds that differ in nothing else.
type setting struct {
	k     int
	aux   bool   // with AuxK
	name  string // topk, beta0.3, scored
	seeds map[int]run
}

// A run has its figures without gradients, with them (nil for TopK), and in the
// model (nil when that was not run).
type run struct{ plain, gradient, spliced figures.Figures }

var nameOfRun = regexp.MustCompile(`^k(\d+)-(auxk-)?(.+)-s(\d+)$`)

// read collects the runs of a folder that were evaluated.
func read(dir string) (settings []*setting, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	spliced, err := readSpliced(filepath.Join(dir, "spliced.jsonl"))
	if err != nil {
		return nil, err
	}
	byName := map[string]*setting{}
	for _, e := range entries {
		m := nameOfRun.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		r, err := readRun(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if r.plain == nil {
			continue
		}
		r.spliced = spliced[e.Name()]
		key := m[1] + m[2] + m[3]
		if byName[key] == nil {
			s := &setting{aux: m[2] != "", name: m[3], seeds: map[int]run{}}
			s.k, _ = strconv.Atoi(m[1]) // digits
			byName[key] = s
			settings = append(settings, s)
		}
		seed, _ := strconv.Atoi(m[4])
		byName[key].seeds[seed] = r
	}
	return settings, nil
}

func readRun(dir string) (r run, err error) {
	if r.plain, err = figures.Read(filepath.Join(dir, "report.json")); err != nil {
		return r, err
	}
	r.gradient, err = figures.Read(filepath.Join(dir, "gradient", "report.json"))
	return r, err
}

// readSpliced reads what spliced.py printed, by the names of the runs; nothing
// when the file is not there.
func readSpliced(path string) (map[string]figures.Figures, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all := map[string]figures.Figures{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var l struct {
			Run                     string
			CE, Rise, Recovered, KL float64
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if l.Run != "" {
			all[filepath.Base(l.Run)] = figures.Figures{"ce": l.CE, "rise": l.Rise, "recovered": l.Recovered, "kl": l.KL}
		}
	}
	return all, lines.Err()
}
