package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/data"
)

func newSynthCircuit(s streams) *cobra.Command {
	c, out := data.DefaultCircuit(), ""
	cmd := &cobra.Command{
		Use:   "circuit",
		Short: "Make a dump of head outputs with a circuit that is known",
		Long: `Make what attention heads write on examples in pairs, a positive one and its
negative twin. A few heads, named in heads.txt beside the dump, write directions
on positive examples that they write on no negative one; all others write the
same on both. saectl circuit should find them.`,
		Example: `  saectl data synth circuit --out planted --seed 1
  saectl circuit --dump planted --truth planted/heads.txt`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{fmt.Errorf("--out is missing: the folder for the dump")}
			}
			if err := c.Validate(); err != nil {
				return usageError{err}
			}
			if err := data.WriteCircuit(cmd.Context(), out, c, nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %d examples of each class, %d layers of %d heads; the %d planted ones are in %s/%s\n",
				out, c.Examples, c.Layers, c.Heads, c.Planted, out, data.CircuitFile)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the dump; it must not hold one")
	bindSettings(cmd.Flags(), &c)
	return cmd
}
