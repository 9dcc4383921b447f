package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/interop"
	"github.com/saectl/saectl/sae"
)

// An encodeSink takes the codes of a batch; recon gives its reconstruction.
// After close, discard does nothing.
type encodeSink interface {
	write(b *activations.Batch, z sae.Encoded, recon func() []float32) error
	close() error
	discard()
}

// An arrowSink writes codes as an Arrow file.
type arrowSink struct {
	*interop.CodesWriter
	f *atomicfile.File
}

func newArrowSink(path string, l *look) (*arrowSink, error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	w, err := interop.NewCodesWriter(f, l.model.F, l.model.Meta)
	if err != nil {
		f.Discard()
		return nil, err
	}
	return &arrowSink{w, f}, nil
}

func (s *arrowSink) write(b *activations.Batch, z sae.Encoded, _ func() []float32) error {
	return s.Write(b, z)
}

func (s *arrowSink) close() error {
	if err := s.Close(); err != nil {
		return err
	}
	return s.f.Commit()
}

func (s *arrowSink) discard() { s.f.Discard() }

// A delphiSink writes codes as a cache of delphi.
type delphiSink struct {
	*interop.DelphiWriter
}

func newDelphiSink(dir string, l *look, splits int) (*delphiSink, error) {
	w, err := interop.NewDelphiWriter(dir, l.d, l.rows, l.model.F, min(splits, l.model.F))
	return &delphiSink{w}, err
}

func (s *delphiSink) write(b *activations.Batch, z sae.Encoded, _ func() []float32) error {
	return s.Write(b, z)
}

func (s *delphiSink) close() error { return s.Close() }
func (s *delphiSink) discard()     { s.Discard() }

// A reconSink writes reconstructions as a dump.
type reconSink struct {
	w      *activations.Writer
	d      *activations.Dump
	tokens bool
	made   string // the folder, if it was not there
	b      activations.Batch
}

// newReconSink also says which columns it copies.
func newReconSink(dir string, l *look) (*reconSink, activations.Columns, error) {
	keep := l.d.Columns() &^ (activations.Gradient | activations.Target)
	meta := l.d.Metadata()
	meta["sae.reconstructed_by"] = filepath.Base(l.dir)
	width := l.model.DOut
	if width != l.d.D() {
		delete(meta, activations.KeyHeads)
		delete(meta, activations.KeyHeadDim)
	}
	_, err := os.Stat(dir)
	s := &reconSink{d: l.d, tokens: l.d.HasToken()}
	if errors.Is(err, os.ErrNotExist) {
		s.made = dir
	}
	s.w, err = activations.NewWriter(dir, activations.Schema{D: width, Columns: keep, Token: s.tokens, Metadata: meta})
	return s, keep, err
}

func (s *reconSink) write(b *activations.Batch, _ sae.Encoded, recon func() []float32) (err error) {
	s.b = *b
	s.b.X, s.b.Gradient, s.b.Target, s.b.DOut = recon(), nil, nil, 0
	s.b.D = len(s.b.X) / max(b.N, 1)
	var tokens []string
	if s.tokens {
		if tokens, err = s.d.Tokens(b.Row); err != nil {
			return err
		}
	}
	if err := s.w.Write(&s.b, tokens); err != nil {
		return fmt.Errorf("reconstructions: %w", err)
	}
	return nil
}

func (s *reconSink) close() error {
	err := s.w.Close()
	if err == nil {
		s.made = ""
	}
	return err
}

func (s *reconSink) discard() {
	s.w.Discard()
	if s.made != "" {
		os.Remove(s.made)
	}
}
