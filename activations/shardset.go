package activations

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// A shardSet is the shards of a dump while they are written.
type shardSet struct {
	dir    string
	schema *arrow.Schema
	limit  int64 // bytes of a shard

	cur   *shardFile
	arrow *ipc.FileWriter // to cur
	n     int             // shards begun; all but cur are on disk
	ended bool
}

func shardName(i int) string { return fmt.Sprintf("part-%05d.arrow", i) }
func tempName(i int) string  { return "." + shardName(i) + ".tmp" }

// newShardSet makes the folder and clears what an earlier attempt left, but for
// the shards that keep says to go on behind.
func newShardSet(dir string, schema *arrow.Schema, limit int64, keep int) (*shardSet, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("writing a dump: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("writing a dump: %w", err)
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(shardPattern, e.Name()); ok {
			return nil, fmt.Errorf("writing a dump: %s holds one already, with the shard %s; remove it or give another folder", dir, e.Name())
		}
		if ok, _ := filepath.Match(tempPattern, e.Name()); !ok {
			continue
		}
		if isKept(e.Name(), keep) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return nil, fmt.Errorf("writing a dump: clearing what an earlier attempt left: %w", err)
		}
	}
	return &shardSet{dir: dir, schema: schema, limit: limit, n: keep}, nil
}

// isKept reports whether a temporary shard is one of the first keep.
func isKept(name string, keep int) bool {
	for i := range keep {
		if name == tempName(i) {
			return true
		}
	}
	return false
}

// whole counts the shards of an attempt that was stopped which are whole, from
// the first one on, and their rows.
func whole(dir string) (shards int, rows int64) {
	for ; ; shards++ {
		path := filepath.Join(dir, tempName(shards))
		d, err := openPaths(path, []string{path})
		if err != nil {
			return shards, rows
		}
		rows += d.Rows()
		d.Close()
	}
}

// suspend drops the shard begun and leaves those that are whole.
func (s *shardSet) suspend() {
	if s.cur != nil && !s.ended {
		s.n--
		s.cur.f.Close()
		os.Remove(filepath.Join(s.dir, tempName(s.n)))
		s.cur = nil
	}
	s.ended = true
}

// write adds a record batch of about bytes bytes, in a new shard where it does
// not fit the one begun.
func (s *shardSet) write(rec arrow.Record, bytes int64) error {
	if s.cur != nil && s.cur.n+bytes > s.limit {
		if err := s.finish(); err != nil {
			return err
		}
	}
	if s.cur == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	return s.cur.explain(guard(func() error { return s.arrow.Write(rec) }))
}

func (s *shardSet) begin() error {
	path := filepath.Join(s.dir, tempName(s.n))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing a dump: %w", err)
	}
	s.n++
	s.cur = &shardFile{f: f, w: bufio.NewWriterSize(f, 1<<20)}
	s.arrow, err = ipc.NewFileWriter(s.cur, ipc.WithSchema(s.schema))
	return s.cur.explain(err)
}

// finish writes the footer and brings the shard to the disk, where a full one
// shows at the latest.
func (s *shardSet) finish() error {
	cur := s.cur
	err := cur.explain(guard(s.arrow.Close))
	if err == nil {
		err = cur.explain(cur.w.Flush())
	}
	if err == nil {
		err = cur.explain(cur.f.Sync())
	}
	s.cur = nil
	return errors.Join(err, cur.f.Close())
}

// commit finishes the last shard and renames all, the first one last: a reader
// that comes in between finds the dump without its beginning at most.
func (s *shardSet) commit() error {
	if s.cur != nil {
		if err := s.finish(); err != nil {
			s.discard()
			return err
		}
	}
	s.ended = true
	for i := s.n - 1; i >= 0; i-- {
		if err := os.Rename(filepath.Join(s.dir, tempName(i)), filepath.Join(s.dir, shardName(i))); err != nil {
			for j := range s.n {
				os.Remove(filepath.Join(s.dir, shardName(j)))
				os.Remove(filepath.Join(s.dir, tempName(j)))
			}
			return fmt.Errorf("writing a dump: %w", err)
		}
	}
	return syncDir(s.dir)
}

// discard removes what was written.
func (s *shardSet) discard() {
	if s.ended {
		return
	}
	s.ended = true
	if s.cur != nil {
		s.cur.f.Close()
		s.cur = nil
	}
	for i := range s.n {
		os.Remove(filepath.Join(s.dir, tempName(i)))
	}
}

// syncDir makes renames last. Not every system lets a folder be synced, and
// the shards themselves are safe by then.
func syncDir(dir string) error {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		return f.Close()
	}
	return nil
}

// A shardFile is a file that Arrow writes from beginning to end. It keeps the
// first error of the system, which Arrow would wrap in words of its own.
type shardFile struct {
	f   *os.File
	w   *bufio.Writer
	n   int64
	err error
}

func (f *shardFile) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.n += int64(n)
	if f.err == nil {
		f.err = err
	}
	return n, err
}

// Seek tells where the file is, all that Arrow asks for.
func (f *shardFile) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("a shard is written from beginning to end")
	}
	return f.n, nil
}

func (f *shardFile) explain(err error) error {
	if err == nil {
		return nil
	}
	if f.err != nil {
		err = f.err
	}
	return fmt.Errorf("writing a shard of the dump: %w; nothing of the dump was kept", err)
}
