package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// limits are the numbers that a setting may have. A missing end is infinite.
type limits struct {
	lo, hi         float64
	openLo, openHi bool
}

// parseLimits reads a tag such as [1,16] or (0,).
func parseLimits(tag string) (l limits, err error) {
	l = limits{lo: math.Inf(-1), hi: math.Inf(1)}
	if tag == "" {
		return l, nil
	}
	lo, hi, ok := strings.Cut(strings.Trim(tag, "[]()"), ",")
	if !ok || !strings.ContainsAny(tag[:1], "[(") || !strings.ContainsAny(tag[len(tag)-1:], "])") {
		return l, fmt.Errorf("range %q is not written as [1,16] or (0,)", tag)
	}
	l.openLo, l.openHi = tag[0] == '(', tag[len(tag)-1] == ')'
	if lo != "" {
		l.lo, err = strconv.ParseFloat(lo, 64)
	}
	if hi != "" && err == nil {
		l.hi, err = strconv.ParseFloat(hi, 64)
	}
	return l, err
}

func (l limits) hold(x float64) bool {
	return (x > l.lo || x == l.lo && !l.openLo) && (x < l.hi || x == l.hi && !l.openHi)
}

// text is the limits in words, "" where there are none.
func (l limits) text() string {
	var parts []string
	if !math.IsInf(l.lo, -1) {
		parts = append(parts, ends("at least ", "above ", l.openLo)+numberText(l.lo))
	}
	if !math.IsInf(l.hi, 1) {
		parts = append(parts, ends("at most ", "below ", l.openHi)+numberText(l.hi))
	}
	return strings.Join(parts, " and ")
}

func ends(closed, open string, isOpen bool) string {
	if isOpen {
		return open
	}
	return closed
}

// numberText writes whole numbers in digits, others as short as they can be.
func numberText(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
