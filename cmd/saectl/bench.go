package main

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	variant                          string
	batch, d, latents, k, steps, rep int
	threads                          int
	set                              []string
	json                             bool
}

func newBench(s streams) *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time a training step, its stages, encoding and evaluation on this machine",
		Long: `Time training steps, encoding and evaluation of normal random rows at a given
size, on an autoencoder that has trained for a few steps. The peak is the best rate of a
matrix product measured here and now, not a figure from a data sheet.`,
		Example: `  saectl bench
  saectl bench --set train.screen=off
  saectl bench --batch 1024 --d 768 --latents 6144 --k 32 --json`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runBench(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.variant, "variant", "topk", "variant to time")
	f.IntVar(&o.batch, "batch", 1024, "rows in a step (B)")
	f.IntVar(&o.d, "d", 768, "width of an activation (D)")
	f.IntVar(&o.latents, "latents", 6144, "latents (F)")
	f.IntVar(&o.k, "k", 32, "latents kept in a row, where the variant has such a setting")
	f.IntVar(&o.steps, "steps", 20, "steps to time")
	f.IntVar(&o.rep, "warmup", 3, "steps before the timed ones")
	f.IntVar(&o.threads, "threads", 0, "threads to compute on (default all)")
	f.StringArrayVar(&o.set, "set", nil, "one setting of the run, `key=value`")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// benchResult is what bench measures; times in milliseconds.
type benchResult struct {
	Size   map[string]int     `json:"size"`
	Step   spread             `json:"step_ms"`
	Encode spread             `json:"encode_ms"`
	Eval   spread             `json:"eval_ms"` // of a batch, all metrics
	Stages map[string]float64 `json:"stages_ms"`
	Rows   float64            `json:"rows_per_second"`
	// Rate is that of the encoder's dense product [B,D]·[F,D]ᵀ alone.
	Rate     float64 `json:"encoder_product_gflops"`
	Peak     float64 `json:"peak_gflops"`
	Allocs   float64 `json:"allocations_per_step"`
	PeakMB   float64 `json:"peak_memory_mb"`
	Variant  string  `json:"variant"`
	Kernels  string  `json:"kernels"`
	Screen   string  `json:"screen"` // of training: train.screen
	Threads  int     `json:"threads"`
	Platform string  `json:"platform"`
}

type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
}

func runBench(ctx context.Context, s streams, o benchOptions) error {
	settings, err := o.settings()
	if err != nil {
		return usageError{err}
	}
	t, err := sae.NewTrainer(sae.Plan{
		Variant: settings.Section, D: o.d, Model: settings.SAE, Train: settings.Train, Optimizer: settings.Optimizer, Threads: o.threads,
	})
	if err != nil {
		return err
	}
	defer t.Close()
	r := benchResult{
		Variant: o.variant, Kernels: kernels(), Screen: settings.Train.Screen, Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Size: map[string]int{"batch": o.batch, "d": o.d, "latents": o.latents, "k": o.k},
	}
	rows := newRandomRows(o.batch, o.d, t.Columns())
	if err := r.timeSteps(ctx, t, o, rows); err != nil {
		return err
	}
	if err := r.timeModel(ctx, t, o, rows); err != nil {
		return err
	}
	r.PeakMB = peakMemory()
	r.timeProducts(o)
	if o.json {
		return s.json(r)
	}
	return r.print(s)
}

// settings are the variant's defaults at the size asked for.
func (o benchOptions) settings() (*configs.Settings, error) {
	set := []string{
		"variant=" + o.variant, fmt.Sprint("sae.latents=", o.latents), fmt.Sprint("train.batch=", o.batch),
		fmt.Sprint("train.steps=", max(o.steps+o.rep, 1)), "optimizer.warmup=0",
	}
	for _, k := range configs.Keys(variants()) {
		if k.Name == o.variant+".k" {
			set = append(set, fmt.Sprintf("%s=%d", k.Name, o.k))
		}
	}
	settings, _, err := configs.Resolve(configs.Layers{Set: append(set, o.set...)}, variants())
	if err == nil && settings.Optimizer.LR == 0 {
		settings.Optimizer.LR = sae.AutoRate(o.latents, o.steps)
	}
	return settings, err
}

// randomRows are batches of normal random rows, none of which comes twice: rows
// that were trained on before are chosen for by latents that remember them.
type randomRows struct {
	activations.Batch
	cols activations.Columns
	next uint64
}

func newRandomRows(n, d int, cols activations.Columns) *randomRows {
	r := &randomRows{cols: cols}
	r.N, r.D, r.X = n, d, make([]float32, n*d)
	if cols&activations.Gradient != 0 {
		r.Gradient = make([]float32, n*d)
	}
	return r
}

// draw makes the next batch, in place of the last.
func (r *randomRows) draw() *activations.Batch {
	data.NormalFill(r.X, 1, r.next)
	data.NormalFill(r.Gradient, 2, r.next)
	r.next++
	return &r.Batch
}

func (r *benchResult) timeSteps(ctx context.Context, t *sae.Trainer, o benchOptions, rows *randomRows) error {
	var times []float64
	var before, after runtime.MemStats
	for i := range o.rep + o.steps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if i == o.rep {
			t.TimeStages()
			runtime.ReadMemStats(&before)
		}
		batch := rows.draw()
		started := time.Now()
		if err := t.Step(batch); err != nil {
			return err
		}
		if i >= o.rep {
			times = append(times, milliseconds(time.Since(started)))
		}
	}
	runtime.ReadMemStats(&after)
	r.Step = summarise(times)
	r.Rows = float64(o.batch) / r.Step.Median * 1000
	r.Allocs = float64(after.Mallocs-before.Mallocs) / float64(o.steps)
	r.Stages = map[string]float64{}
	for name, d := range t.Stages() {
		r.Stages[name] = milliseconds(d) / float64(o.steps)
	}
	return nil
}

// timeModel times what is done with the trained weights.
func (r *benchResult) timeModel(ctx context.Context, t *sae.Trainer, o benchOptions, rows *randomRows) error {
	m, err := t.Model(sae.ModelOptions{Rows: o.batch, Threads: o.threads})
	if err != nil {
		return err
	}
	defer m.Close()
	r.Threads = m.Threads()
	if err := r.timeEncode(ctx, m, o, rows); err != nil {
		return err
	}
	return r.timeEval(ctx, m, o, rows)
}

func (r *benchResult) timeEncode(ctx context.Context, m *sae.Model, o benchOptions, rows *randomRows) error {
	var times []float64
	for i := range o.rep + o.steps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		batch := rows.draw()
		started := time.Now()
		if _, err := m.Encode(batch); err != nil {
			return err
		}
		if i >= o.rep {
			times = append(times, milliseconds(time.Since(started)))
		}
	}
	r.Encode = summarise(times)
	return nil
}

// productLatents are as many latents as the product is measured with: more would
// not change its rate, and its result would be larger than the autoencoder.
const productLatents = 8192

// timeProducts measures the encoder's dense product alone, and the best rate
// of a product that fits the caches.
func (r *benchResult) timeProducts(o benchOptions) {
	pool := kernel.NewPool(o.threads)
	defer pool.Close()
	r.Rate = productRate(pool, o.batch, min(o.latents, productLatents), o.d, 3)
	r.Peak = max(r.Rate, productRate(pool, 480*pool.Threads(), 480, 480, 30))
}

// productRate is the best of several products [m,k]·[n,k]ᵀ, in GFLOP/s.
func productRate(pool *kernel.Pool, m, n, k, times int) float64 {
	a, b, dst := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
	data.NormalFill(a, 1, 1)
	data.NormalFill(b, 1, 2)
	g, best := kernel.NewGEMM(pool), time.Hour
	for range times {
		started := time.Now()
		g.NT(dst, a, b, m, n, k, false)
		best = min(best, time.Since(started))
	}
	return 2 * float64(m) * float64(n) * float64(k) / float64(best.Nanoseconds())
}

func (r *benchResult) print(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tB %d, D %d, F %d, k %d; %d threads, kernels %s, screen %s\n", r.Variant, r.Size["batch"], r.Size["d"], r.Size["latents"], r.Size["k"], r.Threads, r.Kernels, r.Screen)
	fmt.Fprintf(w, "step\t%.1f ms at best, %.1f median, %s rows/s, %.0f allocations\n", r.Step.Min, r.Step.Median, thousands(int64(r.Rows)), r.Allocs)
	fmt.Fprintf(w, "encode\t%.1f ms at best, %.1f median\n", r.Encode.Min, r.Encode.Median)
	fmt.Fprintf(w, "eval\t%.1f ms a batch at best, %.1f median\n", r.Eval.Min, r.Eval.Median)
	fmt.Fprintf(w, "encoder product alone\t%.1f ms, %.0f GFLOP/s; best product here %.0f GFLOP/s\n", r.productMS(), r.Rate, r.Peak)
	fmt.Fprintf(w, "memory\t%.0f MB at most\n\nstage\tms a step\n", r.PeakMB)
	names := slices.SortedFunc(maps.Keys(r.Stages), func(a, b string) int { return int(1e6 * (r.Stages[b] - r.Stages[a])) })
	for _, name := range names {
		fmt.Fprintf(w, "%s\t%.2f\n", name, r.Stages[name])
	}
	return w.Flush()
}

// productMS is how long the dense encoder product takes.
func (r *benchResult) productMS() float64 {
	return 2 * float64(r.Size["batch"]) * float64(r.Size["d"]) * float64(r.Size["latents"]) / r.Rate / 1e6
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func summarise(times []float64) spread {
	if len(times) == 0 {
		return spread{}
	}
	slices.Sort(times)
	return spread{Min: times[0], Median: times[len(times)/2]}
}
