package jsontext

import "testing"

func TestTooDeep(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want int
	}{
		{`[[1],[2]]`, 2, -1},
		{`[[1],[2]]`, 1, 1},
		{`{"a": {"b": [1]}}`, 2, 12},
		{`{"[[[": "\"[[[", "b": [1]}`, 2, -1},
		{`[]][[[`, 1, 5},
		{``, 0, -1},
	} {
		if got := TooDeep([]byte(c.text), c.most); got != c.want {
			t.Errorf("%s, at most %d: %d, want %d", c.text, c.most, got, c.want)
		}
	}
}
