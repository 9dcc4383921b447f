package sae

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/saectl/saectl/activations"
)

// Metrics are the numbers of one training step, in the units the trainer sees
// (scaled). FVU is Σ(x-x̂)² / Σ(x-x̄)² with the mean x̄ of the batch.
type Metrics struct {
	Step          int
	Rows          int64
	Loss          float64
	Terms         map[string]float64 // parts of Loss, before their weights
	FVU           float64
	L0            float64 // mean number of values of a row that are not zero
	L0Spread      Spread  // of that number over the rows of the batch
	Density       float64 // share of all latents that the selection kept
	Dense         bool    // products went over whole tiles of latents, not over those kept
	Dead          int     // latents
	Rate          float64 // learning rate of the step
	GradientNorm  float64 // global, before clipping
	RowsPerSecond float64 // since the process began to train

	Figures map[string]float64 // of the variant
	Warning string             // what keeps the run from what its settings ask for; "" for nothing
}

// Metrics gives the numbers of the step that was just done on b.
func (t *Trainer) Metrics(b *activations.Batch) Metrics {
	target, d := b.X, b.D
	if t.graph.b.target != nil {
		target, d = b.Target, b.DOut
	}
	support := t.graph.out.Codes.Support
	return Metrics{
		Density: support.Density(), Dense: support.Dense(), Figures: t.Figures(), Warning: t.Warning(),
		Step: t.step, Rows: int64(t.step) * int64(t.plan.Train.Batch),
		Loss: t.Loss(), Terms: t.Terms(),
		FVU: unexplained(target[:b.N*d], t.Recon()[:b.N*d], d), L0: t.Codes().L0(), L0Spread: t.Codes().L0Spread(), Dead: t.Dead(),
		Rate: t.rate, GradientNorm: t.norm,
	}
}

// Figures are the variant's own numbers of the last step, nil for none.
func (t *Trainer) Figures() map[string]float64 {
	if t.graph.out.Figures == nil {
		return nil
	}
	all := map[string]float64{}
	for name, f := range t.graph.out.Figures {
		all[name] = f()
	}
	return all
}

// Warning says what keeps the run from what its settings ask for, "" for
// nothing.
func (t *Trainer) Warning() string {
	if t.graph.out.Warning == nil {
		return ""
	}
	return t.graph.out.Warning()
}

// unexplained is Σ(x-y)² / Σ(x-x̄)², 0 for rows that do not vary and are met.
func unexplained(x, y []float32, d int) float64 {
	mean := columnMeans(x, d)
	missed, total := 0.0, 0.0
	for i := 0; i < len(x); i += d {
		for j, v := range x[i : i+d] {
			e, c := float64(v)-float64(y[i+j]), float64(v)-mean[j]
			missed, total = missed+e*e, total+c*c
		}
	}
	if missed == 0 {
		return 0
	}
	return missed / total
}

// MarshalJSON uses the names that the peers log under, so that runs can be
// laid over each other.
func (m Metrics) MarshalJSON() ([]byte, error) {
	v := map[string]any{
		"step": m.Step, "details/n_training_samples": m.Rows, "details/current_learning_rate": m.Rate,
		"details/gradient_norm": m.GradientNorm, "details/rows_per_second": m.RowsPerSecond,
		"losses/overall_loss": m.Loss, "metrics/l0": m.L0, "sparsity/dead_features": m.Dead,
		"sparsity/density": m.Density, "details/dense_path": m.Dense,
	}
	for i, name := range []string{"min", "q25", "median", "q75", "max"} {
		v["metrics/l0_"+name] = m.L0Spread[i]
	}
	if !math.IsInf(m.FVU, 0) { // rows that do not vary have none
		v["metrics/fvu"], v["metrics/explained_variance"] = m.FVU, 1-m.FVU
	}
	for name, figure := range m.Figures {
		v[name] = figure
	}
	for name, loss := range m.Terms {
		if name == "auxk" {
			name = "auxiliary_reconstruction"
		}
		v["losses/"+name+"_loss"] = loss
	}
	return json.Marshal(v)
}

// metricsLog appends to metrics.jsonl.
type metricsLog struct {
	f    *os.File
	size int64
}

// openMetricsLog opens the log and cuts it to the size, in decimal, that the
// checkpoint knew of.
func openMetricsLog(path, size string) (*metricsLog, error) {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint does not say how long %s was: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil {
		n = min(n, st.Size()) // a log that somebody shortened does not stop the run
		err = f.Truncate(n)
	}
	if err == nil {
		_, err = f.Seek(n, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &metricsLog{f: f, size: n}, nil
}

func (l *metricsLog) write(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	n, err := l.f.Write(append(line, '\n'))
	l.size += int64(n)
	return err
}

// sync makes what was written last and returns its size.
func (l *metricsLog) sync() (size string, err error) {
	return strconv.FormatInt(l.size, 10), l.f.Sync()
}

func (l *metricsLog) close() error { return l.f.Close() }
