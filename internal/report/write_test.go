package report

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// written writes p, which must succeed.
func written(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unpacked reads a block of a page into v.
func unpacked(t *testing.T, page, id string, v any) {
	t.Helper()
	m := regexp.MustCompile(`<script type="application/x-gzip" id="` + id + `">([A-Za-z0-9+/=]*)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("there is no block %s", id)
	}
	packed, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// TestNothingBreaksOut wants every element of the page to be one that we
// wrote, whatever tokens, names and texts hold.
func TestNothingBreaksOut(t *testing.T) {
	const n = 130
	p := samplePage(n)
	bad := strings.Join(hostile(), " ")
	p.Title, p.Search, p.Warnings = bad, bad, []string{bad}
	r := &p.Runs[0]
	r.Name, r.Variant, r.Facts, r.Warnings = bad, bad, []Fact{{bad, bad}}, []string{bad}
	r.Metrics[0].Name, r.Metrics[0].Definition = bad, bad
	r.Series[bad] = r.Series["odd"]
	r.Table.Columns[0].Key, r.Table.Columns[0].Title, r.Table.Columns[0].Help = bad, bad, bad
	r.ZF.Text = make([]string, len(r.ZF.Z))
	r.ZF.Text[0] = bad
	clean := written(t, samplePage(n))
	dirty := written(t, p)
	tags := regexp.MustCompile(`<[/!]?[a-zA-Z-]+`)
	if got, want := tags.FindAllString(outside(dirty), -1), tags.FindAllString(outside(clean), -1); !reflect.DeepEqual(got, want) {
		t.Errorf("hostile text makes elements %q, harmless text %q", got, want)
	}
	if got, want := strings.Count(dirty, "<script"), strings.Count(clean, "<script"); got != want || strings.Count(dirty, "</script") != want {
		t.Errorf("%d scripts begin and %d end, want %d", got, strings.Count(dirty, "</script"), want)
	}
	// Only the title, where nothing but its end tag has a meaning, holds text as
	// it is.
	if m := regexp.MustCompile(`(?s)<title>(.*?)</title>`).FindStringSubmatch(dirty); m == nil || strings.Contains(m[1], "<") {
		t.Errorf("the title is %q", m)
	} else {
		dirty = strings.Replace(dirty, m[1], "", 1)
	}
	for _, s := range []string{"<img", "<!--", "\x1b", "\x00", "\u2028"} {
		if strings.Contains(dirty, s) && !strings.Contains(clean, s) {
			t.Errorf("%q stands in the page as it is", s)
		}
	}
}

// outside is a page without the content of its scripts and its style, which
// end at the first end tag as a browser sees it.
func outside(page string) string {
	return regexp.MustCompile(`(?s)(<script[^>]*>).*?</script|(<style>).*?</style`).ReplaceAllString(page, "$1$2")
}

// TestNoAddress wants no src or href that leaves the file.
func TestNoAddress(t *testing.T) {
	page := written(t, samplePage(70))
	for _, m := range regexp.MustCompile(`(?i)(?:src|href|action|srcset)\s*=\s*["']?([^"'\s>]*)`).FindAllStringSubmatch(outside(page), -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page leads to %q", m[1])
		}
	}
	if m := regexp.MustCompile(`(?i)https?:`).FindString(page); m != "" {
		t.Errorf("the page holds the address %q", m)
	}
}

// TestPolicy wants the policy to allow exactly the script and the style that
// stand in the page.
func TestPolicy(t *testing.T) {
	page := written(t, samplePage(3))
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(page)
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	meta := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if script == nil || style == nil || meta == nil {
		t.Fatal("the page lacks its script, style or policy")
	}
	if got, want := html.UnescapeString(meta[1]), policy(script[1], style[1]); got != want {
		t.Errorf("the policy is\n%s\nwant\n%s", got, want)
	}
}

// TestRoundTrip reads back what was written.
func TestRoundTrip(t *testing.T) {
	const n = 130
	p := samplePage(n)
	page := written(t, p)
	var raw struct{ Runs []struct{ Rows int } }
	m := regexp.MustCompile(`(?s)<script type="application/json" id="head">(.*?)</script>`).FindStringSubmatch(page)
	if err := json.Unmarshal([]byte(m[1]), &raw); err != nil || raw.Runs[0].Rows != n {
		t.Errorf("the head is %.200s: %v", m[1], err)
	}
	var table struct {
		Rows    int
		Columns [][]float64
		Text    textColumn
	}
	unpacked(t, page, "table-0", &table)
	for i, c := range p.Runs[0].Table.Columns {
		for row, want := range c.Values {
			if got := table.Columns[i][row]; math.Abs(got-want) > 1e-4*math.Abs(want) {
				t.Fatalf("%s of %d is %v, want %v", c.Key, row, got, want)
			}
		}
	}
	if got := table.Text.Tokens[11][0]; got != " Needle" {
		t.Errorf("the top token of latent 11 is %q", got)
	}
	if got := table.Text.Tokens[7]; len(got) != 0 {
		t.Errorf("a latent that never fires has top tokens %q", got)
	}
	var block featuresBlock
	unpacked(t, page, "features-2", &block)
	last := block.Features
	if len(last) != n-2*featuresPerBlock {
		t.Fatalf("the last block has %d features", len(last))
	}
	numbered := []rune(last[len(last)-1].Top[0].Text)
	for i, token := range hostile() {
		want := strings.ToValidUTF8(token, "\ufffd")
		if token == "\xff\xfe" {
			want = "\ufffd\ufffd"
		}
		if got := block.Tokens[numbered[i]-firstCharacter]; got != want {
			t.Errorf("token %q comes back as %q", token, got)
		}
	}
	if e := last[len(last)-1].Top[0]; !reflect.DeepEqual(e.Fires, []int{0, e.At}) || e.Values[0] != -1 {
		t.Errorf("the latent fires on %v with %v", e.Fires, e.Values)
	}
}

func TestEqualPagesGiveEqualFiles(t *testing.T) {
	if a, b := written(t, samplePage(80)), written(t, samplePage(80)); a != b {
		t.Error("two files of one page differ")
	}
}

func TestPagesThatCannotBe(t *testing.T) {
	short := samplePage(5)
	short.Runs[0].Table.Columns[1].Values = short.Runs[0].Table.Columns[1].Values[:4]
	few := samplePage(5)
	few.Features = few.Features[:3]
	for says, p := range map[string]*Page{"no run": {}, "4 values for 5": short, "3 features": few} {
		if err := Write(io.Discard, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want one with %q", err, says)
		}
	}
}

// TestManyTokens packs more tokens than there are characters below the
// surrogates.
func TestManyTokens(t *testing.T) {
	var f Feature
	var e Example
	for i := range 60000 {
		e.Tokens = append(e.Tokens, fmt.Sprint(i))
	}
	f.Top = []Example{e}
	b := newFeaturesBlock([]Feature{f})
	text := []rune(b.Features[0].Top[0].Text)
	if len(text) != 60000 || !utf8.ValidString(b.Features[0].Top[0].Text) {
		t.Fatalf("%d characters for 60000 tokens", len(text))
	}
	for i, c := range text {
		if c >= firstSurrogate {
			c -= surrogates
		}
		if got := b.Tokens[c-firstCharacter]; got != e.Tokens[i] {
			t.Fatalf("token %d comes back as %s", i, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	got, err := json.Marshal(numbers{0, 1, -3, 1234567, 0.123456789, 1e-12, 1e300, math.NaN(), math.Inf(-1)})
	if want := "[0,1,-3,1234567,0.12346,1e-12,1e+300,null,null]"; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, _ := json.Marshal(brief{0.123456, 2, -98765.4, 5e-324}); string(got) != "[0.123,2,-9.88e+04,4.94e-324]" {
		t.Errorf("got %s", got)
	}
}
