package activations

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"unicode/utf8"
)

// A Schema says what a dump is to hold.
type Schema struct {
	D        int     // width of activation and gradient
	DOut     int     // width of target, with Target in Columns
	Half     bool    // store floats in float16, which a value above 65504 does not fit
	Columns  Columns // the optional columns of numbers
	Token    bool    // the text of the tokens
	Metadata Metadata

	ShardBytes int64 // at most this much of rows to a shard; 0 is 1 GiB
	Resume     bool  // go on behind the whole shards of a writer of the same schema that was stopped
}

const (
	defaultShard  = 1 << 30
	maxBatchBytes = 64 << 20 // of the format
	batchBytes    = 32 << 20 // of what is written: the writer holds one batch
	maxBatchRows  = 1 << 16
)

// A Writer writes a dump, row by row in the order given. All shards have
// temporary names until Close has the last one on disk: what is called a shard
// is whole, and a dump that was not finished is not taken for one.
type Writer struct {
	schema Schema
	elem   [numCols]int64 // bytes of a float, where a copy keeps those of its source
	cols   [numCols]column
	files  *shardSet
	extras *extras // of a copy, moreBytes to a row

	rowBytes, limit int64 // of numbers in a row, of a record batch
	moreBytes       int64
	held            int64           // bytes in the batch being filled
	parts           [numCols][]byte // that batch, as it will lie in the file
	offsets         []byte          // of token
	rows            int             // in the batch
	total, kept     int64
	err             error // the first; nothing is written after it
}

// NewWriter starts a dump in the folder dir, which is made if it is missing
// and must not hold a dump yet.
func NewWriter(dir string, s Schema) (*Writer, error) {
	w := &Writer{schema: s}
	if err := w.prepare(); err != nil {
		return nil, fmt.Errorf("writing the dump %s: %w", dir, err)
	}
	keep := 0
	if s.Resume {
		keep, w.kept = whole(dir)
		w.total = w.kept
	}
	var err error
	w.files, err = newShardSet(dir, w.arrowSchema(), w.schema.ShardBytes, keep)
	return w, err
}

// Kept is how many rows a writer that was stopped left on disk: the next row to
// write.
func (w *Writer) Kept() int64 { return w.kept }

// Suspend stops writing and leaves the shards that are whole, for a writer with
// Resume. After Close or an error it does nothing.
func (w *Writer) Suspend() {
	if w.err == nil {
		w.err = errors.New("writing the dump was suspended")
		w.files.suspend()
	}
}

// prepare checks the schema and lays out the columns.
func (w *Writer) prepare() error {
	s := &w.schema
	s.Metadata = maps.Clone(s.Metadata)
	if s.Metadata == nil {
		s.Metadata = Metadata{}
	}
	if _, ok := s.Metadata[KeyVersion]; !ok {
		s.Metadata[KeyVersion] = strconv.Itoa(Version)
	}
	if err := s.Metadata.check(); err != nil {
		return err
	}
	if s.D <= 0 || (s.Columns&Target != 0) != (s.DOut > 0) || s.DOut < 0 {
		return fmt.Errorf("a dump of width %d with a target of width %d (wanted: %v) cannot be written", s.D, s.DOut, s.Columns&Target != 0)
	}
	if heads, dim, _ := s.Metadata.Heads(); heads != 0 && (heads > s.D || heads*dim != s.D) {
		return fmt.Errorf("%d heads of %d do not make up a row of %d", heads, dim, s.D)
	}
	for id := range w.cols {
		if colSet[id]&s.Columns == 0 && id != colActivation && !(id == colToken && s.Token) {
			continue
		}
		elem := w.elem[id]
		switch {
		case elem != 0:
		case s.Half:
			elem = 2
		default:
			elem = 4
		}
		w.cols[id] = [numCols]column{
			colActivation: {kind: isFloats, elem: elem, width: int64(s.D)}, colGradient: {kind: isFloats, elem: elem, width: int64(s.D)},
			colTarget:  {kind: isFloats, elem: elem, width: int64(s.DOut)},
			colTokenID: {kind: isInts, elem: 4, width: 1}, colToken: {kind: isText},
			colDoc: {kind: isInts, elem: 8, width: 1}, colPos: {kind: isInts, elem: 4, width: 1}, colLabel: {kind: isInts, elem: 4, width: 1},
		}[id]
		w.rowBytes += w.cols[id].stride()
	}
	if s.ShardBytes <= 0 {
		s.ShardBytes = defaultShard
	}
	if w.rowBytes > batchBytes {
		return fmt.Errorf("a row has %d bytes, a record batch may have %d; dump fewer columns or in float16", w.rowBytes, maxBatchBytes)
	}
	w.limit = min(batchBytes, s.ShardBytes)
	return nil
}

// Write adds the rows of b, with their texts if the dump has token; b.Row is
// not written. A column that is missing in b, a NaN or Inf and a value that
// float16 cannot hold are errors, after which the dump cannot be finished.
func (w *Writer) Write(b *Batch, tokens []string) error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.check(b, tokens); w.err != nil {
		w.err = fmt.Errorf("writing the dump %s: %w", w.files.dir, w.err)
	}
	for i := 0; i < b.N && w.err == nil; i++ {
		token := ""
		if w.schema.Token {
			token = tokens[i]
		}
		w.err = w.row(b, i, token)
	}
	if w.err != nil {
		w.files.discard()
	}
	return w.err
}

// check compares the lengths in b with the schema.
func (w *Writer) check(b *Batch, tokens []string) error {
	if b.D != w.schema.D {
		return fmt.Errorf("a batch of width %d for a dump of width %d", b.D, w.schema.D)
	}
	lengths := [numCols]int{colActivation: len(b.X), colGradient: len(b.Gradient), colTarget: len(b.Target), colTokenID: len(b.TokenID),
		colToken: len(tokens), colDoc: len(b.Doc), colPos: len(b.Pos), colLabel: len(b.Label)}
	for id, c := range w.cols {
		if want := b.N * int(max(c.width, 1)); c.kind != absent && lengths[id] != want {
			return fmt.Errorf("column %s: %d values for %d rows, want %d", colNames[id], lengths[id], b.N, want)
		}
	}
	return nil
}

func (w *Writer) row(b *Batch, i int, token string) error {
	bytes := w.rowBytes + w.moreBytes + int64(len(token)) + 4
	if w.rows == maxBatchRows || w.rows > 0 && w.held+bytes > w.limit {
		if err := w.flush(); err != nil {
			return err
		}
	}
	fail := func(id int, format string, args ...any) error {
		return fmt.Errorf("writing the dump %s: row %d: column %s: %w", w.files.dir, w.total, colNames[id], fmt.Errorf(format, args...))
	}
	for id, x := range [numCols][]float32{colActivation: b.X, colGradient: b.Gradient, colTarget: b.Target} {
		if c := w.cols[id]; c.kind == isFloats {
			var err error
			if w.parts[id], err = appendFloats(w.parts[id], x[i*int(c.width):(i+1)*int(c.width)], c.elem); err != nil {
				return fail(id, "%w", err)
			}
		}
	}
	le := binary.LittleEndian
	for id, x := range [numCols][]int32{colTokenID: b.TokenID, colPos: b.Pos, colLabel: b.Label} {
		if w.cols[id].kind == isInts && id != colDoc {
			w.parts[id] = le.AppendUint32(w.parts[id], uint32(x[i]))
		}
	}
	if w.cols[colDoc].kind != absent {
		w.parts[colDoc] = le.AppendUint64(w.parts[colDoc], uint64(b.Doc[i]))
	}
	if w.schema.Token {
		if !utf8.ValidString(token) || len(token) > batchBytes {
			return fail(colToken, "%q of %d bytes is not UTF-8, or too long for a record batch; give it in some readable form", clip(token), len(token))
		}
		w.offsets = le.AppendUint32(w.offsets, uint32(len(w.parts[colToken])))
		w.parts[colToken] = append(w.parts[colToken], token...)
	}
	w.held += bytes
	w.rows++
	w.total++
	return nil
}

// appendFloats adds a row in elem bytes a value.
func appendFloats(dst []byte, x []float32, elem int64) ([]byte, error) {
	for i, v := range x {
		bits := math.Float32bits(v)
		if bits&0x7f800000 == 0x7f800000 {
			return dst, fmt.Errorf("value %d is %v; leave the row out", i, v)
		}
		if elem == 4 {
			dst = binary.LittleEndian.AppendUint32(dst, bits)
			continue
		}
		h := toHalf(bits)
		if h&0x7c00 == 0x7c00 {
			return dst, fmt.Errorf("value %d is %v, more than float16 holds; write float32", i, v)
		}
		dst = binary.LittleEndian.AppendUint16(dst, h)
	}
	return dst, nil
}

// toHalf rounds the bits of a finite float32 to half precision, to nearest
// with ties to even; what is too large becomes infinite.
func toHalf(bits uint32) uint16 {
	sign, body := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case body >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case body < 0x38800000: // below 2^-14: the last bit of 0.5 is the smallest half, so adding rounds
		const half = 0.5
		return sign | uint16(math.Float32bits(math.Float32frombits(body)+half)-math.Float32bits(half))
	}
	return sign | uint16((body-0x38000000+0xfff+body>>13&1)>>13)
}

// flush writes the rows held as a record batch.
func (w *Writer) flush() error {
	if w.schema.Token {
		w.offsets = binary.LittleEndian.AppendUint32(w.offsets, uint32(len(w.parts[colToken])))
	}
	rec, err := w.record()
	if err == nil {
		err = w.files.write(rec, w.held)
	}
	for id := range w.parts {
		w.parts[id] = w.parts[id][:0]
	}
	w.offsets, w.rows, w.held = w.offsets[:0], 0, 0
	return err
}

// endShard ends the shard begun, with the rows held.
func (w *Writer) endShard() error {
	if w.rows > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.files.cur == nil {
		return nil
	}
	return w.files.finish()
}

// Close writes what is left and gives the shards their names. A dump without
// rows is an error. After an error nothing of the dump is left.
func (w *Writer) Close() error {
	if w.err == nil && w.total == 0 {
		w.err = fmt.Errorf("writing the dump %s: it has no rows", w.files.dir)
	}
	if w.err == nil && w.rows > 0 {
		w.err = w.flush()
	}
	if w.err != nil {
		w.files.discard()
		return w.err
	}
	w.err = errors.New("the dump is closed")
	return w.files.commit()
}

// Discard drops a dump that is not to be finished. After Close it does
// nothing, so that it may be deferred.
func (w *Writer) Discard() {
	if w.err == nil {
		w.err = errors.New("the dump was discarded")
	}
	w.files.discard()
}
