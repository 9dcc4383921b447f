package attention

// Splice is a row z [D] with the latents changed from f to edited and the error
// of the reconstruction kept: z + Σ(edited - f)·d. Without a change it is z.
func Splice(z []float32, f, edited, decoder []float32) []float32 {
	out := make([]float32, len(z))
	sum := make([]float64, len(z))
	for j, v := range edited {
		if change := float64(v) - float64(f[j]); change != 0 {
			for i, d := range decoder[j*len(z) : (j+1)*len(z)] {
				sum[i] += change * float64(d)
			}
		}
	}
	for i, v := range z {
		out[i] = float32(float64(v) + sum[i])
	}
	return out
}

// LossRecovered is the share of a model's loss that a splice keeps,
// (zero - spliced)/(zero - clean): 1 for no loss, 0 for one as bad as z = 0.
// The three losses come from a run of the model.
func LossRecovered(clean, spliced, zero float64) float64 { return (zero - spliced) / (zero - clean) }
