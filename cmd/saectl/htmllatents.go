package main

import (
	"math"

	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/report"
)

// tableOf are the figures of the latents that x describes, in its order.
func tableOf(t *eval.LatentTable, x *eval.Inspection) report.Table {
	latents := make([]int, len(x.Features))
	for i := range x.Features {
		latents[i] = x.Features[i].Latent
	}
	out := report.Table{Latents: latents}
	add := func(key, title, help string, kind report.Kind, plot bool, of func(f *eval.Feature) float64) {
		c, some := report.Column{Key: key, Title: title, Help: help, Kind: kind, Plot: plot}, false
		for i := range x.Features {
			v := of(&x.Features[i])
			c.Values, some = append(c.Values, v), some || !math.IsNaN(v)
		}
		if some {
			out.Columns = append(out.Columns, c)
		}
	}
	add("clarity", "clarity", "Share of the latent's squared activations that lies on the rows of one token, its main one", report.Share, false, func(f *eval.Feature) float64 {
		if f.Clarity == nil {
			return math.NaN()
		}
		return *f.Clarity
	})
	out.Columns = append(out.Columns, columnsOf(t, latents)...)
	add("mean", "mean", "Mean activation over the rows on which it fires", report.Number, false, func(f *eval.Feature) float64 {
		if f.Fired == 0 {
			return math.NaN()
		}
		return f.Mean
	})
	add("attribution", "attribution", "To first order, how far the latent moves the model's loss: mean over all rows of |f·<decoder row, gradient>|", report.Size, true, func(f *eval.Feature) float64 {
		if f.Attribution == nil {
			return math.NaN()
		}
		return *f.Attribution
	})
	add("match", "match", "How well it picks out the rows of the search: harmonic mean of the share of them on which it fires and of the share of its activity that lies on them", report.Share, false, func(f *eval.Feature) float64 {
		if f.Match == nil {
			return math.NaN()
		}
		return f.Match.Score
	})
	return out
}

// columnsOf are the figures that a report has of the latents given, or of all.
func columnsOf(t *eval.LatentTable, latents []int) []report.Column {
	if latents == nil {
		latents = make([]int, len(t.Frequency))
		for i := range latents {
			latents[i] = i
		}
	}
	var columns []report.Column
	add := func(values []float64, c report.Column) {
		if c.Values = values; values != nil {
			columns = append(columns, c)
		}
	}
	add(pick(t.Frequency, latents), report.Column{Key: "frequency", Title: "density", Help: "Share of the rows on which the latent is not zero", Kind: report.Share, Plot: true})
	add(pick(t.Fired, latents), report.Column{Key: "fired", Title: "rows", Help: "Rows on which the latent is not zero", Kind: report.Count})
	add(pick(t.DocsFired, latents), report.Column{Key: "documents", Title: "documents", Help: "Documents with such a row", Kind: report.Count})
	add(pick(t.MaxValue, latents), report.Column{Key: "max", Title: "largest activation", Help: "Largest absolute activation, in the units the encoder works in", Kind: report.Size, Plot: true})
	add(pick(t.NearestCosine, latents), report.Column{Key: "nearest_cosine", Title: "nearest cosine", Help: "Largest cosine of the latent's decoder row to another", Kind: report.Number, Plot: true})
	add(pick(t.NearestLatent, latents), report.Column{Key: "nearest", Title: "nearest", Help: "The latent of that other decoder row", Kind: report.Latent})
	add(pick(t.EncoderCosine, latents), report.Column{Key: "encoder_cosine", Title: "encoder cosine", Help: "Cosine of the latent's encoder and decoder rows", Kind: report.Number, Plot: true})
	add(pick(t.DecoderNorm, latents), report.Column{Key: "decoder_norm", Title: "decoder norm", Help: "Norm of the decoder row", Kind: report.Number})
	add(pick(t.EncoderNorm, latents), report.Column{Key: "encoder_norm", Title: "encoder norm", Help: "Norm of the encoder row", Kind: report.Number})
	add(pick(t.EncoderBias, latents), report.Column{Key: "encoder_bias", Title: "bias", Help: "Encoder bias", Kind: report.Number})
	add(notNegative(pick(t.PurityBinary, latents)), report.Column{Key: "purity", Title: "purity", Help: "Of the labelled rows on which it fires, the share that carry its main label", Kind: report.Number, Plot: true})
	add(notNegative(pick(t.Monosemanticity, latents)), report.Column{Key: "monosemanticity", Title: "monosemanticity", Help: "Mean cosine of the embeddings of the rows on which it fires, by another model, weighted by activation", Kind: report.Number, Plot: true})
	return columns
}

// pick takes the values of latents; nil from a report that lacks them.
func pick[T int32 | int64 | float32 | float64](values []T, latents []int) []float64 {
	if values == nil {
		return nil
	}
	out := make([]float64, len(latents))
	for i, latent := range latents {
		out[i] = float64(values[latent])
	}
	return out
}

// notNegative leaves out what the report marks as missing by -1.
func notNegative(values []float64) []float64 {
	for i, v := range values {
		if v < 0 {
			values[i] = math.NaN()
		}
	}
	return values
}

// featureOf shares the contexts of f.
func featureOf(f *eval.Feature, p *pictures) report.Feature {
	out := report.Feature{Latent: f.Latent, Sampled: f.Sampled}
	for _, q := range f.Quantiles {
		out.Quantiles = append(out.Quantiles, report.Quantile{Q: q.Q, Value: q.Value})
	}
	if h := f.Histogram; h != nil {
		out.Histogram = report.Histogram{Low: h.X[0], High: h.X[len(h.X)-1], Shares: h.Y}
	}
	for i := range f.Top {
		out.Top = append(out.Top, p.example(&f.Top[i]))
	}
	for i := range f.Bins {
		b := &f.Bins[i]
		out.Bins = append(out.Bins, report.Bin{Low: b.Low, High: b.High, Example: p.example(&b.Example)})
	}
	for _, n := range f.Nearest {
		out.Nearest = append(out.Nearest, report.Link{Latent: n.Latent, Value: n.Cosine})
	}
	for _, p := range f.Partners {
		out.Partners = append(out.Partners, report.Link{Latent: p.Latent, Value: p.Share, Also: p.Jaccard})
	}
	return out
}
