package topk

import (
	"fmt"

	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/internal/sparseop"
)

// groupMax keeps the largest latent of each of groups runs of F/groups
// neighbours, if it is positive. The scores of a row are held [F] at a time.
func groupMax(pool *kernel.Pool, groups, f int) sparseop.Picker {
	if f%groups != 0 {
		panic(fmt.Sprintf("topk.groups: %d latents do not split into k = %d equal groups; choose sae.latents as a multiple of topk.k", f, groups))
	}
	p := &groupPicker{groups: groups, pool: pool}
	return p.pick
}

type groupPicker struct {
	groups int
	pool   *kernel.Pool

	x, w, bias []float32
	d, f       int
	best       []int32   // [rows,groups], -1 for none
	score      []float32 // [rows,groups]
	all        []int32   // [F] 0, 1, ...
	scores     [][]float32
}

func (p *groupPicker) pick(dst *kernel.Support, x, w, bias []float32, rows, d, f int) error {
	p.x, p.w, p.bias, p.d, p.f = x, w, bias, d, f
	for len(p.all) < f {
		p.all = append(p.all, int32(len(p.all)))
	}
	for len(p.scores) < p.pool.Threads() {
		p.scores = append(p.scores, make([]float32, f))
	}
	if n := rows * p.groups; len(p.best) < n {
		p.best, p.score = make([]int32, n), make([]float32, n)
	}
	p.pool.Run(rows, p)
	dst.RowPtr, dst.Index, dst.Score = append(dst.RowPtr[:0], 0), dst.Index[:0], dst.Score[:0]
	for i := range rows * p.groups {
		if p.best[i] >= 0 {
			dst.Index, dst.Score = append(dst.Index, p.best[i]), append(dst.Score, p.score[i])
		}
		if (i+1)%p.groups == 0 {
			dst.RowPtr = append(dst.RowPtr, int32(len(dst.Index)))
		}
	}
	return nil
}

// Do scores one row and finds the largest of each group.
func (p *groupPicker) Do(worker, row int) {
	scores, size := p.scores[worker], p.f/p.groups
	kernel.Dots(scores, p.x[row*p.d:(row+1)*p.d], p.w, p.all[:p.f])
	if p.bias != nil {
		kernel.Add(scores, p.bias)
	}
	for k := range p.groups {
		best, at := float32(0), int32(-1)
		for f := k * size; f < (k+1)*size; f++ {
			if scores[f] > best { // NaN is not
				best, at = scores[f], int32(f)
			}
		}
		p.best[row*p.groups+k], p.score[row*p.groups+k] = at, best
	}
}
