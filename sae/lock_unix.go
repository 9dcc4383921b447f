//go:build unix

package sae

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDir takes the folder for this process. The lock ends with the process,
// however it ends, so a dead one never blocks.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, fmt.Errorf("%s: another process is training in this folder; wait for it or give another --out", dir)
	}
	// A file system without locks (some network ones) is used without.
	return f, nil
}
