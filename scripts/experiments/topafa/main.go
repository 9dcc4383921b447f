// Command topafa runs the experiment of docs/experiments/top-afa.md on one
// dump and prints its table: top-AFA at several weights of its loss, and TopK
// and BatchTopK at the same settings, at a ladder of k and at the k that
// top-AFA found. Runs that are done are not made again.
//
//	go run ./scripts/experiments/topafa -saectl ./saectl -out runs/top-afa/sample
//	go run ./scripts/experiments/topafa -saectl ./saectl -dump DIR/train -test DIR/test -latents 1024 -out runs/top-afa/NAME
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/saectl/saectl/internal/figures"
)

type options struct {
	saectl, dump, test, out string
	ladder, weights         string
	latents, steps, seeds   int
	lr                      float64
	threads                 int
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.saectl, "saectl", "saectl", "the program")
	flag.StringVar(&o.dump, "dump", "sample", "dump to train on")
	flag.StringVar(&o.test, "test", "", "dump to evaluate on; the rows held out when empty")
	flag.StringVar(&o.out, "out", "runs/top-afa", "folder of the runs")
	flag.IntVar(&o.latents, "latents", 512, "latents (F)")
	flag.IntVar(&o.steps, "steps", 2000, "steps of 1,024 rows")
	flag.IntVar(&o.seeds, "seeds", 3, "seeds of each setting")
	flag.StringVar(&o.ladder, "ladder", "16,32,64,128,256", "k of the baselines, beside those that top-AFA finds")
	flag.StringVar(&o.weights, "weights", "128,64,32,16", "weights of top-AFA's loss, 1 over each")
	flag.Float64Var(&o.lr, "lr", 1e-3, "learning rate, constant")
	flag.IntVar(&o.threads, "threads", 0, "threads; 0 for all")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) run() error {
	var all []*result
	matched := map[int]bool{}
	for share := range strings.SplitSeq(o.weights, ",") {
		over, err := strconv.ParseFloat(share, 64)
		if err != nil || !(over > 0) {
			return fmt.Errorf("-weights %s: %q is no number above 0", o.weights, share)
		}
		r, err := o.setting("afa", "afa-"+share, fmt.Sprintf("afa.coefficient=%g", 1/over))
		if err != nil {
			return err
		}
		r.name = "AFA 1/" + share
		all = append(all, r)
		matched[int(math.Round(r.mean("l0")))] = true
	}
	for rung := range strings.SplitSeq(o.ladder, ",") {
		k, err := strconv.Atoi(rung)
		if err != nil || k < 1 {
			return fmt.Errorf("-ladder %s: %q is no k", o.ladder, rung)
		}
		matched[k] = true
	}
	ladder := slices.Sorted(maps.Keys(matched))
	for _, variant := range []string{"topk", "batchtopk"} {
		for _, k := range ladder {
			r, err := o.setting(variant, fmt.Sprintf("%s-%d", variant, k), o.baseline(variant, k)...)
			if err != nil {
				return err
			}
			r.k = k
			r.name = map[string]string{"topk": "TopK", "batchtopk": "BatchTopK"}[variant] + fmt.Sprintf(" %d", k)
			all = append(all, r)
		}
	}
	report(os.Stdout, all)
	return nil
}

// baseline makes a variant what the paper compares with: no encoder bias, the
// encoder at its scale, the plain auxiliary loss, and after training the rule
// of training.
func (o *options) baseline(variant string, k int) []string {
	set := []string{fmt.Sprintf("%s.k=%d", variant, k), variant + ".encoder_bias=false", variant + ".encoder_init=0.5",
		variant + ".aux_loss=plain", variant + ".dead_after=20480"}
	if variant == "batchtopk" {
		return append(set, variant+".inference=batch")
	}
	return append(set, variant+".inference=topk")
}

// common is what all runs share: the paper's, but for batch, length and rate.
func (o *options) common() []string {
	return []string{
		fmt.Sprintf("sae.latents=%d", o.latents), "sae.decoder_bias=zero", "data.scale=row-norm",
		fmt.Sprintf("train.steps=%d", o.steps), "train.batch=1024", "train.log_every=100", "train.keep_checkpoint=false",
		fmt.Sprintf("optimizer.lr=%g", o.lr), "optimizer.beta2=0.99", "optimizer.warmup=0", "optimizer.decay_start=1",
		"optimizer.clip=0", "optimizer.unit_rows=between",
	}
}

// setting trains and evaluates one setting with every seed.
func (o *options) setting(variant, name string, set ...string) (*result, error) {
	r := &result{variant: variant}
	for seed := range o.seeds {
		dir := filepath.Join(o.out, fmt.Sprintf("%s-%d", name, seed))
		metrics, err := o.one(dir, append(append(o.common(), set...), "variant="+variant, fmt.Sprintf("seed=%d", seed)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		r.seeds = append(r.seeds, metrics)
	}
	return r, nil
}

// one trains in dir unless that is done, evaluates, and gives the figures.
func (o *options) one(dir string, set []string) (map[string]float64, error) {
	report := filepath.Join(dir, "figures.json")
	if b, err := os.ReadFile(report); err == nil {
		return figures.Parse(b)
	}
	log.Print(dir)
	train := []string{"train", "--dump", o.dump, "--out", dir, "--resume", "--quiet", "--threads", fmt.Sprint(o.threads)}
	for _, s := range set {
		train = append(train, "--set", s)
	}
	if _, err := figures.Run(o.saectl, train...); err != nil {
		return nil, err
	}
	eval := []string{"eval", "--sae", dir, "--json", "--threads", fmt.Sprint(o.threads)}
	if o.test != "" {
		eval = append(eval, "--dump", o.test)
	}
	b, err := figures.Run(o.saectl, eval...)
	if err != nil {
		return nil, err
	}
	f, err := figures.Parse(b)
	if err != nil {
		return nil, err
	}
	return f, os.WriteFile(report, b, 0o644)
}
