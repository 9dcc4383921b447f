package eval

import (
	"fmt"

	"github.com/saectl/saectl/eval/labels"
)

func probeDefinitions() []Definition {
	list := []Definition{
		{Name: "probe_accuracy", Formula: "accuracy on the test rows of a logistic regression (softmax, L2, C = 1, bias free, nothing standardised) on all latents", Source: "linear probe", Equals: "scikit-learn LogisticRegression at its optimum; its default stops after 100 steps"},
		{Name: "probe_accuracy_raw", Formula: "the same on x: what the latents must not lose", Source: "baseline"},
	}
	for _, k := range sparseK() {
		list = append(list,
			Definition{Name: fmt.Sprintf("probe_k%d_accuracy", k), Formula: fmt.Sprintf("mean over classes of the accuracy of one class against the rest with the %d latents of largest |mean on the class - mean off it|", k), Source: "k-sparse probing, Gurnee et al. 2023", Equals: "SAEBench 0.6.0 sparse probing on rows in place of mean-pooled texts"},
			Definition{Name: fmt.Sprintf("probe_k%d_accuracy_raw", k), Formula: fmt.Sprintf("the same with %d values of x", k), Source: "baseline"},
			Definition{Name: fmt.Sprintf("probe_k%d_auroc", k), Formula: fmt.Sprintf("mean over classes of the AUROC of that probe with %d latents", k), Source: "k-sparse probing"},
			Definition{Name: fmt.Sprintf("probe_k%d_auroc_raw", k), Formula: fmt.Sprintf("the same with %d values of x", k), Source: "baseline"},
			Definition{Name: fmt.Sprintf("probe_top%d_accuracy", k), Formula: fmt.Sprintf("accuracy of the softmax regression on codes of which only the %d largest |f| of each row are kept", k), Source: "truncated-code probe, Jacquier et al., Beyond the Hard Budget"},
			Definition{Name: fmt.Sprintf("probe_top%d_accuracy_raw", k), Formula: fmt.Sprintf("the same on the %d largest |x| of each row", k), Source: "baseline"})
	}
	return inFamily("probes", list)
}

func detectDefinitions() []Definition {
	var list []Definition
	add := func(name, formula, source string) {
		list = append(list,
			Definition{Name: "ood_auroc_" + name, Formula: "AUROC, test rows against rows from elsewhere, mean over sets of these, of the score " + formula, Source: source},
			Definition{Name: "ood_fpr95_" + name, Formula: "share of rows from elsewhere at or above the ceil(0.05 n)-th smallest of the n test scores, of the score " + formula, Source: source},
			Definition{Name: "ood_aupr_" + name, Formula: "area under precision and recall by steps, test rows positive, of the score " + formula, Source: source})
	}
	for _, d := range labels.Detectors(&labels.Set{}, labels.Softmax{}, labels.Softmax{}) {
		add(d.Name, d.Formula, d.Source)
		if d.Raw != nil {
			add(d.Name+"_raw", "for x in place of f: "+d.Formula, "baseline")
		}
	}
	return inFamily("rows from elsewhere", list)
}

func ontologyDefinitions() []Definition {
	const latents = "latents that fire on 16 rows or more"
	list := []Definition{{Name: "monosemanticity_mean", Formula: "mean over latents that vary of Σ a_i·a_l·cos(E_i, E_l)/Σ a_i·a_l over pairs of test rows, a the latent scaled to [0,1], E embeddings of the rows by another model", Source: "monosemanticity score, Pach et al. 2025"}}
	for _, x := range []struct{ name, formula, source string }{
		{"hierarchy_height_mean", "mean over " + latents + " of the height of the lowest common hypernym of their 16 rows of largest f: the longest way down from it to a class", "LCH height, named by Olson et al. 2025 (arXiv 2505.15970); the formula is ours"},
		{"hierarchy_height_median", "median of that height", "as hierarchy_height_mean"},
		{"hierarchy_tolerant_height_mean", "mean height of the lowest node above 80 % of those rows", "one stray row lifts the lowest common hypernym to the root"},
		{"hierarchy_coverage", "share of the nodes below the root at which classes meet that are the lowest common hypernym of some latent", "ontological coverage, named by Olson et al. 2025 (arXiv 2505.15970); the formula is ours"},
		{"hierarchy_depth_mean", "mean over " + latents + " of the rounded mean over pairs of those rows of the nodes that their ways from the root share", "Pach et al. 2025, lowest common ancestor depth"},
	} {
		list = append(list, Definition{Name: x.name, Formula: x.formula, Source: x.source},
			Definition{Name: x.name + "_chance", Formula: "the same of as many random sets of 16 labelled rows", Source: "baseline"})
	}
	return inFamily("hierarchy", list)
}
