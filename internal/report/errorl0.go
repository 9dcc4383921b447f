package report

// errorAgainstL0 has a point a run that measured both, and those of a sweep.
func errorAgainstL0(runs []Run, sweep []Swept) []chart {
	c := chart{ID: "error_l0", Title: "Error against L0", Kind: "points",
		Help: "The share of variance that is not explained (FVU) against the mean number of active latents, a point a run; runs of one variant are joined. Lower left is better.",
		X:    axis{Label: "L0, mean over rows", Log: true}, Y: axis{Label: "FVU", Log: true}}
	here := false
	for _, p := range sweep {
		here = here || p.Here
		if p.L0 > 0 && p.FVU > 0 {
			c.Lines = append(c.Lines, line{X: numbers{p.L0}, Y: numbers{p.FVU}, Name: p.Name, Variant: p.Variant, Here: p.Here})
		}
	}
	if len(sweep) > 0 {
		c.Help = "The share of variance that is not explained (FVU) against the mean number of active latents, a point a run of the sweep, on the rows that it evaluated; this one is the large point. Runs of one variant are joined. Lower left is better."
	}
	for i, r := range runs {
		l0, fvu := r.metric("l0"), r.metric("fvu")
		if here && i == 0 {
			continue
		}
		if l0 > 0 && fvu > 0 {
			c.Lines = append(c.Lines, line{Run: i, X: numbers{l0}, Y: numbers{fvu}})
		}
	}
	if len(c.Lines) == 0 {
		return nil
	}
	return []chart{c}
}
