package kernel

// AddMoments adds v = x - y - shift to sum and v² to squares, element by
// element over len(sum), in float64: what the variance of columns is made of,
// row after row. The bits are the same in every set of kernels.
func AddMoments(sum, squares, shift []float64, x, y []float32) {
	squares, shift, x, y = squares[:len(sum)], shift[:len(sum)], x[:len(sum)], y[:len(sum)]
	n := whole(len(sum))
	chosen.moments(sum[:n], squares[:n], shift[:n], x[:n], y[:n])
	momentsGeneric(sum[n:], squares[n:], shift[n:], x[n:], y[n:])
}

func momentsGeneric(sum, squares, shift []float64, x, y []float32) {
	squares, shift, x, y = squares[:len(sum)], shift[:len(sum)], x[:len(sum)], y[:len(sum)]
	for i := range sum {
		v := float64(x[i]) - float64(y[i]) - shift[i]
		sum[i] += v
		squares[i] += float64(v * v)
	}
}
