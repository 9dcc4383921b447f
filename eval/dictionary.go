package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/saectl/saectl/internal/kernel"
)

// babelOrders are the orders of the Babel function in the report, beside that
// of the mean L0.
func babelOrders() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64} }

// maxBabelOrder bounds the memory that the Babel function takes: one float32
// for each latent and order.
const maxBabelOrder = 256

// dictionary sets the metrics of the weights alone. They come after those of
// the rows, because babel_k is of the order of their L0.
func dictionary(ctx context.Context, s Subject, pool *kernel.Pool, r *Report) error {
	w := s.Weight("decoder.weight")
	if w == nil {
		r.Warn("the variant has no decoder.weight, so the metrics of the dictionary are absent")
		return nil
	}
	k := int(math.Round(r.Metrics["l0"].Value))
	order := min(s.F-1, maxBabelOrder, max(64, k))
	g, err := newGram(ctx, pool, w, s.F, s.width(), order)
	if err != nil {
		return err
	}
	reportNorms(r, g)
	if rank := stableRank(pool, w, s.F, s.width()); rank > 0 {
		r.Set("stable_rank_decoder", rank, 0)
	}
	if s.F > 1 {
		reportCosines(r, g)
		r.Series["decoder_cosines"] = g.histogram()
		reportBabel(r, g, k)
	}
	return encoderMetrics(ctx, s, pool, r, w)
}

// reportNorms sets the metrics of the lengths of decoder rows.
func reportNorms(r *Report, g *gram) {
	norms := make([]float64, g.f)
	for i, row := range g.rows {
		norms[i] = row.norm
	}
	r.Latents.DecoderNorm = norms
	sum, energy := 0.0, 0.0
	for i, n := range norms {
		sum += n
		if r.Latents.MeanValue != nil {
			energy += math.Abs(r.Latents.MeanValue[i]) * n
		}
	}
	r.Set("decoder_norm_mean", sum/float64(g.f), 0)
	r.Set("decoder_norm_min", slices.Min(norms), 0)
	r.Set("decoder_norm_max", slices.Max(norms), 0)
	r.Set("energy_of_codes_sum", energy, r.Dump.Rows)
	if g.f >= g.d && g.f > 1 {
		r.Set("welch_bound", math.Sqrt(float64(g.f-g.d)/(float64(g.d)*float64(g.f-1))), 0)
	}
}

// reportCosines sets the metrics of the angles between decoder rows.
func reportCosines(r *Report, g *gram) {
	var all gramRow
	all.low, all.high, all.rawHigh = float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Inf(-1))
	near, diagonal, rawDiagonal := 0.0, 0.0, 0.0
	var copies [3]int
	for _, row := range g.rows {
		all.sum += row.sum
		all.absolute += row.absolute
		all.sq += row.sq
		all.rawSum += row.rawSum
		all.rawSq += row.rawSq
		all.rawHigh = max(all.rawHigh, row.rawHigh)
		all.low, all.high, all.largest = min(all.low, row.low), max(all.high, row.high), max(all.largest, row.largest)
		near += float64(row.high)
		if row.norm == 0 {
			diagonal++
		}
		rawDiagonal += (row.norm*row.norm - 1) * (row.norm*row.norm - 1)
		for i, n := range []int32{row.over90, row.over95, row.over99} {
			if n > 0 {
				copies[i]++
			}
		}
		r.Latents.NearestCosine = append(r.Latents.NearestCosine, float64(row.high))
		r.Latents.NearestLatent = append(r.Latents.NearestLatent, row.nearest)
	}
	f := float64(g.f)
	pairs := f * (f - 1)
	r.Set("coherence_max", float64(all.largest), 0)
	r.Set("coherence_mean", all.absolute/pairs, 0)
	r.Set("max_cosine_signed", float64(all.high), 0)
	r.Set("min_cosine_signed", float64(all.low), 0)
	r.Set("mean_cosine_signed", all.sum/pairs, 0)
	r.Set("rms_cosine", math.Sqrt(all.sq/pairs), 0)
	r.Set("average_max_decoder_cosine_sim", near/f, 0)
	r.Set("epsilon_max_raw_gram", float64(all.rawHigh), 0)
	r.Set("epsilon_mean_raw_gram", all.rawSum/pairs, 0)
	r.Set("frobenius_unit_gram_minus_identity", math.Sqrt(all.sq+diagonal), 0)
	r.Set("frobenius_raw_gram_minus_identity", math.Sqrt(all.rawSq+rawDiagonal), 0)
	for i, t := range []int{90, 95, 99} {
		r.Set(fmt.Sprintf("duplicates_%d", t), float64(copies[i]), 0)
	}
}

// reportBabel sets the Babel function: for each order the largest sum, over
// rows, of that many largest |cos|.
func reportBabel(r *Report, g *gram, k int) {
	babel := make([]float64, g.order)
	for i := range g.f {
		heap := g.top[i*g.order : (i+1)*g.order]
		slices.SortFunc(heap, func(a, b float32) int {
			switch {
			case a > b:
				return -1
			case a < b:
				return 1
			}
			return 0
		})
		sum := 0.0
		for o, c := range heap {
			sum += float64(c)
			babel[o] = max(babel[o], sum)
		}
	}
	for _, o := range babelOrders() {
		if o <= g.order {
			r.Set(fmt.Sprintf("babel_%d", o), babel[o-1], 0)
		}
	}
	if k >= 1 && k <= g.order {
		r.Set("babel_k", babel[k-1], 0)
	}
	s := Series{Definition: "Babel function: order x, largest sum over latents of that many largest |cos| to others", Y: babel}
	for o := range babel {
		s.X = append(s.X, float64(o+1))
	}
	r.Series["babel"] = s
}

// encoderMetrics sets the metrics of the encoder rows, where there are any.
func encoderMetrics(ctx context.Context, s Subject, pool *kernel.Pool, r *Report, decoder []float32) error {
	w := s.Weight("encoder.weight")
	if len(w) != s.F*s.D {
		return nil
	}
	g, err := newGram(ctx, pool, w, s.F, s.D, 0)
	if err != nil {
		return err
	}
	norms, near, sum := make([]float64, s.F), 0.0, 0.0
	for i, row := range g.rows {
		norms[i] = row.norm
		sum += row.norm
		if s.F > 1 {
			near += float64(row.high)
			r.Latents.EncoderNear = append(r.Latents.EncoderNear, float64(row.high))
		}
	}
	r.Latents.EncoderNorm, r.Latents.EncoderBias = norms, s.Weight("encoder.bias")
	r.Set("encoder_norm_mean", sum/float64(s.F), 0)
	if s.F > 1 {
		r.Set("average_max_encoder_cosine_sim", near/float64(s.F), 0)
	}
	if s.width() == s.D {
		reportTied(r, w, decoder, s.D)
	}
	return nil
}

// reportTied sets the cosine of each encoder row with its decoder row.
func reportTied(r *Report, encoder, decoder []float32, d int) {
	sum, used := 0.0, int64(0)
	cosines := make([]float64, len(r.Latents.EncoderNorm))
	for i := range cosines {
		norms := r.Latents.EncoderNorm[i] * r.Latents.DecoderNorm[i]
		if norms == 0 {
			continue
		}
		cosines[i] = kernel.DotF64(encoder[i*d:(i+1)*d], decoder[i*d:(i+1)*d]) / norms
		sum += cosines[i]
		used++
	}
	r.Latents.EncoderCosine = cosines
	r.Set("encoder_decoder_cosine_mean", mean(sum, used), 0)
}

// maxStableRank is the widest dictionary whose stable rank is computed, since
// that takes a D×D matrix.
const maxStableRank = 4096

// stableRank is ‖W‖_F² / ‖W‖₂² of w [F,D], 0 when D is too large for it or w
// is zero.
func stableRank(pool *kernel.Pool, w []float32, f, d int) float64 {
	if d > maxStableRank {
		return 0
	}
	gram := make([]float32, d*d)
	kernel.NewGEMM(pool).TN(gram, w, w, d, d, f, false)
	wide := make([]float64, d*d)
	for i, v := range gram {
		wide[i] = float64(v)
	}
	top := spectralNorm(pool, wide, d)
	if top == 0 {
		return 0
	}
	return kernel.SumSquares(w[:f*d]) / top
}
