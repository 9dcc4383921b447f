// Package jsonfile reads the JSON objects that other tools write as their
// settings, strictly: a key that stands twice, a number that is a string or data
// behind the object are errors that name the key.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/saectl/saectl/internal/jsontext"
)

const (
	maxBytes = 16 << 20 // of a file of settings
	maxDepth = 200      // of lists and objects within one another
)

// An Object is a JSON object. Its getters keep the first error, which Err
// returns, so that a reader can ask for all it needs and look once.
type Object struct {
	name   string
	keys   []string
	values map[string]json.RawMessage
	err    error
}

// Read reads the object in a file.
func Read(path string) (*Object, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %s is missing", filepath.Dir(path), filepath.Base(path))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxBytes {
		return nil, fmt.Errorf("%s: has over %d bytes; settings are smaller", path, maxBytes)
	}
	return Parse(path, b)
}

// Parse reads the object in b; name is for messages. b is kept.
func Parse(name string, b []byte) (*Object, error) {
	o := &Object{name: name, values: map[string]json.RawMessage{}}
	if err := o.parse(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, nil
}

func (o *Object) parse(b []byte) error {
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return errors.New("is empty")
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 || bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return errors.New("is not UTF-8 JSON (or starts with a byte-order mark); save it as UTF-8")
	}
	if at := jsontext.TooDeep(b, maxDepth); at >= 0 {
		return fmt.Errorf("nested too deeply: over %d levels at byte %d", maxDepth, at)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	var whole json.RawMessage
	if err := dec.Decode(&whole); err != nil {
		return syntax(err, len(b))
	}
	if whole[0] != '{' {
		return errors.New("is not a JSON object")
	}
	if rest := bytes.TrimSpace(b[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("data after the object, at byte %d", dec.InputOffset())
	}
	return o.split(whole)
}

// split takes the entries apart; a map decoder would drop one of two of a name.
func (o *Object) split(whole []byte) error {
	dec := json.NewDecoder(bytes.NewReader(whole))
	if _, err := dec.Token(); err != nil {
		return syntax(err, len(whole))
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return syntax(err, len(whole))
		}
		key := t.(string)
		if _, twice := o.values[key]; twice {
			return fmt.Errorf("%.60s appears twice", key)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return syntax(err, len(whole))
		}
		o.keys = append(o.keys, key)
		o.values[key] = v
	}
	return nil
}

func syntax(err error, size int) error {
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return fmt.Errorf("not valid JSON at byte %d: %s", at.Offset, strings.TrimPrefix(at.Error(), "json: "))
	}
	return fmt.Errorf("not valid JSON at byte %d: it ends early", size)
}

// Keys lists the keys in the order of the file.
func (o *Object) Keys() []string { return o.keys }

// Err is the first error of a getter.
func (o *Object) Err() error { return o.err }

// Fail keeps an error about the object unless there is one already.
func (o *Object) Fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %w", o.name, fmt.Errorf(format, args...))
	}
}

// Has reports whether a key is there and not null.
func (o *Object) Has(key string) bool {
	v, ok := o.values[key]
	return ok && string(v) != "null"
}

// Raw is a value as it stands in the file, nil for a missing key.
func (o *Object) Raw(key string) json.RawMessage { return o.values[key] }

// want is the value of a key that must be there.
func (o *Object) want(key string) (json.RawMessage, bool) {
	v, ok := o.values[key]
	if !ok {
		o.Fail("%s is missing", key)
	}
	return v, ok && o.err == nil
}

// kind says what a value is.
func kind(v json.RawMessage) string {
	switch v[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// Int is an integer; 5.0 is one, as Python writes k.
func (o *Object) Int(key string) int {
	f := o.number(key, "an integer")
	if o.err != nil {
		return 0
	}
	if f != math.Trunc(f) {
		o.Fail("%s must be an integer, is %g", key, f)
		return 0
	}
	if math.Abs(f) > 1<<53 {
		o.Fail("%s is out of range", key)
		return 0
	}
	return int(f)
}

// Float is a number.
func (o *Object) Float(key string) float64 { return o.number(key, "a number") }

func (o *Object) number(key, wanted string) float64 {
	v, ok := o.want(key)
	if !ok {
		return 0
	}
	if kind(v) != "a number" {
		o.Fail("%s is %s, wants %s", key, kind(v), wanted)
		return 0
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		o.Fail("%s is out of range", key)
		return 0
	}
	return f
}

// Bool is true or false.
func (o *Object) Bool(key string) bool {
	v, ok := o.want(key)
	if ok && kind(v) != "true or false" {
		o.Fail("%s is %s, wants true or false", key, kind(v))
	}
	return ok && string(v) == "true"
}

// BoolOr is Bool, or other where the key is missing or null.
func (o *Object) BoolOr(key string, other bool) bool {
	if !o.Has(key) {
		return other
	}
	return o.Bool(key)
}

// String is a string.
func (o *Object) String(key string) string {
	v, ok := o.want(key)
	if !ok {
		return ""
	}
	var s string
	if kind(v) != "a string" {
		o.Fail("%s is %s, wants a string", key, kind(v))
	} else if err := json.Unmarshal(v, &s); err != nil {
		o.Fail("%s: %v", key, err)
	}
	return s
}

// StringOr is String, or other where the key is missing or null.
func (o *Object) StringOr(key, other string) string {
	if !o.Has(key) {
		return other
	}
	return o.String(key)
}

// Ints is a list of integers.
func (o *Object) Ints(key string) (list []int) {
	v, ok := o.want(key)
	if !ok {
		return nil
	}
	if err := json.Unmarshal(v, &list); err != nil {
		o.Fail("%s wants a list of integers", key)
	}
	return list
}

// Object is an object within the object; an empty one on an error.
func (o *Object) Object(key string) *Object {
	in := &Object{name: o.name + ": " + key, values: map[string]json.RawMessage{}}
	v, ok := o.want(key)
	if !ok {
		return in
	}
	if kind(v) != "an object" {
		o.Fail("%s is %s, wants an object", key, kind(v))
		return in
	}
	if err := in.split(v); err != nil {
		o.Fail("%s: %w", key, err)
	}
	return in
}
