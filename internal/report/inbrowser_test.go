package report

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// latentsInBrowser is how many latents the report has that the browser opens.
const latentsInBrowser = 12000

func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the report is not opened in a browser")
	}
	p := samplePage(latentsInBrowser)
	b := openTab(t, p)
	for _, part := range []struct {
		name string
		do   func(*browser, *Page)
	}{
		{"overview", testOverview}, {"list", testList}, {"search", testSearch}, {"filter", testFilter}, {"feature", testFeature},
		{"hostile", testHostile}, {"keyboard", testKeyboard}, {"themes", testThemes}, {"accessible", testAccessible},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			b.T = t
			part.do(b, p)
			b.quiet()
		}) {
			return
		}
	}
	b.T = t
	if broken := ask[any](b, "window.broken"); broken != nil {
		t.Errorf("text of a token was run: %v", broken)
	}
}

// TestBrowserTicks: the numbers of an axis are all plain or all powers of ten,
// with one sign for minus.
func TestBrowserTicks(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the report is not opened in a browser")
	}
	p := &Page{Title: "Ticks", Runs: []Run{{Name: "run", F: 3}}}
	want := map[string]string{"plain": "0.001 0.01 0.1", "powers": "10⁻⁵ 10⁻⁴ 10⁻³ 10⁻²", "fine": "0.0002 0.0005 0.001", "signed": "−1 −0.5 0 0.5 1"}
	for key, values := range map[string][]float64{"plain": {0.001, 0.02, 0.1}, "powers": {1e-5, 1e-4, 0.01}, "fine": {2e-4, 5e-4, 0.001}, "signed": {-1, 0, 1}} {
		c := Column{Key: key, Title: key, Kind: Size, Plot: true, Values: values}
		if key == "signed" {
			c.Kind = Number
		}
		p.Runs[0].Table.Columns = append(p.Runs[0].Table.Columns, c)
	}
	b := openTab(t, p)
	b.open("#/")
	got := ask[map[string]string](b, `Object.fromEntries([...document.querySelectorAll('figure.chart')].map((f) => [f.querySelector('.axis .label[text-anchor=middle]').textContent,
		[...f.querySelectorAll('.axis text[text-anchor=middle]:not(.label)')].map((e) => e.textContent).join(' ')]))`)
	if !maps.Equal(got, want) {
		t.Errorf("ticks are %q, want %q", got, want)
	}
	b.quiet()
}

// TestBrowserComparesRuns opens figures of two runs whose names, metrics and
// series are hostile, without contexts.
func TestBrowserComparesRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the report is not opened in a browser")
	}
	bad := strings.Join(hostile(), "")
	p := samplePage(300)
	p.Features = nil
	second := samplePage(70).Runs[0]
	for _, r := range []*Run{&p.Runs[0], &second} {
		r.Name, r.Variant, r.Warnings = bad, bad, []string{bad, bad, bad}
		r.Metrics[1].Unit, r.Metrics[0].Definition, r.Metrics[0].Family = bad, bad, bad
		r.Series[bad] = r.Series["odd"]
		r.ZF.Text = make([]string, len(r.ZF.Z))
		for i := range r.ZF.Text {
			r.ZF.Text[i] = bad
		}
	}
	second.Name, second.ZF.Error, second.Metrics[0].Value = "second", second.ZF.F, 0.5
	p.Runs = append(p.Runs, second)
	b := openTab(t, p)
	b.open("#/")
	if got, want := ask[int](b, "document.querySelectorAll('figure.chart svg').length"), len(charts(p)); got != want {
		b.Errorf("%d plots are drawn, want %d", got, want)
	}
	ask[any](b, "document.querySelectorAll('details').forEach((d) => { d.open = true; })")
	b.await("document.querySelectorAll('figure.chart details table').length === document.querySelectorAll('figure.chart').length")
	ask[any](b, "document.querySelectorAll('figure.chart svg').forEach((s) => { const r = s.getBoundingClientRect(); for (let x = 0; x < r.width; x += 9) s.dispatchEvent(new PointerEvent('pointermove', { clientX: r.left + x, clientY: r.top + r.height / 2 })); })")
	b.do(chromedp.Click(chromedp.CSS("table.runs tbody tr:nth-child(2) a")))
	b.await("document.querySelector('#count')?.textContent === '70 latents'")
	b.do(chromedp.Click(chromedp.CSS("table.latents tbody tr:nth-child(5) a")))
	b.await("document.querySelector('h1').textContent === 'Latent 4'")
	if got := b.text("main"); !strings.Contains(got, "of second") || !strings.Contains(got, "inspect-features --html") {
		b.Errorf("a latent without contexts says %q", got)
	}
	b.goTo("#/metrics")
	if got := ask[[]string](b, "[...document.querySelectorAll('table.metrics tbody tr:nth-child(2) td')].map((d) => d.textContent)"); len(got) != 3 || got[0] == "–" || got[1] != "0.5" {
		b.Errorf("the figures of two runs are %q", got)
	}
	b.quiet()
	if broken := ask[any](b, "window.broken"); broken != nil {
		t.Errorf("text of a name was run: %v", broken)
	}
}

func testOverview(b *browser, p *Page) {
	b.open("#/")
	if got := b.text("h1"); got != p.Title {
		b.Errorf("the heading is %q", got)
	}
	if got, want := ask[int](b, "document.querySelectorAll('figure.chart svg').length"), len(charts(p)); got != want {
		b.Errorf("%d plots are drawn, want %d", got, want)
	}
	if bad := ask[int](b, `[...document.querySelectorAll('svg *')].filter((e) => [...e.attributes].some((a) => /NaN|Infinity|undefined/.test(a.value))).length`); bad != 0 {
		b.Errorf("%d marks have no place", bad)
	}
	if got := ask[int](b, "document.querySelectorAll('ul.first li mark').length"); got != shownFirst-1 || !strings.Contains(b.text("main"), p.Order) {
		b.Errorf("%d latents are shown, want %d: all but the one that never fires", got, shownFirst-1)
	}
	b.firstView()
	ask[any](b, "document.querySelector('figure.chart details').open = true")
	b.await("document.querySelectorAll('figure.chart details td').length > 40")
	b.goTo("#/metrics")
	if got := ask[int](b, "document.querySelectorAll('table.metrics code').length"); got != len(p.Runs[0].Metrics) {
		b.Errorf("%d metrics are listed", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#metric-query"), "l0"))
	b.await("document.querySelectorAll('table.metrics code').length === 1")
}

// firstView takes the best of three: the machine may be busy.
func (b *browser) firstView() {
	b.Helper()
	best := math.Inf(1)
	for range 3 {
		b.open("#/")
		b.await("performance.getEntriesByName('first-contentful-paint').length === 1")
		best = min(best, ask[float64](b, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
	}
	b.Logf("%d latents: first view after %.0f ms", latentsInBrowser, best)
	if best > 2000 {
		b.Errorf("first view after %.0f ms, want 2000 or less", best)
	}
}

func testList(b *browser, p *Page) {
	b.open("#/latents")
	if got := b.text("#count"); got != "12,000 latents" {
		b.Errorf("the list counts %q", got)
	}
	if got := b.rowLatents(); len(got) != 50 || got[0] != "0" || got[49] != "49" {
		b.Errorf("the first page lists %v", got)
	}
	b.do(chromedp.Click(chromedp.CSS("button.next")))
	if got := b.rowLatents(); got[0] != "50" || ask[string](b, "location.hash") != "#/latents?page=2" {
		b.Errorf("the second page begins with %v at %s", got[0], ask[string](b, "location.hash"))
	}
	by := p.Runs[0].Table.Columns[0].Values
	for _, want := range []string{"descending", "ascending"} {
		b.do(chromedp.Click(chromedp.CSS("button[data-sort=frequency]")))
		b.await(fmt.Sprintf("document.querySelector('th[aria-sort]')?.getAttribute('aria-sort') === %q", want))
		latents := b.rowLatents()
		edge := slices.Max(by)
		if want == "ascending" {
			edge = slices.Min(by)
		}
		if len(latents) != 50 || by[number0(latents[0])] != edge {
			b.Errorf("%s: first comes latent %s with %v, want %v", want, latents[0], by[number0(latents[0])], edge)
		}
		for i := 1; i < 50; i++ {
			if a, c := by[number0(latents[i-1])], by[number0(latents[i])]; a != c && (a > c) != (want == "descending") {
				b.Errorf("%s: %v comes before %v", want, a, c)
			}
		}
	}
	b.open("#/latents?sort=-frequency&page=240")
	if got := b.rowLatents(); len(got) != 50 || got[49] != "7" {
		b.Errorf("the last page ends with %v, want the latent that never fires", got[len(got)-1:])
	}
}

func number0(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

func testSearch(b *browser, p *Page) {
	b.open("#/latents")
	b.do(chromedp.SendKeys(chromedp.CSS("#query"), "needle"))
	b.await("document.querySelector('#count').textContent === '1 of 12,000 latents'")
	if got := b.rowLatents(); got[0] != "11" || ask[string](b, "location.hash") != "#/latents?q=needle" {
		b.Errorf("a search finds %v at %s", got, ask[string](b, "location.hash"))
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#query"), kb.Enter))
	b.open("#/latents?q=haystack")
	if got := b.text("#count"); got != "0 of 12,000 latents" {
		b.Errorf("text that is in no top token is found: %s", got)
	}
	start := time.Now()
	ask[any](b, "(() => { const s = document.querySelector('#in'); s.value = 'contexts'; s.dispatchEvent(new Event('change')); })()")
	b.await("document.querySelector('#count').textContent === '1 of 12,000 latents' && !document.querySelector('[aria-busy]')")
	b.Logf("all contexts of %d latents are searched in %.1f s", latentsInBrowser, time.Since(start).Seconds())
	if got := b.rowLatents(); got[0] != "13" {
		b.Errorf("a search of all contexts finds %v", got)
	}
	b.open("#/latents?q=%22needle%22")
	if got := b.rowLatents(); len(got) != 1 {
		b.Errorf("a search for a whole token finds %v", got)
	}
	b.open("#/latents?q=%22needl%22")
	if got := b.rowLatents(); len(got) != 0 {
		b.Errorf("a search for a whole token finds %v, of which it is a part", got)
	}
	b.open("#/latents?q=1199")
	if got := b.rowLatents(); !slices.Contains(got, "1199") || !slices.Contains(got, "11990") {
		b.Errorf("a search by number finds %v", got)
	}
	b.open("#/")
	b.do(chromedp.SendKeys(chromedp.CSS("#query"), "431"+kb.Enter))
	b.await("document.querySelector('h1').textContent === 'Latent 431'")
}

// testFilter follows the bars of a histogram to the latents they count.
func testFilter(b *browser, p *Page) {
	b.open("#/")
	c := charts(p)[0]
	total := 0
	for i, y := range c.Lines[0].Y {
		if y == 0 {
			continue
		}
		b.goTo(fmt.Sprintf("#/latents?%s=%v..%v", c.ID, ask[float64](b, fmt.Sprintf("JSON.parse(document.querySelector('#head').textContent).charts[0].lines[0].x[%d]", i)),
			ask[float64](b, fmt.Sprintf("JSON.parse(document.querySelector('#head').textContent).charts[0].lines[0].x[%d]", i+1))))
		got := number0(strings.ReplaceAll(b.text("#count"), ",", ""))
		total += got
		if float64(got) != y {
			b.Errorf("bar %d of %s counts %v latents, its list %d", i, c.ID, y, got)
		}
	}
	if want := latentsInBrowser - c.Lines[0].Zero; total != want {
		b.Errorf("the bars lead to %d latents, want %d", total, want)
	}
	b.do(chromedp.Click(chromedp.CSS(".chip button")))
	b.await("document.querySelector('#count').textContent === '12,000 latents'")
	b.open("#/latents?show=dead")
	if got := b.rowLatents(); len(got) != 1 || got[0] != "7" {
		b.Errorf("latents that never fire: %v", got)
	}
	b.open("#/")
	b.do(chromedp.Focus(chromedp.CSS("figure.chart svg")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
	b.await("location.hash.startsWith('#/latents?frequency=')")
}

func testFeature(b *browser, p *Page) {
	b.open("#/feature/4321")
	f := &p.Features[4321]
	if got := b.text("h1"); got != "Latent 4321" {
		b.Errorf("the heading is %q", got)
	}
	if got := ask[int](b, "document.querySelectorAll('.contexts li').length"); got != len(f.Top)+len(f.Bins) {
		b.Errorf("%d examples are shown, want %d", got, len(f.Top)+len(f.Bins))
	}
	e := &f.Top[0]
	if got := b.text(".contexts li .context"); got != strings.Join(e.Tokens, "") {
		b.Errorf("the first context is %q", got)
	}
	shaded := 0
	for _, v := range e.Values {
		if v != 0 {
			shaded++
		}
	}
	if got := ask[int](b, "document.querySelector('.contexts li').querySelectorAll('.context .token').length"); got != shaded {
		b.Errorf("%d tokens are shaded, want %d", got, shaded)
	}
	if got := b.text(".contexts li mark"); got != e.Tokens[e.At] {
		b.Errorf("the marked token is %q, want %q", got, e.Tokens[e.At])
	}
	if near := ask[[]string](b, "[...document.querySelectorAll('.relatives a')].map((a) => a.textContent)"); len(near) != 10 || near[0] != fmt.Sprint(f.Nearest[0].Latent) {
		b.Errorf("other latents are %v, want %v first", near, f.Nearest[0].Latent)
	}
	b.shoot("feature")
	b.do(chromedp.Click(chromedp.CSS(".relatives a")))
	b.await(fmt.Sprintf("document.querySelector('h1').textContent === 'Latent %d'", f.Nearest[0].Latent))
	b.open("#/feature/7")
	if got := b.text("main"); !strings.Contains(got, "never fires") {
		b.Errorf("a latent that never fires says %q", got)
	}
	for _, hash := range []string{"#/feature/12000", "#/feature/-1", "#/feature/x%3Cb%3E", "#/feature/", "#/nowhere"} {
		b.open(hash)
		if got := b.text("h1"); !strings.Contains(got, "12000") && !strings.Contains(got, "No such") {
			b.Errorf("%s is headed %q", hash, got)
		}
	}
}

// testHostile wants text of every kind to be shown as it is, and that which
// cannot be seen as a code.
func testHostile(b *browser, p *Page) {
	b.open(fmt.Sprintf("#/feature/%d", latentsInBrowser-1))
	got := b.text(".contexts li .context")
	for _, want := range []string{"</script><script>window.broken=1</script>", "<!--", `onerror=window.broken=2>`, "{{.Title}}", "0000", "001B", "↵", "→", "202E", "200B", "2028", "👩‍👩‍👧", "مرحبا"} {
		if !strings.Contains(got, want) {
			b.Errorf("%q is not in %q", want, got)
		}
	}
	if n := ask[int](b, "document.querySelectorAll('main img, main script, main a[href^=http]').length"); n != 0 {
		b.Errorf("text of tokens has made %d elements", n)
	}
	if n := ask[int](b, "document.querySelectorAll('.contexts [data-sign=minus]').length"); n == 0 {
		b.Error("a negative activation is not told apart")
	}
	b.open("#/latents?in=contexts&q=" + url.QueryEscape("</script><script>"))
	if got := b.rowLatents(); len(got) != 1 {
		b.Errorf("a search for the end of a script finds %v", got)
	}
}

func testKeyboard(b *browser, p *Page) {
	b.open("#/latents?sort=-frequency")
	list := b.rowLatents()
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	b.await("document.querySelector('.pager input').value === '2'")
	b.do(chromedp.KeyEvent(kb.ArrowLeft))
	b.await("document.querySelector('.pager input').value === '1'")
	b.do(chromedp.Click(chromedp.CSS("table.latents tbody tr:nth-child(3) a")))
	b.await(fmt.Sprintf("document.querySelector('h1').textContent === 'Latent %s'", list[2]))
	b.await("document.activeElement.tagName === 'H1'")
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	b.await(fmt.Sprintf("document.querySelector('h1').textContent === 'Latent %s'", list[3]))
	b.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent("/"))
	b.await("document.activeElement.id === 'query'")
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("g"), chromedp.KeyEvent("m"))
	b.await("document.querySelector('h1').textContent === 'Metrics'")
	b.do(chromedp.KeyEvent("?"))
	b.await("document.querySelector('dialog').open")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await("!document.querySelector('dialog').open")
	b.do(chromedp.NavigateBack())
	b.await("document.querySelector('h1').textContent.startsWith('Latent ')")
}

func testThemes(b *browser, p *Page) {
	const light = "(() => { const c = getComputedStyle(document.documentElement).backgroundColor.match(/[\\d.]+/g).map(Number); return c[0] + c[1] + c[2] > 380; })()"
	for _, scheme := range []string{"dark", "light"} {
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if err != nil {
			b.Fatal(err)
		}
		for name, hash := range map[string]string{"overview": "#/", "list": "#/latents?sort=-max", "latent": "#/feature/4321"} {
			b.open(hash)
			if ask[bool](b, light) != (scheme == "light") {
				b.Errorf("%s is not %s", hash, scheme)
			}
			b.shoot(name + "-" + scheme)
		}
	}
	b.do(chromedp.Click(chromedp.CSS("#theme")))
	b.await("!" + light)
	b.open("#/")
	b.await("!" + light) // the choice is kept
	b.do(chromedp.KeyEvent("t"))
	b.await(light)
}

// testAccessible asks the browser what a screen reader is told.
func testAccessible(b *browser, p *Page) {
	named := []string{"button", "link", "textbox", "searchbox", "combobox", "spinbutton", "dialog", "table", "region", "navigation"}
	for _, hash := range []string{"#/", "#/latents", "#/feature/4321", "#/metrics"} {
		b.open(hash)
		tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			b.Fatal(err)
		}
		seen := map[string]int{}
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil {
				continue
			}
			role := strings.Trim(string(n.Role.Value), `"`)
			seen[role]++
			if slices.Contains(named, role) && role != "table" && (n.Name == nil || len(n.Name.Value) <= 2) {
				b.Errorf("%s: a %s has no name", hash, role)
			}
		}
		if seen["main"] != 1 || seen["heading"] == 0 || seen["link"] < 3 || seen["searchbox"] == 0 {
			b.Errorf("%s: a screen reader finds %v", hash, seen)
		}
		if n := ask[int](b, "document.querySelectorAll('h1').length"); n != 1 {
			b.Errorf("%s has %d main headings", hash, n)
		}
	}
}
