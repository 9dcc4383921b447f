package eval

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/saectl/saectl/internal/kernel"
)

// A MatchTable compares each of several dictionaries with each other one.
type MatchTable struct {
	Names   []string `json:"names"`
	Matches []*Match `json:"matches"` // of (0,1), (0,2), ..., (1,2), ...
}

// MatchAll compares all pairs of dictionaries, which must be two or more.
func MatchAll(ctx context.Context, all []Dictionary, threads int) (*MatchTable, error) {
	if len(all) < 2 {
		return nil, fmt.Errorf("comparing needs two dictionaries or more")
	}
	t := &MatchTable{}
	for i, a := range all {
		t.Names = append(t.Names, a.Name)
		for _, b := range all[i+1:] {
			m, err := MatchDictionaries(ctx, a, b, threads)
			if err != nil {
				return nil, err
			}
			t.Matches = append(t.Matches, m)
		}
	}
	return t, nil
}

// WriteText prints each pair, and for three or more a matrix of the mean
// cosine of matched latents, or of MMCS where matching was left out.
func (t *MatchTable) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, m := range t.Matches {
		if i > 0 {
			fmt.Fprintln(b)
		}
		m.writeText(b)
	}
	if len(t.Names) > 2 {
		t.writeMatrix(b)
	}
	return b.Flush()
}

func (m *Match) writeText(w io.Writer) {
	fmt.Fprintf(w, "A %s\nB %s\n", m.A, m.B)
	line := func(name string, v float64, what string) { fmt.Fprintf(w, "  %-24s %10.4f  %s\n", name, v, what) }
	line("mmcs_a_to_b", m.MMCS, "mean over A of the largest cosine to B")
	line("mmcs_b_to_a", m.Back, "mean over B of the largest cosine to A")
	line("mmcs_abs_a_to_b", m.Abs, "mean over A of the largest |cosine| to B")
	if h := m.Hungarian; h != nil {
		line("hungarian_mean_cosine", h.MeanCosine, fmt.Sprintf("%s pairs matched one to one", grouped(int64(m.Pairs))))
		line("hungarian_mean_arccos", h.MeanArccos, "radians")
		for _, above := range sharedAbove() {
			line(fmt.Sprintf("shared_above_%v", above), h.Shared[fmt.Sprint(above)], "share of the pairs with a cosine above it")
		}
	}
	for _, warning := range m.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

func (t *MatchTable) writeMatrix(w io.Writer) {
	fmt.Fprintf(w, "\nmean cosine of matched latents, or mmcs_a_to_b in brackets\n%4s", "")
	for j := range t.Names {
		fmt.Fprintf(w, "%9d", j)
	}
	fmt.Fprintln(w)
	at := 0
	for i, name := range t.Names {
		fmt.Fprintf(w, "%3d %*s%9s", i, 9*i, "", "1")
		for range t.Names[i+1:] {
			m := t.Matches[at]
			at++
			if m.Hungarian != nil {
				fmt.Fprintf(w, "%9.4f", m.Hungarian.MeanCosine)
			} else {
				fmt.Fprintf(w, " (%.4f)", m.MMCS)
			}
		}
		fmt.Fprintf(w, "  %s\n", name)
	}
}

// DistanceLoss is overcomplete's hungarian_loss: the sum of Euclidean
// distances of the rows of two dictionaries of equal size, not normalised, in
// the one-to-one assignment that makes it least.
func DistanceLoss(a, b Dictionary) (float64, error) {
	if a.D != b.D || a.F != b.F || a.F > maxAssigned {
		return 0, fmt.Errorf("the distance of %s and %s needs equal sizes and at most %d latents", a.Name, b.Name, maxAssigned)
	}
	cost := make([]float32, a.F*b.F)
	distance := func(i, j int) float64 {
		return math.Sqrt(kernel.SquaredError(a.Rows[i*a.D:(i+1)*a.D], b.Rows[j*b.D:(j+1)*b.D]))
	}
	for i := range a.F {
		for j := range b.F {
			cost[i*b.F+j] = float32(distance(i, j))
		}
	}
	sum := 0.0
	for i, j := range assign(cost, a.F) {
		sum += distance(i, int(j))
	}
	return sum, nil
}
