package kernel

// operand is a matrix with element (i,l) at x[i*row+l*col]; one of the two
// strides is 1.
type operand struct {
	x        []float32
	row, col int
}

// packDepth is how deep pack goes in one group of rows before it takes the
// next, so that what it writes stays in the first-level cache.
const packDepth = 64

// pack copies rows [first,first+rows) of o, numbers [depth0,depth0+depth) of
// each, to dst [depth,width]: what a tile reads in order. Rows beyond the
// last, rows to width, are zeros.
func (s *set) pack(dst []float32, o operand, first, rows, depth0, depth, width int) {
	if rows < width {
		clear(dst)
	}
	if o.col != 1 {
		from := o.x[first+depth0*o.col:]
		for l := range depth {
			copy(dst[l*width:(l+1)*width], from[l*o.col:l*o.col+rows])
		}
		return
	}
	for l := 0; l < depth; l += packDepth {
		n := min(packDepth, depth-l)
		s.packRows(dst[l*width:(l+n)*width], o, first, rows, depth0+l, n, width)
	}
}

// packRows is pack for rows whose numbers are neighbours.
func (s *set) packRows(dst []float32, o operand, first, rows, depth0, depth, width int) {
	done := 0
	if s.transpose != nil {
		done = depth &^ 7
	}
	i := 0
	for ; done > 0 && i+4 <= rows; i += 4 {
		s.transpose(dst[i:], width, o.x[(first+i)*o.row+depth0:], o.row, done)
	}
	transposePlain(dst[done*width:], o, first, 0, i, depth0+done, depth-done, width)
	transposePlain(dst, o, first, i, rows, depth0, depth, width)
}

// transposePlain packs rows [lo,hi) of those that begin at first.
func transposePlain(dst []float32, o operand, first, lo, hi, depth0, depth, width int) {
	for i := lo; i < hi; i++ {
		row := o.x[(first+i)*o.row+depth0:]
		for l, v := range row[:depth] {
			dst[l*width+i] = v
		}
	}
}
