// Package configs turns YAML and command-line settings into the settings of a
// run, strictly: an unknown key, a wrong type, a value out of range, or a
// setting without effect is an error that says where it stands and which valid
// name is nearest.
//
// A setting is a field of a struct: of Settings, of a section such as
// sae.TrainSettings, or of a variant. Its tags are all that this package knows
// about it:
//
//	yaml   the key
//	range  numbers allowed, such as [1,) or (0,1]
//	oneof  texts allowed, such as none|mean-norm
//	needs  earlier keys of the same section without which it has no effect:
//	       "clip" must not be zero, "inference=threshold" must have that value;
//	       several are joined by commas, several values by |
//	doc    what it means, in a sentence without capital and full stop
package configs
