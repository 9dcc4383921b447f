package activations

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A fingerprint is made once for an open dump.
type fingerprint struct {
	mu  sync.Mutex
	hex string
}

// Fingerprint identifies the content of the dump, as 64 hexadecimal digits:
// the SHA-256 of the number of rows, of the name, type and values of each
// column of the format, and of the metadata that starts with "sae.". It does
// not depend on how rows are split into shards and record batches, on names of
// files, on compression, on the kind of list or on whether token is stored
// through a dictionary. Columns and metadata that the format does not name
// have no part in it.
//
// It takes one pass over the dump, which for files is kept in the user's cache
// under their paths, sizes and times of change; without a cache to write to it
// is made each time.
func (d *Dump) Fingerprint() (string, error) {
	d.print.mu.Lock()
	defer d.print.mu.Unlock()
	if d.print.hex != "" {
		return d.print.hex, nil
	}
	entry := d.cacheEntry()
	sum, ok := readEntry(entry)
	if !ok {
		var err error
		if sum, err = d.sum(); err != nil {
			return "", err
		}
		// A file changed just now may change again within the same tick of
		// its clock, or have changed during the pass: not to be kept.
		if entry != "" && entry == d.cacheEntry() {
			writeEntry(entry, sum)
		}
	}
	d.print.hex = sum
	return sum, nil
}

// sum makes the fingerprint. Each column is hashed in chunks of chunkRows rows,
// so that all cores take part, and then the hashes of its chunks.
func (d *Dump) sum() (string, error) {
	n := (d.rows + chunkRows - 1) / chunkRows
	var parts [numCols][]byte
	for id, c := range d.cols {
		if c.kind != absent {
			parts[id] = make([]byte, n*sha256.Size)
		}
	}
	err := d.chunks(func(id int, chunk, lo, hi int64) error {
		sum, err := d.sumChunk(id, lo, hi)
		copy(parts[id][chunk*sha256.Size:], sum)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", d.name, err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "saectl dump, fingerprint version 1\nrows %d\n", d.rows)
	for id, c := range d.cols {
		if c.kind != absent {
			fmt.Fprintf(h, "column %s %s %x\n", colNames[id], c.typeName(), sha256.Sum256(parts[id]))
		}
	}
	for _, k := range d.meta.sorted() {
		if strings.HasPrefix(k, "sae.") {
			fmt.Fprintf(h, "metadata %q %q\n", k, d.meta[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sumChunk hashes rows [lo,hi) of column id: numbers as they are stored, each
// text after its length.
func (d *Dump) sumChunk(id int, lo, hi int64) ([]byte, error) {
	h := sha256.New()
	if k := d.cols[id].kind; k != isText && k != isDict {
		err := d.stream(id, lo, hi, func(_ *batch, _, _ int64, raw []byte) error {
			h.Write(raw)
			return nil
		})
		return h.Sum(nil), err
	}
	rows := make([]int64, hi-lo)
	for i := range rows {
		rows[i] = lo + int64(i)
	}
	text, err := d.Tokens(rows)
	var buf []byte
	for _, s := range text {
		buf = append(binary.LittleEndian.AppendUint32(buf[:0], uint32(len(s))), s...)
		h.Write(buf)
	}
	return h.Sum(nil), err
}

// settle is how long a file must have been left alone for its time of change
// to tell its content.
const settle = 2 * time.Second

// cacheEntry is the file in the user's cache that keeps the fingerprint of
// these files in this state, "" where there is none.
func (d *Dump) cacheEntry() string {
	dir, err := os.UserCacheDir()
	if err != nil || len(d.files) == 0 {
		return ""
	}
	h := sha256.New()
	fmt.Fprintln(h, "fingerprint version 1")
	for _, f := range d.files {
		path, err := filepath.Abs(f.Name())
		if err != nil {
			return ""
		}
		st, err := f.Stat()
		if err != nil || time.Since(st.ModTime()) < settle {
			return ""
		}
		fmt.Fprintf(h, "%q %d %d\n", path, st.Size(), st.ModTime().UnixNano())
	}
	return filepath.Join(dir, "saectl", "fingerprints", hex.EncodeToString(h.Sum(nil)))
}

func readEntry(path string) (string, bool) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 2*sha256.Size+1 || b[2*sha256.Size] != '\n' {
		return "", false
	}
	s := string(b[:2*sha256.Size])
	_, err = hex.DecodeString(s)
	return s, err == nil
}

// writeEntry keeps a fingerprint, or does not: the cache is a convenience.
func writeEntry(path, sum string) {
	if os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return
	}
	_, err = f.WriteString(sum + "\n")
	if cerr := f.Close(); err != nil || cerr != nil || os.Rename(f.Name(), path) != nil {
		os.Remove(f.Name())
	}
}
