package eval

// A Definition says what a metric is. Definitions are written beside the code
// that computes them; docs/metrics.md is made from the list.
type Definition struct {
	Name    string // as in the report
	Family  string // heading of the report's table
	Formula string
	Unit    string // "" for a plain number
	Source  string // paper, or the reason to have it
	Equals  string // whose number it is: library, version and name there
}

// Definitions lists every metric, family by family, in the order in which
// reports show them.
func Definitions() []Definition {
	var all []Definition
	for _, family := range [][]Definition{
		reconstructionDefinitions(),
		sparsityDefinitions(),
		usageDefinitions(),
		underuseDefinitions(),
		dictionaryDefinitions(),
		coactivationDefinitions(),
		pursuitDefinitions(),
		afaDefinitions(),
		lossDefinitions(),
		labelDefinitions(),
		topRowDefinitions(),
		mdlDefinitions(),
		recoveryDefinitions(),
		treeDefinitions(),
		probeDefinitions(),
		variationalDefinitions(),
		detectDefinitions(),
		ontologyDefinitions(),
		peerDefinitions(),
	} {
		all = append(all, family...)
	}
	return all
}

// inFamily fills in the family of each definition.
func inFamily(family string, list []Definition) []Definition {
	for i := range list {
		list[i].Family = family
	}
	return list
}
