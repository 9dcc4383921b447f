package eval

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteText prints a table of what moved, and of every metric with a gate.
func (c *Comparison) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	line := func(cells ...any) {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("%-34s %12s %12s %12s %12s  %s", cells...), " "))
	}
	line("metric", "baseline", "now", "change", "allowed", "")
	for _, x := range c.Changes {
		moved := x.Value == nil || *x.Value != x.Baseline
		if x.Gate == Ignore && !moved {
			continue
		}
		now, change, allowed, verdict := "-", "-", "-", x.Verdict
		if x.Value != nil {
			now, change = number(*x.Value), fmt.Sprintf("%+.3g", *x.Value-x.Baseline)
		}
		if x.Gate == Ignore {
			verdict = ""
		} else {
			allowed = map[string]string{Lower: "+", Higher: "-", Equal: "±"}[x.Gate] + fmt.Sprintf("%.3g", x.Allowed)
		}
		line(x.Metric, number(x.Baseline), now, change, allowed, verdict)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintf(b, "warning: %s\n", warning)
	}
	if c.Regressed {
		fmt.Fprintln(b, "regression")
	} else {
		fmt.Fprintln(b, "no regression")
	}
	return b.Flush()
}
