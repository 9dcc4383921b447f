package report

import (
	"math"
	"strconv"
)

// A number is written to five digits, whole numbers in full, and what is no
// finite number as null: a report shows figures, it does not store them.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n), 5), nil }

// numbers are a list of them.
type numbers []float64

// MarshalJSON implements json.Marshaler.
func (n numbers) MarshalJSON() ([]byte, error) { return appendNumbers(n, 5), nil }

// brief are numbers to three digits, enough for a shade or a bar.
type brief []float64

// MarshalJSON implements json.Marshaler.
func (n brief) MarshalJSON() ([]byte, error) { return appendNumbers(n, 3), nil }

func appendNumbers(list []float64, digits int) []byte {
	b := append(make([]byte, 0, 8*len(list)+2), '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v, digits)
	}
	return append(b, ']')
}

func appendNumber(b []byte, v float64, digits int) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(b, "null"...)
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendFloat(b, v, 'g', digits, 64)
}
