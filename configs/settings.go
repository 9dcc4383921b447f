package configs

import (
	"github.com/saectl/saectl/data"
	"github.com/saectl/saectl/sae"
)

// Settings are all settings of a run, resolved.
type Settings struct {
	Variant   string
	Dump, Out string
	Seed      uint64
	SAE       sae.ModelSettings
	Data      data.Settings
	Train     sae.TrainSettings
	Optimizer sae.OptimizerSettings
	Section   sae.Variant // the variant with its settings
}

// top are the keys that stand in no section.
type top struct {
	Variant string `yaml:"variant" doc:"autoencoder to train"`
	Dump    string `yaml:"dump" doc:"dump of activations: a folder of shards or one file; sample is the one in the program"`
	Out     string `yaml:"out" doc:"run folder"`
	Seed    uint64 `yaml:"seed" doc:"seed of the starting weights, the order of rows and all noise"`
}

// form is Settings as structs whose fields are keys, section by section.
type form struct {
	top       top
	sae       sae.ModelSettings
	data      data.Settings
	train     sae.TrainSettings
	optimizer sae.OptimizerSettings
	section   sae.Variant
	fields    []field
}

func newForm(variant string, reg sae.Registry) *form {
	f := &form{
		top: top{Variant: variant}, sae: sae.DefaultModel(), data: data.DefaultSettings(), train: sae.DefaultTrain(),
		optimizer: sae.DefaultOptimizer(), section: reg[variant](),
	}
	f.fields = append(f.fields, fieldsOf("", &f.top)...)
	f.fields = append(f.fields, fieldsOf("sae", &f.sae)...)
	f.fields = append(f.fields, fieldsOf(variant, f.section)...)
	f.fields = append(f.fields, fieldsOf("data", &f.data)...)
	f.fields = append(f.fields, fieldsOf("train", &f.train)...)
	f.fields = append(f.fields, fieldsOf("optimizer", &f.optimizer)...)
	return f
}

func (f *form) settings() *Settings {
	return &Settings{
		Variant: f.top.Variant, Dump: f.top.Dump, Out: f.top.Out, Seed: f.top.Seed,
		SAE: f.sae, Data: f.data, Train: f.train, Optimizer: f.optimizer, Section: f.section,
	}
}

// form views settings as keys; changing one does not change the other.
func (s *Settings) form() *form {
	f := &form{
		top: top{s.Variant, s.Dump, s.Out, s.Seed}, sae: s.SAE, data: s.Data, train: s.Train, optimizer: s.Optimizer, section: s.Section,
	}
	for _, part := range []struct {
		name string
		of   any
	}{{"", &f.top}, {"sae", &f.sae}, {s.Variant, f.section}, {"data", &f.data}, {"train", &f.train}, {"optimizer", &f.optimizer}} {
		f.fields = append(f.fields, fieldsOf(part.name, part.of)...)
	}
	return f
}

func (f *form) find(key string) (field, bool) {
	for _, x := range f.fields {
		if x.key == key {
			return x, true
		}
	}
	return field{}, false
}
