package eval

import (
	"github.com/saectl/saectl/eval/labels"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/section"
)

// A detectorTest is the detectors with the scores that they give test rows.
type detectorTest struct {
	pool      *kernel.Pool
	detectors []labels.Detector
	codes     [][]float64 // [detectors][test rows]
	raw       [][]float64 // [detectors][test rows], nil of one that has no score of rows
}

func newDetectorTest(pool *kernel.Pool, test *labels.Set, detectors []labels.Detector) *detectorTest {
	t := &detectorTest{pool: pool, detectors: detectors}
	for _, d := range detectors {
		t.codes, t.raw = append(t.codes, t.scores(test, d.Codes)), append(t.raw, t.scores(test, d.Raw))
	}
	return t
}

// scores of the rows of s; nil for no score.
func (t *detectorTest) scores(s *labels.Set, score func(s *labels.Set, i int) float64) []float64 {
	if score == nil {
		return nil
	}
	out := make([]float64, s.Len())
	t.pool.Run(len(out), kernel.TaskFunc(func(_, i int) { out[i] = score(s, i) }))
	return out
}

// detect compares the scores of test rows with those of rows from elsewhere.
func (t *detectorTest) detect(ood *labels.Set, name string) labels.OOD {
	out := labels.OOD{Name: name, Rows: ood.Len()}
	for k, d := range t.detectors {
		x := labels.OODScore{Formula: section.Formula{Name: d.Name, Formula: d.Formula, Source: d.Source}, Codes: labels.DetectionOf(t.codes[k], t.scores(ood, d.Codes))}
		if d.Raw != nil {
			raw := labels.DetectionOf(t.raw[k], t.scores(ood, d.Raw))
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
