package kernel

// ScreenAlways makes s screen at any size, and reports whether it can.
func (s *Selector) ScreenAlways() bool {
	s.always = true
	return s.set.bytes != nil
}

// Screened counts the rows that screening decided in the last call and what
// was scored for them.
func (s *Selector) Screened() (rows, scored int) {
	if !s.quantized {
		return 0, 0
	}
	for _, r := range s.screen.rows {
		rows, scored = rows+r.decided, scored+r.scored
	}
	return rows, scored
}

// Differ names the first difference of two supports.
func Differ(got, want *Support) string { return differ(got, want) }
