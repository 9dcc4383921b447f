package configs

import (
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// Settings are all settings of a run, resolved. Of Train.Rows and Train.Steps
// one is zero, and a setting without effect has its default.
type Settings struct {
	Variant string `yaml:"variant" doc:"autoencoder to train"`
	Dump    string `yaml:"dump" doc:"dump of activations: a folder of shards, one file, or sample for the one in the program"`
	Out     string `yaml:"out" doc:"run folder; empty for runs/<variant>-NNN with the next free number"`
	Seed    uint64 `yaml:"seed" doc:"seed of the starting weights, the order of rows and all noise"`

	SAE       sae.ModelSettings     `yaml:"sae"`
	Section   sae.Variant           // the variant with its settings, a section of the variant's name
	Data      data.Settings         `yaml:"data"`
	Train     sae.TrainSettings     `yaml:"train"`
	Optimizer sae.OptimizerSettings `yaml:"optimizer"`
}

// defaults are the settings of a variant before any layer.
func defaults(variant string, reg sae.Registry) *Settings {
	return &Settings{
		Variant: variant, SAE: sae.DefaultModel(), Section: reg[variant](), Data: data.DefaultSettings(),
		Train: sae.DefaultTrain(), Optimizer: sae.DefaultOptimizer(),
	}
}
