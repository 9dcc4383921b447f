package sae

import "github.com/saectl/saectl/internal/sparseop"

// enlarge compiles the graph again with more room for what a batch kept.
func (g *Graph) enlarge(full *sparseop.CapacityError) error {
	capacity := map[int]int{}
	for i, s := range g.b.selects {
		capacity[i] = s.Cap
		if s == full.Support {
			capacity[i] = min(full.Need+full.Need/2, s.B*s.F)
		}
	}
	return g.again(capacity)
}

// What latents kept early in training may be far more than later on, and some
// ops go over all that a selection has room for. After so many runs that filled
// less than a part of it the room is given back, where it is worth the trouble.
const (
	shrinkRuns = 32
	shrinkPart = 8
	shrinkFrom = 1 << 18 // entries
)

func (g *Graph) shrink() error {
	capacity, worth := map[int]int{}, false
	for i, s := range g.b.selects {
		capacity[i] = s.Cap
		if s.Cap >= shrinkFrom && s.Count() < s.Cap/shrinkPart {
			capacity[i] = max(s.Cap/(shrinkPart/2), g.b.asked[i])
			worth = worth || capacity[i] < s.Cap
		}
	}
	if !worth {
		g.roomy = 0
		return nil
	}
	if g.roomy++; g.roomy < shrinkRuns {
		return nil
	}
	return g.again(capacity)
}

// again compiles the graph with other room for its selections.
func (g *Graph) again(capacity map[int]int) error {
	old := *g
	bigger, err := compile(g.variant, g.Dims, g.options, g.Weights, capacity)
	if err != nil {
		return err
	}
	*g = *bigger
	for i, s := range old.States {
		copy(g.States[i].Data, s.Data)
	}
	if old.b.dead != nil {
		copy(g.b.dead.Since, old.b.dead.Since)
	}
	if old.m.stages != nil {
		g.m.stages = old.m.stages
	}
	return nil
}
