package figures

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain is also the program that TestRun runs.
func TestMain(m *testing.M) {
	if os.Getenv("FIGURES_TEST_PROGRAM") != "" {
		os.Stdout.WriteString("printed " + strings.Join(os.Args[1:], "+"))
		os.Stderr.WriteString("said why")
		if os.Args[1] == "fail" {
			os.Exit(3)
		}
		return
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	t.Setenv("FIGURES_TEST_PROGRAM", "1")
	b, err := Run(os.Args[0], "eval", "--json")
	if err != nil || string(b) != "printed eval+--json" {
		t.Errorf("%q, %v", b, err)
	}
	b, err = Run(os.Args[0], "fail", "x")
	exit, ok := err.(interface{ Unwrap() error }).Unwrap().(*exec.ExitError)
	if b != nil || !ok || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "fail x") || !strings.Contains(err.Error(), "said why") {
		t.Errorf("%q, %v", b, err)
	}
}
