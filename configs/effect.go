package configs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/saectl/saectl/sae"
)

// refuseIdle refuses a setting whose feature is off, unless a higher layer
// than its own turned the feature off.
func (f *form) refuseIdle(l layer) error {
	for _, a := range l.list {
		x := f.find(a.key)
		if x == nil { // a section
			continue
		}
		n := f.unmet(*x)
		if n == nil || f.given[n.key] > f.given[a.key] {
			continue
		}
		want := "another value"
		if n.values != nil {
			want = strings.Join(n.values, " or ")
		}
		return a.wrap(fmt.Errorf("%s has no effect while %s is %s; remove it, or give %s %s", a.key, n.key, f.find(n.key).text(), n.key, want))
	}
	return nil
}

// resetIdle gives settings without effect their defaults, so that equal
// settings are equal in all fields.
func (f *form) resetIdle(reg sae.Registry) error {
	d, err := newForm(f.Variant, reg)
	if err != nil {
		return err
	}
	for i, x := range f.fields {
		if f.unmet(x) != nil {
			x.value.Set(d.fields[i].value)
		}
	}
	return nil
}

// warnings are about the length of the run against what counts in steps, and
// about results that are not exact.
func (f *form) warnings(layers []layer) (all []string) {
	steps := f.Train.TotalSteps()
	if steps == 0 {
		return []string{fmt.Sprintf("the run has no step: train.rows is %d, train.batch is %d and train.steps is 0", f.Train.Rows, f.Train.Batch)}
	}
	if f.Optimizer.Warmup > steps {
		all = append(all, fmt.Sprintf("optimizer.warmup is %d steps and the run has %d, so the rate stays below optimizer.lr", f.Optimizer.Warmup, steps))
	}
	if f.Train.Screen == "statistical" {
		all = append(all, "train.screen is statistical: its bound is not certified, so a latent that should be kept may rarely be missed, and runs with equal settings may differ; auto misses none")
	}
	typed := slices.ContainsFunc(layers, func(l layer) bool {
		_, given := l.find("train.save_every")
		return given && !l.shipped
	})
	if typed && f.Train.SaveEvery > steps {
		all = append(all, fmt.Sprintf("train.save_every is %d steps and the run has %d, so only its end is saved", f.Train.SaveEvery, steps))
	}
	return all
}
