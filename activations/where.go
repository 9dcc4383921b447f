package activations

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Where is a filter on rows: comparisons of the columns pos, doc, token_id
// and label with whole numbers, joined by && and ||, && binding tighter, with
// parentheses. The zero value lets every row through.
type Where struct {
	text string
	root cond
}

// String is the filter as it was given.
func (w Where) String() string { return w.text }

// All reports whether the filter lets every row through.
func (w Where) All() bool { return w.root == nil }

// A cond decides on row i of a batch that has the columns it needs.
type cond func(b *Batch, i int) bool

// whereCols are the columns that a filter may name.
var whereCols = []int{colPos, colDoc, colTokenID, colLabel}

// ParseWhere reads a filter such as "pos>0" or "label==3 && doc<100". The
// empty text is the filter that lets every row through.
func ParseWhere(s string) (Where, error) {
	w := Where{text: s}
	if strings.TrimSpace(s) == "" {
		return Where{}, nil
	}
	p := parser{text: s}
	p.next()
	root, err := p.or(0)
	if err == nil && p.tok != "" {
		err = p.errorf("want && or ||")
	}
	w.root = root
	return w, err
}

// Where gives the rows of in that pass the filter. A filter on a column that
// the dump does not have is an error, and so is one that no row passes.
func (d *Dump) Where(w Where, in Rows) (Rows, error) {
	if w.All() {
		return in, nil
	}
	cols, err := d.whereColumns(w)
	if err != nil {
		return Rows{}, err
	}
	const chunk = 1 << 16
	var out Rows
	var b Batch
	rows := make([]int64, min(chunk, in.Len()))
	for i := int64(0); i < in.Len(); i += int64(b.N) {
		if err := d.ReadColumns(&b, rows[:in.Fill(rows, i)], cols); err != nil {
			return Rows{}, err
		}
		for j, row := range b.Row {
			if w.root(&b, j) {
				out.add(Run{row, row + 1})
			}
		}
	}
	if out.Len() == 0 {
		return Rows{}, fmt.Errorf("%s: none of %d rows passes the filter %q; loosen it", d.name, in.Len(), w.text)
	}
	return out, nil
}

// whereColumns are the columns of the filter, which the dump must have.
func (d *Dump) whereColumns(w Where) (Columns, error) {
	var cols Columns
	p := parser{text: w.text}
	for p.next(); p.tok != ""; p.next() {
		for _, id := range whereCols {
			if p.tok != colNames[id] {
				continue
			}
			if d.cols[id].kind == absent {
				return 0, fmt.Errorf("%s: the filter %q needs the column %s, which the dump does not have; filter on %s",
					d.name, w.text, p.tok, d.filterable())
			}
			cols |= colSet[id]
		}
	}
	return cols, nil
}

func (d *Dump) filterable() string {
	var have []string
	for _, id := range whereCols {
		if d.cols[id].kind != absent {
			have = append(have, colNames[id])
		}
	}
	if have == nil {
		return "none of its columns: it has none of pos, doc, token_id and label"
	}
	return strings.Join(have, ", ")
}

// A parser goes through a filter token by token.
type parser struct {
	text string
	at   int // where tok starts
	end  int // where it ends
	tok  string
}

// next reads the token after this one; "" at the end.
func (p *parser) next() {
	p.at = p.end
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	p.end = p.at
	for p.end < len(p.text) && wordByte(p.text[p.end]) {
		p.end++
	}
	rest := p.text[p.at:]
	switch {
	case p.end > p.at || rest == "":
	case len(rest) > 1 && slices.Contains([]string{"&&", "||", "==", "!=", "<=", ">="}, rest[:2]):
		p.end += 2
	default:
		p.end++
	}
	p.tok = p.text[p.at:p.end]
}

func wordByte(c byte) bool {
	return c == '_' || c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) errorf(format string, args ...any) error {
	found := "the end"
	if p.tok != "" {
		found = strconv.Quote(clip(p.tok))
	}
	return fmt.Errorf("filter %q, at %s (character %d): %s; a filter looks like 'pos>0' or 'label==3 && doc<100'",
		clip(p.text), found, p.at+1, fmt.Sprintf(format, args...))
}

// maxNesting keeps a filter of parentheses from using up the stack.
const maxNesting = 100

func (p *parser) or(depth int) (cond, error) {
	return p.join(depth, "||", p.and, func(x, y cond) cond {
		return func(b *Batch, i int) bool { return x(b, i) || y(b, i) }
	})
}

func (p *parser) and(depth int) (cond, error) {
	return p.join(depth, "&&", p.term, func(x, y cond) cond {
		return func(b *Batch, i int) bool { return x(b, i) && y(b, i) }
	})
}

func (p *parser) join(depth int, op string, part func(int) (cond, error), both func(x, y cond) cond) (cond, error) {
	x, err := part(depth)
	for err == nil && p.tok == op {
		p.next()
		var y cond
		if y, err = part(depth); err == nil {
			x = both(x, y)
		}
	}
	return x, err
}

// term is a comparison or something in parentheses.
func (p *parser) term(depth int) (cond, error) {
	if p.tok != "(" {
		return p.comparison()
	}
	if depth == maxNesting {
		return nil, p.errorf("more than %d parentheses in one another", maxNesting)
	}
	p.next()
	x, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.tok != ")" {
		return nil, p.errorf("want ), && or ||")
	}
	p.next()
	return x, nil
}

func (p *parser) comparison() (cond, error) {
	id := slices.IndexFunc(whereCols, func(id int) bool { return colNames[id] == p.tok })
	if id < 0 {
		return nil, p.errorf("want pos, doc, token_id, label or (")
	}
	id = whereCols[id]
	p.next()
	test := compare(p.tok)
	if test == nil {
		return nil, p.errorf("want ==, !=, <, <=, > or >=")
	}
	p.next()
	v, err := strconv.ParseInt(p.tok, 10, 64)
	if err != nil {
		return nil, p.errorf("want a whole number")
	}
	p.next()
	return func(b *Batch, i int) bool { return test(b.value(id, i), v) }, nil
}

func compare(op string) func(x, y int64) bool {
	switch op {
	case "==":
		return func(x, y int64) bool { return x == y }
	case "!=":
		return func(x, y int64) bool { return x != y }
	case "<":
		return func(x, y int64) bool { return x < y }
	case "<=":
		return func(x, y int64) bool { return x <= y }
	case ">":
		return func(x, y int64) bool { return x > y }
	case ">=":
		return func(x, y int64) bool { return x >= y }
	}
	return nil
}

// value is what column id, one of whereCols, holds in row i.
func (b *Batch) value(id, i int) int64 {
	switch id {
	case colDoc:
		return b.Doc[i]
	case colPos:
		return int64(b.Pos[i])
	case colTokenID:
		return int64(b.TokenID[i])
	}
	return int64(b.Label[i])
}
