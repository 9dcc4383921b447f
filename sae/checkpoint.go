package sae

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/saectl/saectl/internal/atomicfile"
	"github.com/saectl/saectl/internal/safetensors"
)

// A checkpoint is one safetensors file with all that the next step depends
// on: parameters by name, Adam's moments, dead counters and the variant's
// states. Its checksum is over the data in the order of the file.
const (
	prefixFirst  = "adam.first."
	prefixSecond = "adam.second."
	prefixState  = "state."
	tensorSince  = "dead.since"
)

// checkpointsKept is how many are kept: should the newest turn out damaged,
// the one before it is found.
const checkpointsKept = 2

// weightTensors are the parameters, and the states that evaluation needs.
func (t *Trainer) weightTensors() (all []safetensors.Tensor) {
	for _, p := range t.graph.Params {
		all = append(all, safetensors.Tensor{Name: p.Name, Shape: p.shape(), Data: t.graph.Weights[p.Name]})
	}
	for _, s := range t.graph.States {
		all = append(all, safetensors.Tensor{Name: prefixState + s.Name, Shape: []int{len(s.Data)}, Data: s.Data})
	}
	return all
}

func (t *Trainer) checkpointTensors() []safetensors.Tensor {
	all := t.weightTensors()
	for _, s := range t.opt.params {
		all = append(all,
			safetensors.Tensor{Name: prefixFirst + s.p.Name, Shape: s.p.shape(), Data: s.m},
			safetensors.Tensor{Name: prefixSecond + s.p.Name, Shape: s.p.shape(), Data: s.v})
	}
	since := t.graph.b.dead.Since
	return append(all, safetensors.Tensor{Name: tensorSince, Shape: []int{len(since)}, Data: since})
}

// SaveWeights writes what evaluation needs to path, atomically. meta is
// stored with it, and the number of steps done.
func (t *Trainer) SaveWeights(path string, meta map[string]string) error {
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaSteps] = strconv.Itoa(t.step)
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, meta, t.weightTensors()) })
}

// Save writes all that the next step depends on to path, atomically.
func (t *Trainer) Save(path string, meta map[string]string) error {
	tensors := t.checkpointTensors()
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaSteps] = strconv.Itoa(t.step)
	meta[metaSum] = checksum(tensors)
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, meta, tensors) })
}

// Restore sets the trainer to what Save stored and returns the metadata.
func (t *Trainer) Restore(path string) (map[string]string, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tensors := t.checkpointTensors()
	for i := range tensors {
		if err := readInto(f, &tensors[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	t.step, err = strconv.Atoi(f.Metadata()[metaSteps])
	if err != nil {
		return nil, fmt.Errorf("%s: the metadata does not say how many steps were done: %w", path, err)
	}
	return f.Metadata(), nil
}

// readInto copies a stored tensor over the slice of the same name.
func readInto(f *safetensors.File, t *safetensors.Tensor) error {
	info, ok := f.Info(t.Name)
	if !ok || !slices.Equal(info.Shape, t.Shape) {
		return fmt.Errorf("tensor %s has shape %v, these settings need %v; it belongs to another run", t.Name, info.Shape, t.Shape)
	}
	switch dst := t.Data.(type) {
	case []float32:
		return f.FillFloat32(t.Name, dst)
	case []float64:
		x, err := f.Float64(t.Name)
		copy(dst, x)
		return err
	case []int64:
		x, err := f.Int64(t.Name)
		copy(dst, x)
		return err
	}
	return fmt.Errorf("tensor %s cannot be read into %T", t.Name, t.Data)
}

func checksum(tensors []safetensors.Tensor) string {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	var buf [1 << 12]byte
	for _, t := range tensors {
		switch x := t.Data.(type) {
		case []float32:
			sum(h, buf[:], x, 4, func(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) })
		case []float64:
			sum(h, buf[:], x, 8, func(b []byte, v float64) { binary.LittleEndian.PutUint64(b, math.Float64bits(v)) })
		case []int64:
			sum(h, buf[:], x, 8, func(b []byte, v int64) { binary.LittleEndian.PutUint64(b, uint64(v)) })
		}
	}
	return fmt.Sprintf("%08x", h.Sum(nil))
}

func sum[T any](w io.Writer, buf []byte, x []T, width int, put func([]byte, T)) {
	for len(x) > 0 {
		n := min(len(x), len(buf)/width)
		for i, v := range x[:n] {
			put(buf[i*width:], v)
		}
		w.Write(buf[:n*width])
		x = x[n:]
	}
}

func checkpointPath(dir string, step int) string {
	return filepath.Join(dir, checkpointDir, fmt.Sprintf("step-%010d.safetensors", step))
}

// newestCheckpoint finds the newest complete checkpoint of a run folder by
// reading each, newest first, until one is whole; "" when there is none.
func newestCheckpoint(dir string) (path string, steps int, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, checkpointDir, checkpointGlob))
	if err != nil {
		return "", 0, err
	}
	slices.Sort(paths)
	for _, p := range slices.Backward(paths) {
		if steps, err := verifyCheckpoint(p); err == nil {
			return p, steps, nil
		}
	}
	return "", 0, nil
}

func verifyCheckpoint(path string) (steps int, err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if err := f.CopyData(h); err != nil {
		return 0, err
	}
	if got, want := fmt.Sprintf("%08x", h.Sum(nil)), f.Metadata()[metaSum]; got != want {
		return 0, fmt.Errorf("%s: checksum %s, want %s; the file is damaged", path, got, want)
	}
	return strconv.Atoi(f.Metadata()[metaSteps])
}

// pruneCheckpoints removes all but the newest checkpoints.
func pruneCheckpoints(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, checkpointDir, checkpointGlob))
	if err != nil || len(paths) <= checkpointsKept {
		return err
	}
	slices.Sort(paths)
	for _, p := range paths[:len(paths)-checkpointsKept] {
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	return nil
}
