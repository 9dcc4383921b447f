package circuit

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ReadTruth reads the heads of a known circuit, a line "layer head" each, the
// two parted by spaces, a comma or a dot; what follows # is left out. It gives,
// for each of heads heads with perLayer in a layer, whether it is among them.
// name is for messages.
func ReadTruth(r io.Reader, name string, heads, perLayer int) ([]bool, error) {
	is, count := make([]bool, heads), 0
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t,.()", r) })
		if len(parts) == 0 {
			continue
		}
		var at [2]int
		for i := range at {
			if len(parts) != 2 {
				return nil, fmt.Errorf("%s: line %d is %q; give a layer and a head, such as 5 1", name, n, clip(text))
			}
			var err error
			if at[i], err = strconv.Atoi(parts[i]); err != nil {
				return nil, fmt.Errorf("%s: line %d is %q; give a layer and a head, such as 5 1", name, n, clip(text))
			}
		}
		layer, head := at[0], at[1]
		if layer < 0 || head < 0 || head >= perLayer || layer >= heads/perLayer {
			return nil, fmt.Errorf("%s: line %d: there is no head %d in layer %d; there are %d layers of %d heads", name, n, head, layer, heads/perLayer, perLayer)
		}
		if !is[layer*perLayer+head] {
			is[layer*perLayer+head] = true
			count++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if count == 0 || count == heads {
		return nil, fmt.Errorf("%s: names %d of %d heads; a circuit has some and lacks some", name, count, heads)
	}
	return is, nil
}

func clip(text string) string { return text[:min(len(text), 40)] }
