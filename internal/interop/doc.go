// Package interop writes and reads the files of other tools, and of saectl
// where they are Arrow: the core does not link what it does not need.
package interop
