package sae

// ModelSettings is the config section "sae".
type ModelSettings struct {
	Latents     int    `yaml:"latents" range:"[0,16777216]" doc:"latents in the dictionary (F); 0 takes 8 times the width of the dump"`
	DecoderInit string `yaml:"decoder_init" oneof:"random|data" doc:"decoder rows at the start: random directions, or half way from those to rows of the first batch"`
	DecoderBias string `yaml:"decoder_bias" oneof:"mean|zero|geometric-median" doc:"decoder bias at the start: mean or geometric median of the first batch, or zero"`
}

// TrainSettings is the config section "train".
type TrainSettings struct {
	Batch     int   `yaml:"batch" range:"[1,1048576]" doc:"rows in a step (B)"`
	Rows      int64 `yaml:"rows" range:"[0,)" doc:"rows to train on, over all epochs; rounded down to whole batches"`
	Steps     int   `yaml:"steps" range:"[0,)" doc:"steps to train, in place of rows"`
	LogEvery  int   `yaml:"log_every" range:"[1,)" doc:"steps between lines of metrics.jsonl"`
	SaveEvery int   `yaml:"save_every" range:"[1,)" doc:"steps between checkpoints"`

	KeepCheckpoint bool `yaml:"keep_checkpoint" doc:"keep the last checkpoint of a finished run, so that it can be extended"`

	Screen string `yaml:"screen" oneof:"auto|off|statistical" doc:"how selections find the latents that cannot be kept without computing them in full: by a bound that is certified, where that is faster; not at all, to the same bits; or by a smaller bound that holds with high probability only, so that a rare pick is missed and runs may differ"`

	Fired    string `yaml:"fired" oneof:"value|index|sum" doc:"a latent fired when a kept value is not zero, when it was selected at all, or when its kept values have a positive sum over the batch, so that negative ones can hide others (the vSAE trainers)"`
	DeadUnit string `yaml:"dead_unit" oneof:"rows|batches" doc:"unit in which dead_after is counted"`
	DeadMask string `yaml:"dead_mask" oneof:"after|before" doc:"dead latents are judged after or before this step's firing is counted"`
}

// OptimizerSettings is the config section "optimizer".
type OptimizerSettings struct {
	LR         float64 `yaml:"lr" range:"[0,)" doc:"peak learning rate of Adam; 0 takes one that suits the number of latents and the length of the run"`
	Beta1      float64 `yaml:"beta1" range:"[0,1)" doc:"decay of Adam's first moment"`
	Beta2      float64 `yaml:"beta2" range:"[0,1)" doc:"decay of Adam's second moment"`
	Epsilon    float64 `yaml:"epsilon" range:"(0,)" doc:"Adam's epsilon, added to the root of the second moment"`
	Warmup     int     `yaml:"warmup" range:"[0,)" doc:"steps of linear warm-up from a rate of 0"`
	DecayStart float64 `yaml:"decay_start" range:"[0,1]" doc:"share of the run after which the rate falls linearly to 0; 1 keeps it constant"`
	Clip       float64 `yaml:"clip" range:"[0,)" doc:"largest global gradient norm; 0 does not clip"`
	ClipOrder  string  `yaml:"clip_order" oneof:"after-projection|before-projection" needs:"clip" doc:"clip by the norm of the gradient after or before its part along unit rows is removed"`
	Project    string  `yaml:"project" oneof:"direction|row" doc:"what is removed of a gradient along a unit row w: its part along w's direction, or (g·w)w with w as it is, which differ where norms are not 1 (sparsify)"`
	UnitRows   string  `yaml:"unit_rows" oneof:"after|before|between" doc:"decoder rows are brought to norm 1 after Adam, before the forward pass, or between backward and Adam, so that what is saved is off by one update"`
}

// DefaultModel, DefaultTrain and DefaultOptimizer are the settings of a run
// that says nothing.
func DefaultModel() ModelSettings {
	return ModelSettings{Latents: 6144, DecoderInit: "random", DecoderBias: "mean"}
}

// DefaultTrain returns the defaults of the section "train".
func DefaultTrain() TrainSettings {
	return TrainSettings{
		Batch: 1024, Rows: 10_000_000, LogEvery: 100, SaveEvery: 1000, KeepCheckpoint: true,
		Screen: "auto", Fired: "value", DeadUnit: "rows", DeadMask: "after",
	}
}

// DefaultOptimizer returns the defaults of the section "optimizer".
func DefaultOptimizer() OptimizerSettings {
	return OptimizerSettings{
		LR: 3e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Warmup: 1000,
		DecayStart: 0.8, Clip: 1, ClipOrder: "after-projection", Project: "direction", UnitRows: "after",
	}
}

// TotalSteps is the length of a run: Steps, or as many whole batches as Rows
// holds.
func (t TrainSettings) TotalSteps() int {
	if t.Steps > 0 {
		return t.Steps
	}
	return int(t.Rows / int64(t.Batch))
}
