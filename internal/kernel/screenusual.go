package kernel

import "math"

// A usual is what bounds rows had lately, in parts of their norms: others will
// hardly ever have a smaller one.
type usual struct {
	of           [3]int
	least, older float32 // of the rows so far, and of as many before them
	rows         int
}

const (
	usualRows  = 1024 // that are looked back at, at least
	usualFirst = 32   // that must have been seen
	usualSlack = 0.95 // times the least
)

// reset forgets what other selections had.
func (u *usual) reset(k, n, d int) {
	if of := [3]int{k, n, d}; of != u.of {
		inf := float32(math.Inf(1))
		*u = usual{of: of, least: inf, older: inf}
	}
}

// add tells the bound of a row.
func (u *usual) add(part float32) {
	if u.rows == usualRows {
		u.least, u.older, u.rows = float32(math.Inf(1)), u.least, 0
	}
	u.least = min(u.least, part)
	u.rows++
}

// low is a bound that rows hardly ever are below, or 0.
func (u *usual) low() float32 {
	if u.rows < usualFirst && math.IsInf(float64(u.older), 1) {
		return 0
	}
	return usualSlack * min(u.least, u.older)
}
