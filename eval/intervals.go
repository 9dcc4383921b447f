package eval

import "slices"

// intervals fills in the parts of the range of activations, from marks by
// rising value.
func (in *inspector) intervals(x *Feature, marks []mark) {
	n := in.o.Intervals
	top := float64(marks[len(marks)-1].value)
	if top <= 0 {
		return
	}
	top = max(top, x.Max) // which a sample may lack
	share := x.Frequency / float64(len(marks))
	for b := n - 1; b >= 0; b-- {
		part := Interval{Low: top * float64(b) / float64(n), High: top * float64(b+1) / float64(n), Examples: []Example{}}
		var inside []mark
		for _, m := range marks {
			if v := float64(m.value); v > part.Low && (v <= part.High || b == n-1) {
				inside = append(inside, m)
			}
		}
		part.Share = share * float64(len(inside))
		slices.SortFunc(inside, inOrder)
		for _, m := range inside[:min(len(inside), in.o.PerInterval)] {
			part.Examples = append(part.Examples, Example{Row: m.row, Value: m.value})
		}
		x.Intervals = append(x.Intervals, part)
	}
}

// emitBytes bounds what contexts hold at a time when features are emitted.
const emitBytes = 128 << 20

// emit fills in contexts: of all features at once, or a few at a time where
// they are passed on.
func (in *inspector) emit(features []Feature) error {
	if in.o.Emit == nil {
		return in.contexts(features)
	}
	const bytesPerToken = 20 // a string's header and a value
	perFeature := (in.o.Top + in.o.Bins + in.o.Intervals*in.o.PerInterval) * (in.o.Before + in.o.After + 1) * bytesPerToken
	for part := range slices.Chunk(features, max(1, emitBytes/max(1, perFeature))) {
		if err := in.contexts(part); err != nil {
			return err
		}
		if err := in.o.Emit(&in.out, part); err != nil {
			return err
		}
		examples(part, func(_ *Feature, e *Example) { e.Tokens, e.Values = nil, nil })
	}
	return nil
}
