package main

import (
	"github.com/saectl/saectl/afa"
	"github.com/saectl/saectl/gradsae"
	"github.com/saectl/saectl/internal/baselines"
	"github.com/saectl/saectl/mpsae"
	"github.com/saectl/saectl/sae"
	"github.com/saectl/saectl/topk"
	"github.com/saectl/saectl/vsae"
)

// variants is every autoencoder that a config may name. Adding one is adding
// its line.
func variants() sae.Registry {
	return sae.Registry{
		"topk":      topk.New,
		"batchtopk": topk.NewBatch,
		"afa":       afa.New,
		"gradsae":   gradsae.New,
		"mpsae":     mpsae.New,
		"vsae":      vsae.New,

		"relu":       baselines.NewReLU,
		"gated":      baselines.NewGated,
		"jumprelu":   baselines.NewJumpReLU,
		"abstopk":    topk.NewAbs,
		"matryoshka": topk.NewMatryoshka,
	}
}
