package report

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/section"
)

// analysis is a page of one section, whose texts are hostile.
func analysis() *Page {
	bad := strings.Join(hostile(), "")
	t := section.Table{Title: "Heads " + bad, Help: bad, Columns: []section.Column{
		{Name: bad, Kind: section.Text}, {Name: "share", Kind: section.Share, Help: bad}, {Name: "n", Kind: section.Number}, {Name: "latents", Kind: section.Latents},
	}}
	t.Add(bad, 0.25, 3, "1 2")
	t.Add("b", nil, 1, "")
	t.Add("c", 0.5, 2, "7")
	return &Page{Title: "Analysis", Sections: []Section{
		{Title: "Heads", Facts: []section.Fact{{Name: "dump", Value: bad}}, Notes: []string{bad}, Tables: []section.Table{t, {Title: "Empty"}}},
	}}
}

func TestPageWithoutRunOrSection(t *testing.T) {
	if err := Write(&bytes.Buffer{}, &Page{Title: "x"}); err == nil {
		t.Error("a page of nothing is written")
	}
}

// TestBrowserShowsSections opens an analysis alone, sorts its table, and looks
// at pictures of rows.
func TestBrowserShowsSections(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the report is not opened in a browser")
	}
	b := openTab(t, analysis())
	b.open("#/")
	if got := b.text("h1"); got != "Heads" {
		b.Errorf("the heading is %q", got)
	}
	column := "[...document.querySelectorAll('table.analysis tbody tr')].map((r) => r.children[1].textContent)"
	if got := ask[[]string](b, column); strings.Join(got, "|") != "25 %|–|50 %" {
		b.Errorf("shares are %q", got)
	}
	ask[any](b, "document.querySelector('table.analysis thead th:nth-child(2) button').click()")
	if got := ask[[]string](b, column); strings.Join(got, "|") != "50 %|25 %|–" {
		b.Errorf("sorted shares are %q", got)
	}
	if got := ask[string](b, "document.querySelector('table.analysis thead th:nth-child(2)').getAttribute('aria-sort')"); got != "descending" {
		b.Errorf("the column says that it is sorted %q", got)
	}
	if got := b.text("main"); !strings.Contains(got, "None.") || !strings.Contains(got, "How it is made") {
		b.Errorf("the page reads %q", got)
	}
	b.quiet()
	if broken := ask[any](b, "window.broken"); broken != nil {
		t.Errorf("text of a section was run: %v", broken)
	}
}

func TestBrowserShowsPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the report is not opened in a browser")
	}
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	p := samplePage(20)
	p.Sections = analysis().Sections
	for i := range p.Features[3].Top {
		p.Features[3].Top[i].Picture = small.Bytes()
	}
	b := openTab(t, p)
	b.open("#/feature/3")
	b.await("document.querySelectorAll('img.picture').length === 10 && [...document.querySelectorAll('img.picture')].every((i) => i.complete && i.naturalWidth === 8)")
	b.goTo("#/section/0")
	b.await("document.querySelector('h1').textContent === 'Heads'")
	ask[any](b, "document.querySelector('table.analysis tbody tr:nth-child(3) a').click()")
	b.await("document.querySelector('h1').textContent === 'Latent 7'")
	b.quiet()
}
