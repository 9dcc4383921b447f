package report

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// latentsInBrowser is how many latents the report has that the browser opens.
const latentsInBrowser = 12000

// browser is a tab of headless Chromium that a report is opened in.
type browser struct {
	*testing.T
	ctx  context.Context
	file string

	mu       sync.Mutex
	requests []string
	problems []string // what the console says
}

// chromium is the path of the browser. Without one the test is skipped, unless
// SAECTL_NEED_CHROMIUM is set, as it is where changes are checked.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("SAECTL_NEED_CHROMIUM") != "" {
		t.Fatal("Chromium is not installed, and SAECTL_NEED_CHROMIUM says that it must be")
	}
	t.Skip("Chromium is not installed: the report is not opened in a browser")
	return ""
}

// openTab writes p to a file and opens an empty tab.
func openTab(t *testing.T, p *Page) *browser {
	path := chromium(t)
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(f, p); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with one
	}
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{T: t, ctx: ctx, file: file}
	b.watch()
	b.do(chromedp.EmulateViewport(1400, 900))
	return b
}

// watch records requests and what the console says.
func (b *browser) watch() {
	console := chromedp.Console(b.ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.problems = append(b.problems, fmt.Sprintf("%s: %s", m.Type, m.Text))
			b.mu.Unlock()
		}
	}()
	err := chromedp.Listen(b.ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			b.requests = append(b.requests, e.Request.URL)
			b.mu.Unlock()
		}
	})
	if err == nil {
		_, err = chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// ask evaluates an expression in the page.
func ask[T any](b *browser, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await waits until an expression is true.
func (b *browser) await(expression string) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if ask[bool](b, expression) {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("never true: %s\nat %s\n%s", expression, ask[string](b, "location.hash"), ask[string](b, "document.querySelector('main').innerText.slice(0, 400)"))
		}
	}
}

// open loads the report at an address within it, as from a link.
func (b *browser) open(hash string) {
	b.Helper()
	u := url.URL{Scheme: "file", Path: b.file}
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(u.String()+hash))
	b.await(fmt.Sprintf("document.documentElement.dataset.shown === %q", hash))
}

// goTo follows a link within the open report.
func (b *browser) goTo(hash string) {
	b.Helper()
	ask[any](b, fmt.Sprintf("location.hash = %q", hash))
	b.await(fmt.Sprintf("document.documentElement.dataset.shown === %q", hash))
}

// rowLatents are the latents on the page of the list.
func (b *browser) rowLatents() []string {
	b.Helper()
	return ask[[]string](b, "[...document.querySelectorAll('table.latents tbody th a')].map((a) => a.textContent)")
}

func (b *browser) text(selector string) string {
	b.Helper()
	return ask[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// shoot keeps a picture in the folder named by SAECTL_SCREENSHOTS, for people
// to look at.
func (b *browser) shoot(name string) {
	b.Helper()
	dir := os.Getenv("SAECTL_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.Error(err)
	}
}

// quiet fails when the console said anything or a request left the file.
func (b *browser) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.Errorf("the console says %s", p)
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "file://"+b.file) && r != "about:blank" {
			b.Errorf("the page asks for %s", r)
		}
	}
	if len(b.requests) == 0 {
		b.Error("no request was seen, not even that for the file")
	}
}

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
