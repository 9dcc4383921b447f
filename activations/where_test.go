package activations

import (
	"strings"
	"testing"
)

func TestWhere(t *testing.T) {
	const n = 500
	d := mustOpen(t, writeNumbered(t, smallSchema(1, 1, false), n))
	for text, pass := range map[string]func(doc, pos, token, label int64) bool{
		"":                      func(_, _, _, _ int64) bool { return true },
		"pos>0":                 func(_, pos, _, _ int64) bool { return pos > 0 },
		"pos >= 6":              func(_, pos, _, _ int64) bool { return pos >= 6 },
		"label == -1":           func(_, _, _, label int64) bool { return label == -1 },
		"label!=2&&pos<3":       func(_, pos, _, label int64) bool { return label != 2 && pos < 3 },
		"pos<1||pos>5&&label<1": func(_, pos, _, label int64) bool { return pos < 1 || pos > 5 && label < 1 },
		"(pos<1||pos>5)&&label<1": func(_, pos, _, label int64) bool {
			return (pos < 1 || pos > 5) && label < 1
		},
		" ( ( token_id <= 30 ) ) ": func(_, _, token, _ int64) bool { return token <= 30 },
		"doc>1099511627780":        func(doc, _, _, _ int64) bool { return doc > 1099511627780 },
	} {
		w, err := ParseWhere(text)
		if err != nil {
			t.Fatal(err)
		}
		in := MakeRows(Run{3, 50}, Run{60, n})
		got, err := d.Where(w, in)
		if err != nil {
			t.Fatal(err)
		}
		var want Rows
		for run := range in.Runs() {
			for row := run.Lo; row < run.Hi; row++ {
				if pass(row/7+1<<40, row%7, row*3, row%5-1) {
					want.add(Run{row, row + 1})
				}
			}
		}
		if want.Len() == 0 || w.All() != (text == "") {
			t.Fatalf("%q is no test", text)
		}
		same := got.Len() == want.Len()
		for i := int64(0); same && i < want.Len(); i++ {
			same = got.At(i) == want.At(i)
		}
		if !same {
			t.Errorf("%q gives %v, want %v", text, got, want)
		}
	}
}

func TestWhereRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"position>0":                             "want pos, doc, token_id, label or (",
		"pos":                                    "want ==, !=",
		"pos=0":                                  "want ==, !=",
		"pos>":                                   "the end",
		"pos>x":                                  "want a whole number",
		"pos>1.5":                                "want a whole number",
		"pos>99999999999999999999":               "want a whole number",
		"pos>0 label==1":                         "want && or ||",
		"pos>0 & label==1":                       `at "&" (character 7)`,
		"(pos>0":                                 "want ), && or ||",
		"pos>0)":                                 "want && or ||",
		"pos>0 &&":                               "want pos",
		"()":                                     "want pos",
		"pos>0; rm":                              "want && or ||",
		strings.Repeat("(", 1_000_000) + "pos>0": "parentheses",
		strings.Repeat("pos>0 ||", 10_000) + "\x00": "want pos",
	} {
		_, err := ParseWhere(text)
		checkMessage(t, err, want, "a filter looks like")
	}
	d := mustOpen(t, writeNumbered(t, Schema{D: 1, Columns: Pos | TokenID}, 10))
	for text, want := range map[string]string{
		"label==1":            "needs the column label, which the dump does not have; filter on pos, token_id",
		"pos>0 || doc==3":     "needs the column doc",
		"pos>100 && pos<1000": "none of 10 rows passes the filter",
	} {
		w, err := ParseWhere(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Where(w, AllRows(d.Rows()))
		checkMessage(t, err, want, d.Name())
	}
	bare := mustOpen(t, writeNumbered(t, Schema{D: 1}, 10))
	w, err := ParseWhere("pos>0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = bare.Where(w, AllRows(10))
	checkMessage(t, err, "it has none of pos, doc, token_id and label")
}
