package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/sae"
)

// trainOptions are the flags of train.
type trainOptions struct {
	config, dump, out, init, where string
	set                            []string
	resume, json, quiet            bool
	threads                        int
}

func newTrain(s streams) *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a sparse autoencoder on a dump of activations",
		Long: `Train a sparse autoencoder and keep it in a run folder: its settings, weights,
checkpoints and metrics. Without --config and --dump it trains the preset
"sample" on the dump inside this program.

Ctrl-C saves and stops; --resume goes on, and ends with the same weights, bit
for bit, as a run that was never stopped.`,
		Example: `  saectl train
  saectl train --config topk --dump activations/ --out runs/layer3
  saectl train --config topk --dump activations/ --set topk.k=16 --set train.steps=2000
  saectl train --resume --out runs/layer3`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runTrain(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "settings: a YAML file, or a preset ("+strings.Join(configs.Presets(), ", ")+")")
	f.StringArrayVar(&o.set, "set", nil, "one setting, `key=value`, over those of --config; may be given again")
	f.StringVar(&o.dump, "dump", "", "dump to train on: a folder of shards or one file (default the embedded sample)")
	f.StringVar(&o.where, "where", "", "use only rows that meet a condition, such as 'pos>0'; the same as --set data.where=...")
	f.StringVar(&o.out, "out", "", "run folder (default runs/<variant>-NNN, the next free number)")
	f.BoolVar(&o.resume, "resume", false, "go on with the run in --out, or start it")
	f.StringVar(&o.init, "init", "", "safetensors file with starting values of parameters")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on; changes no bit of the result (default all)")
	f.BoolVar(&o.json, "json", false, "print one JSON object at the end and nothing else on stdout")
	f.BoolVar(&o.quiet, "quiet", false, "no progress and no plan")
	completeConfig(cmd)
	return cmd
}

// completeConfig offers presets and files for --config, and keys for --set.
func completeConfig(cmd *cobra.Command) {
	must := func(err error) {
		if err != nil {
			panic(err) // the flags are defined above
		}
	}
	must(cmd.RegisterFlagCompletionFunc("config", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return configs.Presets(), cobra.ShellCompDirectiveDefault
	}))
	must(cmd.RegisterFlagCompletionFunc("set", func(*cobra.Command, []string, string) (keys []string, _ cobra.ShellCompDirective) {
		for _, k := range configs.Keys(variants()) {
			keys = append(keys, k.Name+"=\t"+k.Doc)
		}
		return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}))
}

func runTrain(ctx context.Context, s streams, o trainOptions) error {
	job, err := planTrain(s, o)
	if err != nil || job == nil {
		return err
	}
	defer job.dump.Close()
	if !o.quiet {
		job.printPlan(s)
	}
	bar := newProgress(s, o.quiet, job.settings.Train.TotalSteps(), job.settings.Train.Batch, job.state.Steps)
	started := time.Now()
	var last sae.Metrics
	err = sae.Train(ctx, sae.TrainOptions{
		Plan: job.plan, Dir: job.dir, Config: job.settings.YAML(), Meta: job.meta, Rows: job.rows,
		Report: func(p sae.Progress) {
			if p.Metrics != nil {
				last = *p.Metrics
			}
			bar.report(p)
		},
	})
	bar.close()
	if err != nil {
		return hint(err, job.dir)
	}
	return job.finish(s, o, last, time.Since(started))
}

// hint says how to go on with a run that stopped.
func hint(err error, dir string) error {
	return fmt.Errorf("%w; go on with: %s train --resume --out %s", err, program(), dir)
}

// program is how this process was called, for lines that may be typed next: go
// run keeps its programs in a folder of its own.
func program() string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return "go run ./cmd/saectl"
	}
	return "saectl"
}

// finish prints what came out and the two lines to try next.
func (j *trainJob) finish(s streams, o trainOptions, last sae.Metrics, took time.Duration) error {
	if o.json {
		result := map[string]any{"run": j.dir, "variant": j.settings.Variant, "seconds": took.Seconds(), "metrics": last}
		if last.Warning != "" {
			result["warnings"] = []string{last.Warning}
		}
		return s.json(result)
	}
	if last.Warning != "" {
		s.note("warning: %s", last.Warning)
	}
	fmt.Fprintf(s.out, "trained %s on %s rows in %s: loss %.4g, FVU %.4f, L0 %.1f, %d of %d latents dead\n", j.settings.Variant,
		thousands(last.Rows), took.Round(100*time.Millisecond), last.Loss, last.FVU, last.L0, last.Dead, j.settings.SAE.Latents)
	fmt.Fprintf(s.out, "\nThe run is in %[1]s. Try next:\n  %[2]s eval --sae %[1]s\n  %[2]s inspect-features --sae %[1]s --top 10\n", j.dir, program())
	return nil
}
