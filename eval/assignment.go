package eval

import "math"

// assign gives each of n rows a column of its own so that the sum of cost is
// least: the shortest augmenting paths of Jonker and Volgenant 1987, after the
// reduction of columns. cost is [n,n]. Ties go to the lower column.
func assign(cost []float32, n int) []int32 {
	a := assignment{n: n, cost: cost, row: filled(n), column: filled(n), price: make([]float64, n)}
	a.reduceColumns()
	for i := range n {
		if a.column[i] < 0 {
			a.augment(i)
		}
	}
	return a.column
}

func filled(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = -1
	}
	return x
}

// assignment is the state of assign.
type assignment struct {
	n      int
	cost   []float32
	row    []int32   // [n] row of each column, -1 for none
	column []int32   // [n] column of each row, -1 for none
	price  []float64 // [n] of columns

	distance []float64 // [n] scratch of augment
	from     []int32
	done     []bool
}

// reduceColumns sets each price to the least cost of its column and gives the
// column to that row when it is free: most pairs of similar dictionaries.
func (a *assignment) reduceColumns() {
	best := filled(a.n)
	for j := range a.price {
		a.price[j] = math.Inf(1)
	}
	for i := range a.n {
		for j, c := range a.cost[i*a.n : (i+1)*a.n] {
			if float64(c) < a.price[j] {
				a.price[j], best[j] = float64(c), int32(i)
			}
		}
	}
	for j := a.n - 1; j >= 0; j-- {
		if i := best[j]; a.column[i] < 0 {
			a.column[i], a.row[j] = int32(j), i
		}
	}
}

// augment finds the cheapest path from the free row i to a free column, in
// the order of Dijkstra, and turns it round.
func (a *assignment) augment(i int) {
	n := a.n
	if a.distance == nil {
		a.distance, a.from, a.done = make([]float64, n), make([]int32, n), make([]bool, n)
	}
	clear(a.done)
	for j, c := range a.cost[i*n : (i+1)*n] {
		a.distance[j], a.from[j] = float64(c)-a.price[j], int32(i)
	}
	var reached []int32
	var end int
	var least float64
	for {
		end, least = -1, math.Inf(1)
		for j, d := range a.distance {
			if !a.done[j] && d < least {
				end, least = j, d
			}
		}
		if a.row[end] < 0 {
			break
		}
		a.done[end] = true
		reached = append(reached, int32(end))
		a.relax(int(a.row[end]), end, least)
	}
	for _, j := range reached {
		a.price[j] += a.distance[j] - least
	}
	for j := end; ; {
		row := a.from[j]
		a.row[j] = row
		next := a.column[row]
		a.column[row] = int32(j)
		if int(row) == i {
			return
		}
		j = int(next)
	}
}

// relax takes in the ways that lead on from row, which holds column own.
func (a *assignment) relax(row, own int, least float64) {
	costs := a.cost[row*a.n : (row+1)*a.n]
	base := least - (float64(costs[own]) - a.price[own])
	for j, c := range costs {
		if d := base + float64(c) - a.price[j]; !a.done[j] && d < a.distance[j] {
			a.distance[j], a.from[j] = d, int32(row)
		}
	}
}
