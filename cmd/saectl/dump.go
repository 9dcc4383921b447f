package main

import (
	"fmt"
	"path/filepath"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/configs"
	"github.com/saectl/saectl/data"
)

// samplePath stands for the dump inside the binary.
const samplePath = "sample"

// openDump opens the dump at path; "" and "sample" are the embedded one.
func openDump(path string) (*activations.Dump, error) {
	if path == "" || path == samplePath {
		return data.SampleDump()
	}
	return activations.Open(path)
}

// dumpPath is how a config records a dump, so that the run can be evaluated
// from another folder.
func dumpPath(path string) (string, error) {
	if path == "" || path == samplePath {
		return samplePath, nil
	}
	return filepath.Abs(path)
}

// where keeps the rows of in that meet a condition; "" keeps all.
func where(d *activations.Dump, condition string, in activations.Rows) (activations.Rows, error) {
	if condition == "" {
		return in, nil
	}
	w, err := activations.ParseWhere(condition)
	if err != nil {
		return in, usageError{fmt.Errorf("--where: %w", err)}
	}
	rows, err := d.Where(w, in)
	if err == nil && rows.Len() == 0 {
		err = fmt.Errorf("%s: no row meets %q", d.Name(), condition)
	}
	return rows, err
}

// openRows opens a dump, with those of its rows that meet a condition.
func openRows(path, condition string) (*activations.Dump, activations.Rows, error) {
	d, err := openDump(path)
	if err != nil {
		return nil, activations.Rows{}, err
	}
	rows, err := where(d, condition, activations.AllRows(d.Rows()))
	if err != nil {
		d.Close()
		return nil, rows, err
	}
	return d, rows, nil
}

// splitRows are the rows that a run with these settings trains on and holds
// out.
func splitRows(d *activations.Dump, s *configs.Settings) (train, test activations.Rows, err error) {
	rows, err := where(d, s.Data.Where, activations.AllRows(d.Rows()))
	if err != nil {
		return train, test, err
	}
	return data.Split(d, rows, s.Data.Holdout, s.Seed)
}
