package labels

// A Set is rows with all that this package looks at.
type Set struct {
	Codes  *Features // [n,F]
	Raw    *Features // [n,D]
	Class  []int     // [n], -1 for none
	Missed []float64 // [n] ‖e‖² of the reconstruction
	Size   []float64 // [n] ‖x‖²
}

// NewSet has no rows yet, of d values and f latents.
func NewSet(f, d int) *Set { return &Set{Codes: NewFeatures(f), Raw: NewFeatures(d)} }

// Len is n.
func (s *Set) Len() int { return s.Codes.N }

// Add adds a row of a class: its latents, its values, ‖e‖² and ‖x‖².
func (s *Set) Add(index []int32, value, x []float32, class int, missed, size float64) {
	s.Codes.Add(index, value)
	s.Raw.AddDense(x)
	s.Class = append(s.Class, class)
	s.Missed, s.Size = append(s.Missed, missed), append(s.Size, size)
}

// Classes is one more than the largest class of any set.
func Classes(sets ...*Set) int {
	most := 0
	for _, s := range sets {
		for _, c := range s.Class {
			most = max(most, c+1)
		}
	}
	return most
}
