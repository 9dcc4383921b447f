package kernel

// momentColumns is how many columns the kernels of moments take at a time.
const momentColumns = 64

// AddMoments adds v = x - y - shift to sum and v² to squares, column by column
// over len(sum), in float64, for rows of x and y that lie ld numbers apart; y is
// nil for zeros. This is what the variance of columns is made of. Each column is
// summed in the order of the rows; the bits are the same in every set of kernels.
func AddMoments(sum, squares, shift []float64, x, y []float32, ld, rows int) {
	if rows == 0 {
		return
	}
	n := len(sum) &^ (momentColumns - 1)
	if n > 0 {
		chosen.moments(sum[:n], squares[:n], shift[:n], x[:(rows-1)*ld+n], y, ld, rows)
	}
	if y != nil {
		y = y[n:]
	}
	momentsGeneric(sum[n:], squares[n:], shift[n:], x[n:], y, ld, rows)
}

func momentsGeneric(sum, squares, shift []float64, x, y []float32, ld, rows int) {
	for row := range rows {
		for i := range sum {
			v := float64(x[row*ld+i])
			if y != nil {
				v -= float64(y[row*ld+i])
			}
			v -= shift[i]
			sum[i] += v
			squares[i] += float64(v * v)
		}
	}
}
