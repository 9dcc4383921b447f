package jsonfile

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestGetters(t *testing.T) {
	o, err := Parse("x", []byte(`{"i": 5.0, "f": 1e-3, "b": true, "s": "é", "l": [1, 2], "o": {"in": 3}, "n": null}`))
	if err != nil {
		t.Fatal(err)
	}
	in := o.Object("o")
	if o.Int("i") != 5 || o.Float("f") != 1e-3 || !o.Bool("b") || o.String("s") != "é" || len(o.Ints("l")) != 2 || in.Int("in") != 3 || o.Has("n") || o.StringOr("n", "d") != "d" || o.Err() != nil {
		t.Errorf("read wrong: %v", o.Err())
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		``: "is empty", `[1]`: "not a JSON object", `{"a":1}x`: "data after", `{"a":1,"a":2}`: "a appears twice",
		`{"i":4.5}`: "must be an integer", `{"i":"4"}`: "is a string", `{"i":1e400}`: "out of range", `{"i":1e300}`: "out of range", `{}`: "i is missing",
		`{"i":NaN}`: "not valid JSON at byte", `{"i":` + strings.Repeat("[", 500): "too deeply", "{\"\xff\":1}": "UTF-8", `{"i":null}`: "is null",
	} {
		o, err := Parse("x", []byte(text))
		if err == nil {
			o.Int("i")
			err = o.Err()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x: ") {
			t.Errorf("%.40s: %v, want an error with %q", text, err, want)
		}
	}
}

// FuzzParse accepts only what is one JSON object.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"k": 5, "metadata": {"a": [1, 2.5, null, true], "b": {}}, "s": "\u00e9 \"q\""}`))
	f.Add([]byte(`{"k": 1e400, "k": 2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse("fuzz", b)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Errorf("%q is no JSON", b)
		}
		for _, key := range o.Keys() {
			o.Int(key)
			o.Object(key)
			o.Ints(key)
			o.StringOr(key, "")
		}
	})
}
