package convert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
)

// Options say what of a source becomes what column of a dump. A column is named
// as the source names it, or is a file of its own whose rows go with those of
// the source. Columns that are called as the dump's are taken along unasked.
type Options struct {
	Column   string `json:"column,omitempty"` // of the activations; "" takes the only one there is
	Gradient string `json:"gradient,omitempty"`
	Target   string `json:"target,omitempty"`
	TokenID  string `json:"token_id,omitempty"`
	Token    string `json:"token,omitempty"` // text
	Doc      string `json:"doc,omitempty"`
	Pos      string `json:"pos,omitempty"`
	Label    string `json:"label,omitempty"`

	As       string               `json:"as,omitempty"`      // a type of the same size to read the activations' bits as, such as bfloat16 in uint16
	Context  int64                `json:"context,omitempty"` // rows of a document, of activations of shape [N,d]; 0 for none
	Half     bool                 `json:"half,omitempty"`    // write float16, whatever the source has
	Metadata activations.Metadata `json:"metadata,omitempty"`

	ShardBytes int64                   `json:"shard_bytes,omitempty"` // 0 is 256 MiB
	Progress   func(done, total int64) `json:"-"`                     // rows; may be nil

	batch int64 // rows read at a time; 0 for what fits
}

// Result says what was written.
type Result struct {
	Rows    int64             `json:"rows"`
	D       int               `json:"d"`
	Half    bool              `json:"half"`
	Resumed int64             `json:"resumed"` // rows that an earlier, stopped conversion had written
	Columns map[string]string `json:"columns"` // of the dump: where each came from
}

// resumeFile is beside the shards of a conversion that is not finished and says
// what it is of.
const resumeFile = ".convert.json"

// Convert writes the rows of the file or folder src as a dump in the folder out.
// A conversion that was stopped goes on when it is called again with the same
// arguments. After a bad row nothing of the dump is left.
func Convert(ctx context.Context, src, out string, o Options) (Result, error) {
	p, err := newPlan(src, o)
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	print, err := identity(src, o, p.files)
	if err != nil {
		return Result{}, err
	}
	marker := filepath.Join(out, resumeFile)
	if p.schema.Resume, err = resumes(marker, print); err != nil {
		return Result{}, err
	}
	_, missing := os.Stat(out)
	w, err := activations.NewWriter(out, p.schema)
	if err != nil {
		return Result{}, err
	}
	if err := atomicfile.WriteBytes(marker, print); err != nil {
		return Result{}, err
	}
	err = p.write(ctx, w)
	if stopped := ctx.Err() != nil && errors.Is(err, ctx.Err()); stopped {
		w.Suspend()
		return Result{}, fmt.Errorf("the conversion of %s was stopped; give the same command to go on: %w", src, err)
	}
	if err == nil {
		err = w.Close()
	}
	w.Discard()
	os.Remove(marker)
	if err != nil && missing != nil {
		os.Remove(out) // it is empty, or stays
	}
	return p.result(w.Kept()), err
}

// resumes reports whether a marker is of this very conversion.
func resumes(marker string, print []byte) (bool, error) {
	old, err := os.ReadFile(marker)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err == nil && string(old) != string(print) {
		err = fmt.Errorf("%s holds an unfinished conversion of another source or with other flags (%s); give those again, or remove the folder", filepath.Dir(marker), resumeFile)
	}
	return err == nil, err
}

func (p *plan) result(kept int64) Result {
	r := Result{Rows: p.rows, D: p.schema.D, Half: p.schema.Half, Resumed: kept, Columns: map[string]string{}}
	for name, c := range p.columns {
		r.Columns[name] = c.where
	}
	return r
}

// A batch is rows on their way to the writer.
type batch struct {
	activations.Batch
	tokens []string
	err    error
}

// ahead is how many batches are read while others are written.
const ahead = 2

// write reads batches in one goroutine and writes them in this one.
func (p *plan) write(ctx context.Context, w *activations.Writer) error {
	from := w.Kept()
	if err := p.seek(from); err != nil {
		return err
	}
	free, full, stop := make(chan *batch, ahead+1), make(chan *batch, ahead), make(chan struct{})
	for range ahead + 1 {
		free <- new(batch)
	}
	go p.readAll(from, free, full, stop)
	defer func() { // the columns are closed after this: wait for their reader
		close(stop)
		for range full {
		}
	}()
	done := from
	for b := range full {
		err := b.err
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = w.Write(&b.Batch, b.tokens)
		}
		if err != nil {
			return err
		}
		done += int64(b.N)
		free <- b
		if p.progress != nil {
			p.progress(done, p.rows)
		}
	}
	return nil
}

// readAll reads batches from row from on until the end, an error or stop.
func (p *plan) readAll(from int64, free, full chan *batch, stop chan struct{}) {
	defer close(full)
	n := min(max(batchBytes/(4*int64(p.schema.D)), 1), 1<<16)
	if p.batch > 0 {
		n = p.batch
	}
	for from < p.rows {
		var b *batch
		select {
		case b = <-free:
		case <-stop:
			return
		}
		m := min(n, p.rows-from)
		b.err = p.read(b, from, m)
		from += m
		select {
		case full <- b:
		case <-stop:
			return
		}
		if b.err != nil {
			return
		}
	}
}

// batchBytes is about how many bytes of activations a batch has.
const batchBytes = 4 << 20
