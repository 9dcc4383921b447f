package section

import (
	"math"
	"strings"
	"testing"
)

func TestWriteText(t *testing.T) {
	table := Table{Title: "Ta\x1bble", Columns: []Column{{Name: "name", Kind: Text}, {Name: "n", Kind: Number}, {Name: "share", Kind: Share}}}
	table.Add("a\nb", 3, 0.25)
	table.Add("é", math.NaN(), nil)
	s := Section{Title: "Title", Facts: []Fact{{"fact", "its value"}}, Notes: []string{"a note"}, Tables: []Table{table, {Title: "Empty"}}}
	var b strings.Builder
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `Title
  fact  its value

Ta<001B>ble
  name  n  share
  a↵b   3   25 %
  é     -      -

Empty
  (none)

a note
`
	if b.String() != want {
		t.Errorf("the text is\n%s\nwant\n%s", b.String(), want)
	}
}
