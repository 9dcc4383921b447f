package eval

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText prints a table of the metrics with a gate, the worse ones first,
// and says how many others moved.
func (c *Comparison) WriteText(w io.Writer) error { return c.write(w, false) }

// WriteDetails prints every metric that has a gate or moved.
func (c *Comparison) WriteDetails(w io.Writer) error { return c.write(w, true) }

func (c *Comparison) write(w io.Writer, details bool) error {
	b, others := bufio.NewWriter(w), 0
	line := func(cells ...any) {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("%-34s %12s %12s %12s %12s  %s", cells...), " "))
	}
	line("metric", "baseline", "now", "change", "allowed", "")
	for _, x := range c.worstFirst() {
		if x.Gate == Ignore && x.Value != nil && *x.Value == x.Baseline {
			continue
		}
		if x.Gate == Ignore && !details {
			others++
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
	if others > 0 {
		s := "s"
		if others == 1 {
			s = ""
		}
		fmt.Fprintf(b, "%d figure%s without a gate moved as well; --details lists all\n", others, s)
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

// worstFirst are the changes with those that regressed in front.
func (c *Comparison) worstFirst() []Change {
	list := slices.Clone(c.Changes)
	bad := func(x Change) int {
		if x.Verdict == "worse" || x.Verdict == "absent" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(x, y Change) int { return cmp.Compare(bad(x), bad(y)) })
	return list
}
