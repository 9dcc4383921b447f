package kernel

// Unwind takes the entries of idx from the last to the first. With dst_e and
// w_e the rows that entry e names, of dst and w [rows,stride], cut to
// len(grad) columns from the first number of dst and w on, it does
//
//	dst_e -= c·grad
//	found += c·w_e
//	dst_e += s·found
//	grad  += s·w_e
//
// with the bits of four calls of Axpy. grad and found are as before when it
// returns.
func Unwind(dst, w []float32, stride, rows int, idx []int32, c, s, grad, found []float32) {
	n := len(grad)
	if rows == 0 || n == 0 {
		return
	}
	last := (rows-1)*stride + n
	dst, w, c, s, found = dst[:last], w[:last], c[:len(idx)], s[:len(idx)], found[:n]
	ok, done := true, 0
	if chosen.unwind != nil {
		done = n / chosen.unwindColumns * chosen.unwindColumns
		ok = chosen.unwind(dst, w, stride, rows, idx, c, s, grad[:done], found[:done])
	}
	for ; ok && done < n; done += unwindRest {
		end := min(n, done+unwindRest)
		ok = unwindBy(chosen.axpy, dst[done:], w[done:], stride, rows, idx, c, s, grad[done:end], found[done:end])
	}
	if !ok {
		panicIndex(idx, rows)
	}
}

// unwindRest is how many columns unwindBy takes at most.
const unwindRest = 64

// unwindBy is unwind step by step.
func unwindBy(axpy func(dst []float32, a float32, x []float32), dst, w []float32, stride, rows int, idx []int32, c, s, grad, found []float32) bool {
	var g, f [unwindRest]float32
	grad, found = g[:copy(g[:], grad)], f[:copy(f[:], found)]
	for e := len(idx) - 1; e >= 0; e-- {
		if uint(idx[e]) >= uint(rows) {
			return false
		}
		at := int(idx[e]) * stride
		to, from := dst[at:at+len(grad)], w[at:at+len(grad)]
		axpy(to, -c[e], grad)
		axpy(found, c[e], from)
		axpy(to, s[e], found)
		axpy(grad, s[e], from)
	}
	return true
}
