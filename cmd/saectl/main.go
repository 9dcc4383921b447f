// Command saectl trains, evaluates and inspects sparse autoencoders.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/saectl/saectl/sae"
)

// Exit codes; scripts rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process: results go to out, progress
// and messages to errOut.
func run(ctx context.Context, args []string, out, errOut io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(errOut, "saectl: internal error: %v; please report it with the command that you ran\n", p)
			code = exitFailed
		}
	}()
	root := newRoot(streams{out, errOut})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, sae.ErrInterrupted) && ctx.Err() != nil:
		fmt.Fprintf(errOut, "saectl: %v\n", err)
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "saectl: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(errOut, "saectl: %v\n", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// A usageError is a mistake in the command line or a config.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
