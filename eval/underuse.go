package eval

import "fmt"

func underuseShares() []float64 { return []float64{0.1, 0.5} }

// reportUnderuse counts latents that fire far less often than if all F fired
// equally often, k/F with k latents a row on average.
func (m *usage) reportUnderuse(r *Report) {
	kept := int64(0)
	for _, n := range m.fired {
		kept += n
	}
	even := float64(kept) / float64(len(m.fired))
	for _, share := range underuseShares() {
		few := 0
		for _, n := range m.fired {
			if float64(n) < share*even {
				few++
			}
		}
		r.Set(fmt.Sprintf("underused_%v", share), float64(few)/float64(len(m.fired)), m.rows)
	}
}

func underuseDefinitions() []Definition {
	var list []Definition
	for _, share := range underuseShares() {
		list = append(list, Definition{
			Name:    fmt.Sprintf("underused_%v", share),
			Formula: fmt.Sprintf("share of latents with a frequency below %v·l0/F, l0/F that of all if they fired equally often", share),
			Source:  "near-dead latents, audit of the vSAE",
		})
	}
	return inFamily("usage", list)
}
