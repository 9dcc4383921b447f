// Command mpsae prints the tables of docs/experiments/mp-sae.md from the runs
// that scripts/experiments/mp-sae.sh left in a folder.
//
//	go run ./scripts/experiments/mpsae FOLDER
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: mpsae FOLDER")
	}
	if err := tables(os.Stdout, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func tables(w io.Writer, dir string) error {
	trees, err := readTrees(dir)
	if err != nil {
		return err
	}
	printTrees(w, trees)
	folders, err := filepath.Glob(filepath.Join(dir, "steps-*", "sweep.json"))
	if err != nil {
		return err
	}
	for _, path := range folders {
		if err := printSteps(w, filepath.Dir(path)); err != nil {
			return err
		}
	}
	if len(trees)+len(folders) == 0 {
		return fmt.Errorf("%s holds no finished runs", dir)
	}
	return nil
}

// A table is what is read of sweep.json.
type table struct {
	Runs []struct {
		Run, Variant string
		Metrics      map[string]float64
	}
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

var treeName = regexp.MustCompile(`^((?:tree-c|child-m)[0-9.]+)-s\d+$`)

// readTrees collects the finished sweeps over trees, by tree and variant.
func readTrees(dir string) (all []*result, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		m := treeName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "done")); err != nil {
			continue
		}
		var t table
		if err := readJSON(filepath.Join(dir, e.Name(), "sweep.json"), &t); err != nil {
			return nil, err
		}
		for _, r := range t.Runs {
			if len(r.Metrics) > 0 { // else it is not finished
				all = add(all, m[1], r.Variant, r.Metrics)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *result) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

// add puts the figures of a run to those of its setting.
func add(all []*result, name, variant string, figures map[string]float64) []*result {
	i := slices.IndexFunc(all, func(r *result) bool { return r.name == name && r.variant == variant })
	if i < 0 {
		i, all = len(all), append(all, &result{name: name, variant: variant})
	}
	all[i].seeds = append(all[i].seeds, figures)
	return all
}

func printTrees(w io.Writer, all []*result) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "| tree | variant | seeds | L0 | squared error | matched cosine | worst of all seeds | flat error | hierarchical error | absorption | children found, % |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range all {
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s | %s | %.3f | %s | %s | %s | %s |\n", treeTitle(r.name), r.variant, len(r.seeds),
			r.cell("%.3f", "l0", 1), r.cell("%.1e", "mse", 1), r.cell("%.3f", "tree_matched_cosine_mean", 1), r.least("tree_matched_cosine_min"),
			r.cell("%.1e", "tree_flat_error", 1), r.cell("%.1e", "tree_hierarchical_error", 1), r.cell("%.2g", "tree_absorption", 1), r.cell("%.0f", "tree_children_found", 100))
	}
	fmt.Fprintln(w)
}

func treeTitle(name string) string {
	if c, ok := strings.CutPrefix(name, "tree-c"); ok {
		return "correlation " + c
	}
	return "child mean " + strings.TrimPrefix(name, "child-m")
}

// A ladder is what is read of the report of a run.
type ladder struct {
	SAE     struct{ Variant string }
	Metrics map[string]struct{ Value float64 }
	Series  map[string]struct{ X, Y []float64 }
}

// figures are the metrics and, as name@x, the points of the series by k.
func (l ladder) figures() map[string]float64 {
	f := map[string]float64{}
	for name, m := range l.Metrics {
		f[name] = m.Value
	}
	for _, name := range []string{"fvu_at_k", "fvu_by_k"} {
		for i, x := range l.Series[name].X {
			f[fmt.Sprintf("%s@%g", name, x)] = l.Series[name].Y[i]
		}
	}
	return f
}

// printSteps prints the error by the k of inference, and the dictionaries.
func printSteps(w io.Writer, dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "ladder.json"))
	if err != nil {
		return err
	}
	var all []*result
	ks := map[float64]bool{}
	for _, path := range paths {
		var l ladder
		if err := readJSON(path, &l); err != nil {
			return err
		}
		for _, k := range l.Series["fvu_by_k"].X {
			ks[k] = true
		}
		all = add(all, filepath.Base(dir), l.SAE.Variant, l.figures())
	}
	if len(all) == 0 {
		return nil
	}
	fmt.Fprintf(w, "%s\n\n", filepath.Base(dir))
	printLadder(w, all, slices.Sorted(maps.Keys(ks)))
	return printDictionaries(w, dir, all)
}

func printLadder(w io.Writer, all []*result, ks []float64) {
	fmt.Fprint(w, "| FVU at k |")
	for _, k := range ks {
		fmt.Fprintf(w, " %g |", k)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat(" --- |", len(ks)+1))
	for _, how := range []struct{ series, title string }{{"fvu_at_k", ""}, {"fvu_by_k", ", codes cut"}} {
		for _, r := range all {
			if len(r.values(fmt.Sprintf("%s@%g", how.series, ks[0]))) == 0 {
				continue
			}
			fmt.Fprintf(w, "| %s%s |", r.variant, how.title)
			for _, k := range ks {
				fmt.Fprintf(w, " %.4f |", r.mean(fmt.Sprintf("%s@%g", how.series, k)))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintln(w)
}

func printDictionaries(w io.Writer, dir string, all []*result) error {
	fmt.Fprintln(w, "| variant | L0 | FVU | Babel 1 | Babel 16 | co-activated 1 | co-activated 8 | cosine of active pairs | left of a row, largest cosine | effective rank | dead | stability |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range all {
		stable, err := stability(filepath.Join(dir, "seeds-"+r.variant+".json"))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %.1f | %.4f | %.3f | %.2f | %.3f | %.2f | %.3f | %.3f | %.1f | %.1f | %s |\n", r.variant, r.mean("l0"), r.mean("fvu"),
			r.mean("babel_1"), r.mean("babel_16"), r.mean("babel_coactivated_1"), r.mean("babel_coactivated_8"),
			r.mean("coactive_pair_abs_cosine_row_mean_then_mean"), r.mean("residual_cosine_max_mean"), r.mean("effective_rank_unit_codes"), r.mean("dead_latents"), stable)
	}
	fmt.Fprintln(w)
	return nil
}

// stability is the mean over pairs of seeds of the mean cosine of latents
// matched one to one; "-" where they were not compared.
func stability(path string) (string, error) {
	var t struct {
		Matches []struct {
			Hungarian *struct {
				Mean float64 `json:"mean_cosine"`
			}
		}
	}
	if _, err := os.Stat(path); err != nil {
		return "-", nil
	}
	if err := readJSON(path, &t); err != nil {
		return "", err
	}
	sum, n := 0.0, 0.0
	for _, m := range t.Matches {
		if m.Hungarian != nil {
			sum, n = sum+m.Hungarian.Mean, n+1
		}
	}
	if n == 0 {
		return "-", nil
	}
	return fmt.Sprintf("%.3f", sum/n), nil
}
