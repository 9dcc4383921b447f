// Command digits prints the tables of docs/experiments/digits.md from the runs
// that scripts/experiments/digits.sh left in a folder.
//
//	go run ./scripts/experiments/digits FOLDER
package main

import (
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/saectl/saectl/internal/figures"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: digits FOLDER")
	}
	runs, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	report(os.Stdout, runs)
}

// variants are those of the tables, in their order.
func variants() []string { return []string{"topk", "mpsae", "afa"} }

// read collects the evaluations of each variant.
func read(dir string) (map[string][]figures.Figures, error) {
	runs := map[string][]figures.Figures{}
	for _, variant := range variants() {
		paths, err := filepath.Glob(filepath.Join(dir, variant+"-s*", "report.json"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			f, err := figures.Read(path)
			if err != nil {
				return nil, err
			}
			runs[variant] = append(runs[variant], f)
		}
		if runs[variant] == nil {
			return nil, fmt.Errorf("%s holds no evaluated run of %s", dir, variant)
		}
	}
	return runs, nil
}

// A row of a table: a title, the metric of the codes and that of the raw rows,
// "" for none.
type row struct{ title, codes, raw string }

func report(w io.Writer, runs map[string][]figures.Figures) {
	table(w, "The autoencoders", runs, 1, "%.3f", []row{
		{"FVU", "fvu", ""}, {"L0", "l0", ""}, {"live latents", "alive", ""}, {"class purity", "class_purity_binary_mean", ""},
	})
	var accuracy, auroc []row
	for _, k := range []int{1, 2, 5, 10} {
		accuracy = append(accuracy, row{fmt.Sprintf("one class against the rest, %d features", k), fmt.Sprintf("probe_k%d_accuracy", k), fmt.Sprintf("probe_k%d_accuracy_raw", k)})
	}
	for _, k := range []int{1, 2, 5, 10} {
		accuracy = append(accuracy, row{fmt.Sprintf("all classes, the %d largest of each row", k), fmt.Sprintf("probe_top%d_accuracy", k), fmt.Sprintf("probe_top%d_accuracy_raw", k)})
	}
	accuracy = append(accuracy, row{"all classes, all features", "probe_accuracy", "probe_accuracy_raw"})
	table(w, "Accuracy of probes, %", runs, 100, "%.1f", accuracy)
	scores := []string{"reconstruction", "error", "max_latent", "l1", "energy", "l0", "probe", "max_logit", "probe_energy", "mahalanobis", "nearest", "neighbour10", "profile_rank", "profile_energy"}
	for _, s := range scores {
		auroc = append(auroc, row{s, "ood_auroc_" + s, "ood_auroc_" + s + "_raw"})
	}
	table(w, "AUROC of classes 0 to 7 against 8 and 9", runs, 1, "%.3f", auroc)
	var fpr []row
	for _, s := range scores {
		fpr = append(fpr, row{s, "ood_fpr95_" + s, "ood_fpr95_" + s + "_raw"})
	}
	table(w, "FPR95, %", runs, 100, "%.1f", fpr)
}

// table has a column a variant, means over seeds with the standard deviation,
// and one of the raw rows, which no seed moves.
func table(w io.Writer, title string, runs map[string][]figures.Figures, unit float64, format string, rows []row) {
	fmt.Fprintf(w, "\n## %s\n\n| |", title)
	raw := rows[0].raw != ""
	for _, v := range variants() {
		fmt.Fprintf(w, " %s |", v)
	}
	columns := len(variants())
	if raw {
		fmt.Fprint(w, " raw |")
		columns++
	}
	fmt.Fprint(w, "\n| --- |"+strings.Repeat(" --- |", columns)+"\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |", r.title)
		for _, v := range variants() {
			fmt.Fprintf(w, " %s |", spread(runs[v], r.codes, unit, format))
		}
		if raw {
			text := ""
			if v, ok := runs["topk"][0][r.raw]; ok {
				text = fmt.Sprintf(format, unit*v)
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
}

// spread is the mean over runs and the standard deviation, with one less as
// divisor.
func spread(runs []figures.Figures, metric string, unit float64, format string) string {
	mean, square, n := 0.0, 0.0, float64(len(runs))
	for _, f := range runs {
		v, ok := f[metric]
		if !ok {
			return ""
		}
		mean += unit * v / n
	}
	if n < 2 {
		return fmt.Sprintf(format, mean)
	}
	for _, f := range runs {
		d := unit*f[metric] - mean
		square += d * d / (n - 1)
	}
	return fmt.Sprintf(format+" ± "+format, mean, math.Sqrt(square))
}
