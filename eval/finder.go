package eval

import (
	"bytes"
	"strings"
	"unicode"
)

// finder says on which rows a text is complete: those whose token holds the
// last character of an occurrence within the document. Case counts only when
// the text has a capital letter.
type finder struct {
	text  []byte
	fold  bool
	tail  []byte // what the document had before the batch, up to len(text)-1 bytes
	doc   int64
	pos   int32
	begun bool
	hits  []bool
}

func newFinder(text string) *finder {
	return &finder{text: []byte(text), fold: !strings.ContainsFunc(text, unicode.IsUpper)}
}

// rows says for each row of the batch, whose tokens are given, whether it
// completes the text; the slice holds until the next call.
func (f *finder) rows(s *Sample, tokens []string) []bool {
	f.hits = f.hits[:0]
	for i, token := range tokens {
		if f.fold {
			token = strings.ToLower(token)
		}
		if f.starts(s, i) {
			f.tail = f.tail[:0]
		}
		before := len(f.tail)
		f.tail = append(f.tail, token...)
		f.hits = append(f.hits, f.completes(before))
		if over := len(f.tail) - (len(f.text) - 1); over > 0 {
			f.tail = append(f.tail[:0], f.tail[over:]...)
		}
	}
	return f.hits
}

// completes reports whether an occurrence in tail ends after its first before
// bytes.
func (f *finder) completes(before int) bool {
	from := max(0, before-len(f.text)+1)
	return bytes.Contains(f.tail[from:], f.text)
}

// starts reports whether row i begins another document, or does not follow
// the row before it.
func (f *finder) starts(s *Sample, i int) bool {
	first := !f.begun
	f.begun = true
	doc, pos := f.doc, f.pos
	if s.Doc != nil {
		f.doc = s.Doc[i]
	}
	if s.Pos != nil {
		f.pos = s.Pos[i]
	}
	return first || f.doc != doc || s.Pos != nil && f.pos != pos+1
}
