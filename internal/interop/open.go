package interop

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/saectl/saectl/internal/interop/dictlearn"
	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/gemmascope"
	"github.com/saectl/saectl/internal/interop/saelens"
	"github.com/saectl/saectl/internal/interop/sparsify"
)

// A tool is how the autoencoders of one are read, and written where Write is
// not nil.
type tool struct {
	Name  string
	Is    func(path string) bool
	Read  func(path string) (*foreign.SAE, error)
	Write func(dir string, s *foreign.SAE) error
}

// formats are those read, in the order in which they are tried.
func formats() []tool {
	return []tool{
		{foreign.FormatName, foreign.Is, foreign.Load, nil},
		{"saelens", saelens.Is, saelens.Read, saelens.Write},
		{"sparsify", sparsify.Is, sparsify.Read, sparsify.Write},
		{"dictionary-learning", dictlearn.Is, dictlearn.Read, dictlearn.Write},
		{"gemma-scope", gemmascope.Is, gemmascope.Read, nil},
	}
}

// Names lists formats by name; to says that it is of those written.
func Names(to bool) (names []string) {
	for _, f := range formats() {
		if f.Write != nil || !to {
			names = append(names, f.Name)
		}
	}
	return names
}

// Write writes s into a new folder, in the named format.
func Write(dir, format string, s *foreign.SAE) error {
	for _, f := range formats() {
		if f.Name == format && f.Write != nil {
			return f.Write(dir, s)
		}
	}
	return fmt.Errorf("format %q is not written; %s are", format, strings.Join(Names(true), ", "))
}

// Recognise is the format of a folder or file, "" when it is none that is read.
func Recognise(path string) string {
	for _, f := range formats() {
		if f.Is(path) {
			return f.Name
		}
	}
	return ""
}

// Open reads the autoencoder at path, of the named format or, for "", of the one
// that its files show. Nothing is written.
func Open(path, format string) (*foreign.SAE, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	if format == "" {
		if format = Recognise(path); format == "" {
			return nil, fmt.Errorf("%s: no autoencoder that is known; --format names one of %s", path, strings.Join(Names(false), ", "))
		}
	}
	for _, f := range formats() {
		if f.Name != format {
			continue
		}
		s, err := f.Read(path)
		if err == nil {
			err = s.Check()
		}
		return s, err
	}
	return nil, errors.New("format " + format + " is not known; those read are " + strings.Join(Names(false), ", "))
}
