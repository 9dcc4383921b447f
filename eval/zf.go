package eval

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteZF writes rows of the ZF plot of one or more autoencoders as CSV with
// the columns of the Top-AFA notebook (top-afa-sae 1c7a683): layer, ztz, ftf,
// norm_z, norm_f, norm_z_hat, l_recon, text. Layers count from 1 in the order
// given. Rows of one number in the dump stand together, layers ascending. Norms
// are in the units the encoder works in, l_recon is ‖z - ẑ‖².
func WriteZF(to io.Writer, layers [][]ZFRow) error {
	type point struct {
		layer int
		ZFRow
	}
	var points []point
	for i, rows := range layers {
		for _, row := range rows {
			points = append(points, point{i + 1, row})
		}
	}
	slices.SortStableFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.layer, b.layer))
	})
	w := csv.NewWriter(to)
	w.Write([]string{"layer", "ztz", "ftf", "norm_z", "norm_f", "norm_z_hat", "l_recon", "text"})
	for _, p := range points {
		row := []string{strconv.Itoa(p.layer)}
		for _, v := range []float64{p.Z * p.Z, p.F * p.F, p.Z, p.F, p.Recon, p.Error} {
			row = append(row, strconv.FormatFloat(v, 'g', -1, 32))
		}
		w.Write(append(row, strings.ReplaceAll(p.Text, "\n", "<br>")))
	}
	w.Flush()
	return w.Error()
}
