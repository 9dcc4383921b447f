package eval

import (
	"cmp"
	"slices"

	"github.com/saectl/saectl/activations"
)

// A span is the rows around an example that belong to its document.
type span struct {
	example *Example
	latent  int32
	lo, hi  int64 // rows of the dump
}

// contexts fills in place, tokens and activations of all examples. Every row
// that some context shows is read and encoded once.
func (in *inspector) contexts(features []Feature) error {
	var spans []span
	examples(features, func(f *Feature, e *Example) {
		spans = append(spans, span{example: e, latent: int32(f.Latent), lo: e.Row, hi: e.Row + 1})
	})
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.example.Row, b.example.Row) })
	names, err := in.r.Metadata().LabelNames()
	if err != nil {
		return err
	}
	for part := range slices.Chunk(spans, 4096) {
		if err := in.place(part, names); err != nil {
			return err
		}
		if !in.r.HasToken() {
			continue
		}
		if err := in.tokens(part); err != nil {
			return err
		}
		if err := in.values(part); err != nil {
			return err
		}
	}
	return in.ctx.Err()
}

// place finds out where the rows of spans stand and how far their documents
// reach around them.
func (in *inspector) place(spans []span, names []string) error {
	var rows []int64
	for _, s := range spans {
		for row := max(0, s.example.Row-int64(in.o.Before)); row <= min(in.r.Rows()-1, s.example.Row+int64(in.o.After)); row++ {
			rows = append(rows, row)
		}
	}
	var b activations.Batch
	if err := in.r.ReadColumns(&b, rows, in.cols&columnsOfPlace); err != nil {
		return err
	}
	for i, at := 0, 0; i < len(spans); i++ {
		s := &spans[i]
		own := at + int(s.example.Row-rows[at])
		end := own + int(min(in.r.Rows()-1-s.example.Row, int64(in.o.After))) + 1
		lo, hi := own, own+1
		for lo > at && follows(&b, lo) {
			lo--
		}
		for hi < end && follows(&b, hi) {
			hi++
		}
		s.lo, s.hi = rows[lo], rows[hi-1]+1
		s.example.At = own - lo
		s.example.stand(&b, own, names)
		at = end
	}
	return nil
}

// follows reports whether row i of b goes on with the document of row i-1, the
// row before it in the dump. Without doc and pos a dump is one document.
func follows(b *activations.Batch, i int) bool {
	if b.Doc != nil && b.Doc[i] != b.Doc[i-1] {
		return false
	}
	return b.Pos == nil || b.Pos[i] == b.Pos[i-1]+1
}

// stand fills in the place of an example, row i of b.
func (e *Example) stand(b *activations.Batch, i int, names []string) {
	if b.Doc != nil {
		doc := b.Doc[i]
		e.Doc = &doc
	}
	if b.Pos != nil {
		pos := b.Pos[i]
		e.Pos = &pos
	}
	if b.Label != nil && b.Label[i] >= 0 && int(b.Label[i]) < len(names) {
		e.Label = names[b.Label[i]]
	}
}

// tokens fills in the text of spans.
func (in *inspector) tokens(spans []span) error {
	var rows []int64
	for _, s := range spans {
		for row := s.lo; row < s.hi; row++ {
			rows = append(rows, row)
		}
	}
	text, err := in.r.Tokens(rows)
	if err != nil {
		return err
	}
	for i, t := range text { // the same few texts come back all the time
		if known, ok := in.texts[t]; ok {
			text[i] = known
		} else {
			in.texts[t] = t
		}
	}
	for _, s := range spans {
		n := s.hi - s.lo
		s.example.Tokens, text = text[:n:n], text[n:]
		s.example.Values = make([]float32, n)
	}
	return nil
}

// values fills in the activations of the rows of spans.
func (in *inspector) values(spans []span) error {
	var rows []int64
	for _, s := range spans {
		for row := s.lo; row < s.hi; row++ {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	byStart := slices.Clone(spans)
	slices.SortStableFunc(byStart, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	var b activations.Batch
	for part := range slices.Chunk(rows, in.batch) {
		if err := in.ctx.Err(); err != nil {
			return err
		}
		if err := in.r.Read(&b, part, in.cols); err != nil {
			return err
		}
		codes, err := in.s.Encode(&b)
		if err != nil {
			return err
		}
		last := part[len(part)-1]
		for _, s := range byStart {
			if s.lo > last {
				break
			}
			if s.hi > part[0] {
				s.take(codes.Row, part)
			}
		}
	}
	return nil
}

// take copies the activations of the latent on those of rows, ascending, that
// are in the span.
func (s span) take(codes func(i int) ([]int32, []float32), rows []int64) {
	from, _ := slices.BinarySearch(rows, s.lo)
	for i := from; i < len(rows) && rows[i] < s.hi; i++ {
		index, values := codes(i)
		if e, ok := slices.BinarySearch(index, s.latent); ok {
			s.example.Values[rows[i]-s.lo] = values[e]
		}
	}
}
