package eval

import (
	"github.com/saectl/saectl/eval/labels"
	"github.com/saectl/saectl/internal/kernel"
)

// detect compares the scores of test rows with those of rows from elsewhere.
func detect(pool *kernel.Pool, test, ood *labels.Set, name string, detectors []labels.Detector) labels.OOD {
	out := labels.OOD{Name: name, Rows: ood.Len()}
	of := func(score func(s *labels.Set, i int) float64) labels.Detection {
		id, other := make([]float64, test.Len()), make([]float64, ood.Len())
		pool.Run(len(id), task(func(_, i int) { id[i] = score(test, i) }))
		pool.Run(len(other), task(func(_, i int) { other[i] = score(ood, i) }))
		return labels.DetectionOf(id, other)
	}
	for _, d := range detectors {
		x := labels.OODScore{Name: d.Name, Formula: d.Formula, Source: d.Source, Codes: of(d.Codes)}
		if d.Raw != nil {
			raw := of(d.Raw)
			x.Raw = &raw
		}
		out.Scores = append(out.Scores, x)
	}
	return out
}

// setDetections sets the means over the sets of rows from elsewhere. rows are
// those of the test and of the last set.
func (r *Report) setDetections(rows int64) {
	sets := float64(len(r.Labels.OOD))
	for k, s := range r.Labels.OOD[0].Scores {
		var codes, raw labels.Detection
		for _, o := range r.Labels.OOD {
			addDetection(&codes, o.Scores[k].Codes, sets)
			if s.Raw != nil {
				addDetection(&raw, *o.Scores[k].Raw, sets)
			}
		}
		r.setDetection(s.Name, codes, rows)
		if s.Raw != nil {
			r.setDetection(s.Name+"_raw", raw, rows)
		}
	}
}

func addDetection(to *labels.Detection, d labels.Detection, sets float64) {
	to.AUROC, to.FPR95, to.AUPR = to.AUROC+d.AUROC/sets, to.FPR95+d.FPR95/sets, to.AUPR+d.AUPR/sets
}

func (r *Report) setDetection(name string, d labels.Detection, rows int64) {
	r.Set("ood_auroc_"+name, d.AUROC, rows)
	r.Set("ood_fpr95_"+name, d.FPR95, rows)
	r.Set("ood_aupr_"+name, d.AUPR, rows)
}
