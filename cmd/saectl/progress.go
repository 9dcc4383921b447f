package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/saectl/saectl/sae"
)

// progress shows how far training is: one bar in rows on a terminal, else a
// line at each logged step.
type progress struct {
	s     streams
	quiet bool
	bar   *progressbar.ProgressBar
	batch int
}

func newProgress(s streams, quiet bool, steps, batch, done int) *progress {
	p := &progress{s: s, quiet: quiet, batch: batch}
	if quiet || !s.onTerminal() {
		return p
	}
	p.bar = s.rowBar("training", int64(steps)*int64(batch))
	p.bar.Set64(int64(done) * int64(batch))
	return p
}

// onTerminal reports whether a user watches what goes to stderr.
func (s streams) onTerminal() bool {
	f, isFile := s.err.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// rowBar shows on a terminal how many of all rows are done. endBar ends it.
func (s streams) rowBar(what string, rows int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(rows,
		progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(), progressbar.OptionUseANSICodes(true))
}

// endBar leaves the terminal on a line of its own, where there is a bar.
func (s streams) endBar(bar *progressbar.ProgressBar) {
	if bar != nil {
		bar.Exit()
		fmt.Fprintln(s.err)
	}
}

func (p *progress) report(r sae.Progress) {
	if p.bar != nil {
		if r.Metrics != nil {
			p.bar.Describe(describe(r.Metrics))
		}
		p.bar.Set64(r.Rows)
		return
	}
	if r.Metrics == nil || p.quiet {
		return
	}
	left := time.Duration(float64(int64(r.Total-r.Step)*int64(p.batch)) / r.Metrics.RowsPerSecond * float64(time.Second))
	p.s.note("step %d of %d  %s  %s rows/s  %s left", r.Step, r.Total, describe(r.Metrics), thousands(int64(r.Metrics.RowsPerSecond)), left.Round(time.Second))
}

func describe(m *sae.Metrics) string {
	path := ""
	if m.Dense {
		path = "  dense path"
	}
	return fmt.Sprintf("loss %.4g  FVU %.4f  L0 %.1f  dead %d%s", m.Loss, m.FVU, m.L0, m.Dead, path)
}

func (p *progress) close() { p.s.endBar(p.bar) }

// thousands writes n with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
