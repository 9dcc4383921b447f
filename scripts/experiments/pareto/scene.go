package main

// A scene is one dump.
type scene struct {
	name    string
	latents int
	tree    bool     // rows of known features: recovery is what counts
	set     []string // of all variants
}

// A method is a variant at several settings of one key, from dense to sparse or
// the other way; its preset is the rest.
type method struct {
	variant, key string
	values       []string
	set          []string
}

// scenes have 8 latents for each coordinate; the tree has one for each feature.
func scenes() []scene {
	return []scene{
		{name: "babyllama105-l3", latents: 1024},
		{name: "sample", latents: 512},
		{name: "tree", latents: 20, tree: true, set: []string{"sae.decoder_bias=zero", "sae.decoder_init=random", "data.scale=none"}},
		{name: "stories260k-l3", latents: 512},
	}
}

// methods lists the variants to try. The g-SAE needs gradients, which one dump
// has. AFA chooses its number of latents itself; L1 beside its own loss moves it.
func (s scene) methods() []method {
	if s.tree {
		return treeMethods()
	}
	ladder := []string{"8", "16", "32"}
	all := []method{
		{"topk", "topk.k", ladder, nil},
		{"batchtopk", "batchtopk.k", ladder, nil},
		{"matryoshka", "matryoshka.k", ladder, nil},
		{"jumprelu", "jumprelu.target_l0", ladder, nil},
		{"gated", "gated.target_l0", ladder, nil},
		{"relu", "relu.target_l0", ladder, nil},
		{"abstopk", "abstopk.k", ladder, nil},
		{"mpsae", "mpsae.k", ladder, nil},
		{"vsae", "vsae.k", ladder, nil},
		{"afa", "afa.l1_coefficient", []string{"0.03", "0.01", "0.003"}, nil},
	}
	if s.name == "babyllama105-l3" {
		all = append(all, method{"gradsae", "gradsae.k", ladder, nil})
	}
	return all
}

// treeMethods keep two latents a row, or the 1.36 that rows have on average.
func treeMethods() []method {
	two, mean := []string{"2"}, []string{"1.36"}
	return []method{
		{"topk", "topk.k", two, nil},
		{"batchtopk", "batchtopk.k", two, nil},
		{"matryoshka", "matryoshka.k", two, []string{"matryoshka.groups=1/4,1/4,1/4"}},
		{"jumprelu", "jumprelu.target_l0", mean, nil},
		{"gated", "gated.target_l0", mean, nil},
		{"relu", "relu.target_l0", mean, nil},
		{"abstopk", "abstopk.k", two, nil},
		{"mpsae", "mpsae.k", two, nil},
		{"vsae", "vsae.k", two, nil},
		{"afa", "afa.l1_coefficient", []string{"0.01"}, nil},
	}
}
