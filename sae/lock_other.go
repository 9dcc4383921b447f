//go:build !unix

package sae

import "os"

// lockDir opens the folder; this system has no lock that ends with a process.
func lockDir(dir string) (*os.File, error) { return os.Open(dir) }
