package interop

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/kernel"
	"github.com/saectl/saectl/sae"
)

// delphiLeast is the value that an entry's size must exceed to be kept.
const delphiLeast = 1e-5

// A DelphiWriter writes latents as delphi's cache: for each range of latents
// FIRST_LAST.safetensors (the last one is in it) with locations [n,3], the
// prompt, the position and the latent less FIRST, activations [n] in float16,
// and tokens [prompts,positions] where the dump has them; and config.json. A
// prompt is a document of the dump.
//
// Entries of each range wait in a file of their own until their number is known,
// so that memory does not grow with the rows.
type DelphiWriter struct {
	dir    string
	ranges []*delphiRange
	wide   bool // locations need 32 bits
	docs   *delphiDocs
	tokens []byte // [prompts,positions], nil without
	config delphiConfig
	buf    []byte
	made   []string // folders that were not there before, the innermost first
}

type delphiRange struct {
	first, last int // latents, both in it
	parts       [2]spill
	n           int64
}

// A spill is a file that has no name any more.
type spill struct {
	f *os.File
	w *bufio.Writer
}

// delphiConfig is config.json (CacheConfig of delphi 0.0.1).
type delphiConfig struct {
	Repo      string `json:"dataset_repo"`
	Split     string `json:"dataset_split"`
	Name      string `json:"dataset_name"`
	Column    string `json:"dataset_column"`
	BatchSize int    `json:"batch_size"`
	Context   int    `json:"ctx_len"`
	Tokens    int64  `json:"n_tokens"`
	Splits    int    `json:"n_splits"`
	Model     string `json:"model_name"`
}

// delphiDocs are the documents of a dump: which prompt each is.
type delphiDocs struct {
	prompts, positions int
	last               int64
	begun              bool
	prompt             int
}

// next is the prompt of the next row's document.
func (d *delphiDocs) next(doc int64) int {
	switch {
	case !d.begun:
		d.begun = true
	case doc != d.last:
		d.prompt++
	}
	d.last = doc
	return d.prompt
}

// NewDelphiWriter starts a cache of latents in the folder dir, which must not
// hold one, in so many ranges, for the given rows of d.
func NewDelphiWriter(dir string, d *activations.Dump, rows activations.Rows, latents, ranges int) (*DelphiWriter, error) {
	if !d.Has(activations.DocPos) {
		return nil, fmt.Errorf("%s: the dump has no documents, and delphi names a latent's place by prompt and position; give doc and pos when the dump is made (data convert --context)", d.Name())
	}
	if ranges < 1 || ranges > latents {
		return nil, fmt.Errorf("%d ranges of %d latents: give 1 to %d", ranges, latents, latents)
	}
	w := &DelphiWriter{dir: dir, docs: &delphiDocs{}}
	if err := w.survey(d, rows); err != nil {
		return nil, err
	}
	if old, _ := filepath.Glob(filepath.Join(dir, "*.safetensors")); len(old) > 0 {
		return nil, fmt.Errorf("%s holds %s already; remove it or give another folder", dir, filepath.Base(old[0]))
	}
	if err := w.open(latents, ranges); err != nil {
		w.Discard()
		return nil, err
	}
	w.wide = max(w.docs.prompts, w.docs.positions, latents/ranges+1) > math.MaxUint16
	m := d.Metadata()
	w.config = delphiConfig{Repo: m[activations.KeyDataset], Split: m[activations.KeySplit], Column: "text", BatchSize: min(w.docs.prompts, 32),
		Context: w.docs.positions, Tokens: rows.Len(), Splits: ranges, Model: m.Model()}
	return w, nil
}

// open makes the folder and the files in which entries of each range wait.
func (w *DelphiWriter) open(latents, ranges int) error {
	for dir := w.dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		w.made = append(w.made, dir)
	}
	if err := os.MkdirAll(w.dir, 0o777); err != nil {
		return err
	}
	for i := range ranges {
		r := &delphiRange{first: i * latents / ranges, last: (i+1)*latents/ranges - 1}
		w.ranges = append(w.ranges, r)
		for k := range r.parts {
			f, err := os.CreateTemp(w.dir, atomicfile.Prefix)
			if err != nil {
				return err
			}
			os.Remove(f.Name()) // the space is given back when it is closed
			r.parts[k] = spill{f, bufio.NewWriterSize(f, 1<<16)}
		}
	}
	return nil
}

// A place is where a token stands.
type place struct {
	prompt, pos int
	token       int32
}

// each calls do with the place of every row.
func (w *DelphiWriter) each(d *activations.Dump, rows activations.Rows, do func(place)) error {
	docs := &delphiDocs{}
	var b activations.Batch
	var chosen [1 << 12]int64
	for i := int64(0); i < rows.Len(); {
		n := rows.Fill(chosen[:], i)
		if err := d.ReadColumns(&b, chosen[:n], activations.DocPos|activations.TokenID); err != nil {
			return err
		}
		for k, doc := range b.Doc {
			p := place{prompt: docs.next(doc), pos: int(b.Pos[k])}
			if p.pos < 0 {
				return fmt.Errorf("%s: row %d has position %d; positions count from 0", d.Name(), chosen[k], p.pos)
			}
			if b.TokenID != nil {
				p.token = b.TokenID[k]
			}
			do(p)
		}
		i += int64(n)
	}
	return nil
}

// survey counts prompts and positions, and lays out the table of tokens, with 0
// where a prompt has none. Where prompts are mostly much shorter than the
// longest it is left out.
func (w *DelphiWriter) survey(d *activations.Dump, rows activations.Rows) error {
	wide := false
	err := w.each(d, rows, func(p place) {
		w.docs.prompts, w.docs.positions = p.prompt+1, max(w.docs.positions, p.pos+1)
		wide = wide || p.token < 0 || p.token > math.MaxUint16
	})
	cells := int64(w.docs.prompts) * int64(w.docs.positions)
	if err != nil || !d.Has(activations.TokenID) || cells > 4*rows.Len() {
		return err
	}
	width := map[bool]int{false: 2, true: 4}[wide]
	w.tokens = make([]byte, int(cells)*width)
	return w.each(d, rows, func(p place) {
		cell := w.tokens[(p.prompt*w.docs.positions+p.pos)*width:]
		if wide {
			binary.LittleEndian.PutUint32(cell, uint32(p.token))
		} else {
			binary.LittleEndian.PutUint16(cell, uint16(p.token))
		}
	})
}

// Write adds the codes of a batch, which has Doc and Pos.
func (w *DelphiWriter) Write(b *activations.Batch, codes sae.Encoded) error {
	for i := range codes.N {
		prompt := w.docs.next(b.Doc[i])
		index, value := codes.Row(i)
		for e, f := range index {
			if math.Abs(float64(value[e])) <= delphiLeast {
				continue
			}
			var half [1]uint16
			kernel.FloatToHalf(half[:], value[e:e+1])
			if half[0]&0x7c00 == 0x7c00 {
				return fmt.Errorf("row %d: latent %d has the value %g, more than the float16 of delphi's cache holds", b.Row[i], f, value[e])
			}
			if err := w.entry(prompt, int(b.Pos[i]), int(f), half[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *DelphiWriter) entry(prompt, pos, latent int, value uint16) error {
	i, _ := slices.BinarySearchFunc(w.ranges, latent, func(r *delphiRange, latent int) int {
		if r.last < latent {
			return -1
		}
		return 1
	})
	r := w.ranges[i]
	w.buf = w.buf[:0]
	for _, v := range [...]int{prompt, pos, latent - r.first} {
		if w.wide {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(v))
		} else {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(v))
		}
	}
	r.n++
	if _, err := r.parts[0].w.Write(w.buf); err != nil {
		return err
	}
	_, err := r.parts[1].w.Write(binary.LittleEndian.AppendUint16(w.buf[:0], value))
	return err
}

// Close writes the files of all ranges and config.json, all of them or none.
func (w *DelphiWriter) Close() error {
	defer w.Discard()
	var files atomicfile.Set
	defer files.Discard()
	for _, r := range w.ranges {
		name := fmt.Sprintf("%d_%d.safetensors", r.first, r.last)
		if err := files.Write(filepath.Join(w.dir, name), func(out io.Writer) error { return w.file(out, r) }); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(w.config, "", "  ")
	if err != nil {
		return err
	}
	if err := files.WriteBytes(filepath.Join(w.dir, "config.json"), append(b, '\n')); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	w.made = nil
	return nil
}

// Discard gives back the space of entries that wait. Before Close it also
// removes the folders that were made.
func (w *DelphiWriter) Discard() {
	for _, r := range w.ranges {
		for _, p := range r.parts {
			if p.f != nil {
				p.f.Close()
			}
		}
	}
	for _, dir := range w.made {
		os.Remove(dir)
	}
}
