package activations

// A Batch is N rows of activations of width D. Row i of X is X[i*D:(i+1)*D].
// Optional columns are nil when the dump has none or they were not asked for.
// The slices belong to the batch: a Source reuses them on the next call, so a
// caller that keeps rows must copy them.
type Batch struct {
	N, D     int
	X        []float32 // [N,D] activations, in the dump's own units
	Gradient []float32 // [N,D] d(model loss)/dX, or nil
	Target   []float32 // [N,DOut] what a transcoder should predict, or nil
	DOut     int       // width of Target, 0 without it
	Row      []int64   // [N] row number in the dump, so that a report can point back
	Doc      []int64   // [N] document of each row, or nil
	Pos      []int32   // [N] position in the document, or nil
	TokenID  []int32   // [N] token of each row, or nil
	Label    []int32   // [N] class of each row, -1 for none, or nil
}

// A Source yields batches. Next fills *b, reusing its slices, and returns
// io.EOF when no rows are left; the last batch may be short.
type Source interface {
	Next(b *Batch) error
}

// Columns is a set of optional columns of dump-format version 1.
type Columns uint

// The optional columns that hold numbers. A dump of images has Doc without Pos.
const (
	Gradient Columns = 1 << iota
	Target
	TokenID
	Doc
	Pos
	Label

	DocPos = Doc | Pos
)
