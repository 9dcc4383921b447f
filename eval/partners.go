package eval

import (
	"cmp"
	"slices"
)

// A Partner is a latent that fires along with another.
type Partner struct {
	Latent  int     `json:"latent"`
	Share   float64 `json:"share"`   // of the other's rows on which this one fires too
	Jaccard float64 `json:"jaccard"` // rows with both / rows with either
}

// partners are the n latents that fire along with latent f most, by Jaccard
// index. together [F] is scratch of zeros and is left so.
func (c *codeRows) partners(b byLatent, f, n int, together []int32) []Partner {
	own := b.row[b.start[f]:b.start[f+1]]
	var met []int
	for _, row := range own {
		for _, other := range c.latents(int(row)) {
			if together[other] == 0 {
				met = append(met, int(other))
			}
			together[other]++
		}
	}
	list := make([]Partner, 0, len(met))
	for _, other := range met {
		both := float64(together[other])
		together[other] = 0
		if other == f {
			continue
		}
		either := float64(len(own)) + float64(b.start[other+1]-b.start[other]) - both
		list = append(list, Partner{Latent: other, Share: both / float64(len(own)), Jaccard: both / either})
	}
	slices.SortFunc(list, func(x, y Partner) int {
		return cmp.Or(cmp.Compare(y.Jaccard, x.Jaccard), cmp.Compare(x.Latent, y.Latent))
	})
	return slices.Clone(list[:min(n, len(list))])
}
