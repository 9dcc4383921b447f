package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/saectl/saectl/internal/kernel"
)

// streams are where a command writes: results and everything else.
type streams struct{ out, err io.Writer }

// note writes a line for people, to stderr.
func (s streams) note(format string, args ...any) { fmt.Fprintf(s.err, format+"\n", args...) }

// json writes v as the one object on stdout.
func (s streams) json(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "saectl",
		Short: "Train, evaluate and inspect sparse autoencoders",
		Long: `saectl takes the activations of a neural network apart into features that
people can read: it trains sparse autoencoders on dumps of activations, says
how good they are, and shows what their latents stand for.

It runs on the CPU of this machine; equal settings give equal bits.`,
		Args:          arguments(0, 0),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if _, err := kernel.Name(); err != nil {
			return usageError{err}
		}
		return nil
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(
		newTrain(s),
		newSweep(s),
		newEval(s),
		newInspect(s),
		newEncode(s),
		newCompare(s),
		newHeads(s),
		newCircuit(s),
		newData(s),
		newBench(s),
		newImport(s), newExport(s), newVersion(s),
	)
	return root
}

// arguments asks for min to max of them.
func arguments(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= min && len(args) <= max {
			return nil
		}
		if cmd.HasSubCommands() && len(args) > 0 {
			return usageError{fmt.Errorf("%s has no command %q%s; see %s --help", cmd.CommandPath(), args[0], suggest(cmd, args[0]), cmd.CommandPath())}
		}
		return usageError{fmt.Errorf("%s takes %s, %d given: %s; see %s --help", cmd.CommandPath(), howMany(min, max), len(args), strings.Join(args, " "), cmd.CommandPath())}
	}
}

func howMany(min, max int) string {
	switch {
	case max == 0:
		return "no arguments"
	case min == max && max == 1:
		return "one argument"
	case min == max:
		return fmt.Sprintf("%d arguments", max)
	}
	return fmt.Sprintf("%d to %d arguments", min, max)
}

func suggest(cmd *cobra.Command, typed string) string {
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(typed)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", near[0])
}
