package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/internal/kernel"
)

// version is stored with weights; it changes with what training computes.
const version = "0.1.0"

func newVersion(s streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version and the kernels that run on this machine",
		Example: "  saectl version",
		Args:    arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return s.json(map[string]string{
					"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "kernels": kernels(),
				})
			}
			fmt.Fprintf(s.out, "saectl %s, %s %s/%s, kernels %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, kernels())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// kernels names the set of inner loops that runs; main has seen to it that
// SAECTL_KERNELS names a known one.
func kernels() string {
	name, _ := kernel.Name()
	return name
}
