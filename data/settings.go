package data

// Settings is the config section "data".
type Settings struct {
	Shuffle string  `yaml:"shuffle" oneof:"permutation|blocks|none" doc:"order of the training rows: a new seeded permutation of all of them each epoch; one of blocks and then of the rows in many blocks, for dumps that memory does not hold; or the order of the dump, over and over"`
	Scale   string  `yaml:"scale" oneof:"none|mean-norm|row-norm" doc:"scale of the inputs: as stored; one factor that makes the mean squared norm equal to D; or mean 0 and standard deviation 1 within each row"`
	Holdout float64 `yaml:"holdout" range:"[0,1)" doc:"share of the rows kept from training for evaluation, by whole documents where the dump has them"`
	Where   string  `yaml:"where" doc:"condition on the columns pos, doc, token_id and label that a row must meet to be used at all, such as pos>0"`
}

// DefaultSettings returns the defaults of the section "data".
func DefaultSettings() Settings {
	return Settings{Shuffle: "permutation", Scale: "none", Holdout: 0.05}
}
