package figures

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs a program, such as saectl, and returns what it printed; the error of
// one that fails has what it said on stderr.
func Run(program string, args ...string) ([]byte, error) {
	cmd := exec.Command(program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, said.String())
	}
	return b, nil
}
