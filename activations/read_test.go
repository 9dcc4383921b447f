package activations

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// A layout is a way to store the rows of numbered.
type layout struct {
	name  string
	elem  arrow.DataType
	list  func(d int32, t arrow.DataType) arrow.DataType
	token arrow.DataType
	opts  []ipc.Option
	sizes [][]int // rows of the batches of each shard
}

func listOf(_ int32, t arrow.DataType) arrow.DataType      { return arrow.ListOf(t) }
func largeListOf(_ int32, t arrow.DataType) arrow.DataType { return arrow.LargeListOf(t) }

// layouts of 300 rows.
func layouts() []layout {
	even, odd := [][]int{{300}}, [][]int{{1, 99, 0, 60}, {0}, {7, 3}, {130}}
	lz4, zstd := []ipc.Option{ipc.WithLZ4()}, []ipc.Option{ipc.WithZstd()}
	return []layout{
		{"plain", f32, fixed, text, nil, even},
		{"half", f16, fixed, text, nil, odd},
		{"list", f32, listOf, text, nil, odd},
		{"large list", f16, largeListOf, dict, nil, even},
		{"dictionary", f32, fixed, dict, nil, odd},
		{"lz4", f32, fixed, text, lz4, odd},
		{"zstd", f16, fixed, dict, zstd, even},
		{"zstd list", f32, listOf, text, zstd, odd},
		// Arrow leaves a buffer as it is where packing would not save enough.
		{"lz4 in part", f32, largeListOf, dict, append(lz4, ipc.WithMinSpaceSavings(0.6)), odd},
	}
}

const numD, numDOut = 5, 3

// write stores the rows of numbered and gives the files.
func (l layout) write(t testing.TB) map[string][]byte {
	t.Helper()
	s := schemaOf(Metadata{KeyVersion: "1", KeyModel: "counting", "other": "x"},
		col("activation", l.list(numD, l.elem)), col("gradient", l.list(numD, l.elem)), col("target", l.list(numDOut, l.elem)),
		col("token_id", i32), col("token", l.token), col("doc", i64), col("pos", i32), col("label", i32))
	files := map[string][]byte{}
	row := int64(0)
	for i, sizes := range l.sizes {
		n := 0
		for _, size := range sizes {
			n += size
		}
		files[shardName(i)] = slicedFile(t, s, numberedJSON(row, n), sizes, l.opts...)
		row += int64(n)
	}
	return files
}

func numberedJSON(lo int64, n int) string {
	var list []string
	for i := range n {
		var b Batch
		token := numbered(&b, lo+int64(i), 1, numD, numDOut)[0]
		list = append(list, fmt.Sprintf(`{"activation":%s,"gradient":%s,"target":%s,"token_id":%d,"token":%q,"doc":%d,"pos":%d,"label":%d}`,
			jsonList(b.X), jsonList(b.Gradient), jsonList(b.Target), b.TokenID[0], token, b.Doc[0], b.Pos[0], b.Label[0]))
	}
	return "[" + joinStrings(list) + "]"
}

func jsonList(x []float32) string {
	var list []string
	for _, v := range x {
		list = append(list, fmt.Sprint(v))
	}
	return "[" + joinStrings(list) + "]"
}

func joinStrings(list []string) string {
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s...)
	}
	return string(b)
}

// TestReadAnyOrder reads rows in many orders, with repeats, from every layout:
// each must be what the sequential pass gives.
func TestReadAnyOrder(t *testing.T) {
	const n = 300
	for _, l := range layouts() {
		t.Run(l.name, func(t *testing.T) {
			d := mustOpen(t, save(t, l.write(t)))
			if d.Rows() != n || d.D() != numD || d.DOut() != numDOut {
				t.Fatalf("%d rows of %d and %d", d.Rows(), d.D(), d.DOut())
			}
			if err := d.Verify(nil); err != nil {
				t.Fatal(err)
			}
			all := make([]int64, n)
			AllRows(n).Fill(all, 0)
			checkNumbered(t, d, all)
			rng := rand.New(rand.NewPCG(1, 2))
			for range 20 {
				rows := make([]int64, rng.IntN(2*n))
				for i := range rows {
					rows[i] = rng.Int64N(n)
				}
				checkNumbered(t, d, rows)
			}
			slices.Reverse(all)
			checkNumbered(t, d, all)
			checkNumbered(t, d, nil)
		})
	}
}

func TestReadSomeColumns(t *testing.T) {
	d := mustOpen(t, writeNumbered(t, smallSchema(2, 1, false), 20))
	var b Batch
	numbered(&b, 0, 5, 2, 1) // what is not asked for must go
	if err := d.Read(&b, []int64{3}, Doc|Label); err != nil {
		t.Fatal(err)
	}
	if b.N != 1 || len(b.X) != 2 || b.Gradient != nil || b.Target != nil || b.DOut != 0 || b.TokenID != nil || b.Pos != nil || len(b.Doc) != 1 || b.Label[0] != 2 {
		t.Errorf("got %+v", b)
	}
	if err := d.ReadColumns(&b, []int64{4}, Pos); err != nil || b.X != nil || b.Pos[0] != 4 {
		t.Errorf("got %+v, %v", b, err)
	}
	x := mustOpen(t, writeNumbered(t, Schema{D: 2}, 20))
	if err := x.Read(&b, []int64{3}, allColumns); err != nil || b.Doc != nil || b.Target != nil || x.Has(Doc) || x.HasToken() {
		t.Errorf("got %+v, %v of a dump with activation alone", b, err)
	}
	_, err := x.Tokens([]int64{0})
	checkMessage(t, err, "no column token")
}

// A countReader counts the reads and the bytes of a file.
type countReader struct {
	io.ReaderAt
	reads, bytes atomic.Int64
}

func (r *countReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads.Add(1)
	r.bytes.Add(int64(len(p)))
	return r.ReaderAt.ReadAt(p, off)
}

func openCounted(t *testing.T, path string) (*Dump, *countReader) {
	t.Helper()
	f, err := os.Open(filepath.Join(path, "part-00000.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r := &countReader{ReaderAt: f}
	d, err := OpenShards("counted", []Shard{{"counted", r, st.Size()}})
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

// TestReadCost counts what opening and reading ask of the file.
func TestReadCost(t *testing.T) {
	var opened [2]int64
	for i, n := range []int{1000, 20_000} {
		d, r := openCounted(t, writeNumbered(t, Schema{D: 8}, n))
		opened[i] = r.bytes.Load()
		if n == 1000 {
			continue
		}
		reset := func() { r.reads.Store(0); r.bytes.Store(0) }
		var b Batch
		rows := make([]int64, 1000)
		AllRows(d.Rows()).Fill(rows, 5000)
		reset()
		if err := d.Read(&b, rows, 0); err != nil || r.reads.Load() != 1 || r.bytes.Load() != 1000*8*4 {
			t.Errorf("1000 rows in a row took %d reads of %d bytes, %v", r.reads.Load(), r.bytes.Load(), err)
		}
		reset()
		if err := d.Read(&b, []int64{19_000, 0, 10_000}, 0); err != nil || r.reads.Load() != 3 || r.bytes.Load() != 3*8*4 {
			t.Errorf("3 rows took %d reads of %d bytes, %v", r.reads.Load(), r.bytes.Load(), err)
		}
	}
	if opened[0] != opened[1] {
		t.Errorf("opening read %d bytes of a dump of 1000 rows and %d of one of 20,000", opened[0], opened[1])
	}
}

// TestReadAtOnce reads from several goroutines, with more compressed batches
// than the test's cache holds.
func TestReadAtOnce(t *testing.T) {
	for _, l := range layouts() {
		if l.opts == nil && l.name != "half" {
			continue
		}
		d := mustOpen(t, save(t, l.write(t)))
		var wg sync.WaitGroup
		for seed := range 4 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(seed), 0))
				for range 5 {
					rows := make([]int64, 100)
					for i := range rows {
						rows[i] = rng.Int64N(d.Rows())
					}
					checkNumbered(t, d, rows)
				}
			})
		}
		wg.Wait()
	}
}

// TestCacheBound fills the cache beyond its limit.
func TestCacheBound(t *testing.T) {
	var c cache
	s := &shard{}
	const size = cacheLimit / 5
	for i := range int64(20) {
		e := c.entry(cacheKey{s, span{}, i}, size)
		if again := c.entry(cacheKey{s, span{}, i}, size); e != again {
			t.Fatal("a buffer asked for again was not kept")
		}
		if c.bytes > cacheLimit || c.used.Len() != len(c.byKey) || c.bytes != int64(c.used.Len())*size {
			t.Fatalf("%d bytes in %d entries, %d in the list", c.bytes, len(c.byKey), c.used.Len())
		}
	}
	if c.used.Len() != 5 {
		t.Errorf("%d buffers are kept, want 5", c.used.Len())
	}
	if e := c.entry(cacheKey{s, span{}, 99}, 2*cacheLimit); c.used.Len() != 1 || e.size != 2*cacheLimit {
		t.Errorf("a buffer larger than the cache leaves %d others", c.used.Len()-1)
	}
}

// TestDictionaryDelta reads a file of pyarrow 26 (IpcWriteOptions with
// emit_dictionary_deltas) whose second batch adds to the dictionary of the
// first; Go's Arrow writes no such files.
func TestDictionaryDelta(t *testing.T) {
	d := mustOpen(t, filepath.Join("testdata", "delta.arrow"))
	rows := make([]int64, d.Rows())
	AllRows(d.Rows()).Fill(rows, 0)
	got, err := d.Tokens(rows)
	if err != nil || len(got) != 16 || len(d.shards[0].dicts) != 2 {
		t.Fatalf("%d tokens, %d dictionary batches, %v", len(got), len(d.shards[0].dicts), err)
	}
	for i, s := range got {
		if want := fmt.Sprintf("text %d", i%8%(3*(i/8+1))); s != want {
			t.Errorf("row %d is %q, want %q", i, s, want)
		}
	}
}
