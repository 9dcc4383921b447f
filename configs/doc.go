// Package configs turns YAML and command-line settings into the settings of a
// run, strictly: an unknown key, a wrong type, a value out of range, or a
// setting without effect is an error that says where it stands and what is
// near to it.
//
// The settings and their documentation stand at the fields of the structs
// they end up in, as tags: yaml (the key), range, oneof, needs (a key of the
// same section that must not be zero for this one to matter) and doc.
package configs
