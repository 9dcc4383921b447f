package report

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

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
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Minute)
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
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
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
		if !strings.HasPrefix(r, "file://"+b.file) && r != "about:blank" && !strings.HasPrefix(r, "data:image/png;") {
			b.Errorf("the page asks for %s", r)
		}
	}
	if len(b.requests) == 0 {
		b.Error("no request was seen, not even that for the file")
	}
}
