package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// pageTime is how long a page may take.
const pageTime = harness.Patience

// browser is a headless Chromium; each of its windows is one that knows nothing of the others, as if it were on another machine.
type browser struct {
	ctx     context.Context
	secrets *secrets

	mutex sync.Mutex
	shown strings.Builder
}

func startBrowser(t *testing.T, s *secrets) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("these tests need Debian's package chromium, which make test installs: %v", err)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &browser{ctx: ctx, secrets: s}
}

// pages gives everything that was shown.
func (b *browser) pages() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.shown.String()
}

// window is a tab in which somebody looks at pages.
type window struct {
	t       *testing.T
	browser *browser
	ctx     context.Context

	mutex sync.Mutex
	back  string // the latest address to which a sign-in led

	keyboard bool // there is no mouse
}

// cameBackBy gives the address by which the browser came back from the latest sign-in.
func (w *window) cameBackBy() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.back
}

// window opens one. With a member it is one that is signed in to Mattermost as them, as by its own page.
func (f *folk) window(t *testing.T, m *member, scripts bool) *window {
	t.Helper()
	scripts = scripts && !f.silent
	w := f.browser.open(t, f.browser.ctx, chromedp.WithNewBrowserContext())
	if !scripts {
		w.call(chromedp.Call(w.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	if m != nil {
		f.signIn(w, m)
	}
	return w
}

// tab opens a second tab beside.
func (w *window) tab() *window {
	w.t.Helper()
	return w.browser.open(w.t, w.ctx)
}

func (b *browser) open(t *testing.T, beside context.Context, options ...chromedp.ContextOption) *window {
	t.Helper()
	ctx, end := chromedp.NewContext(beside, options...)
	t.Cleanup(end)
	w := &window{t: t, browser: b, ctx: ctx}
	w.call(nil, chromedp.Do(ctx))
	w.call(nil, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			w.watch(e.Request.URL)
		}
	}))
	w.call(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	w.theme("light")
	w.size(1100, 800)
	return w
}

// watch looks where the browser goes, and notes what leads it.
func (w *window) watch(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "127.0.0.1" && u.Scheme != "about" && u.Scheme != "data" {
		w.t.Errorf("a request to %s (%v)", address, err)
		return
	}
	if strings.HasSuffix(u.Path, "/connect/back") {
		w.mutex.Lock()
		w.back = address
		w.mutex.Unlock()
	}
	for _, name := range []string{"code", "state"} {
		if v := u.Query().Get(name); v != "" {
			w.browser.secrets.leading(v)
		}
	}
}

// signIn logs somebody in to Mattermost in this browser: the cookies are those that its page is given.
func (f *folk) signIn(w *window, m *member) {
	w.t.Helper()
	client := f.mm.Client("")
	client.HTTPHeader = map[string]string{model.HeaderRequestedWith: model.HeaderRequestedWithXML} // only then it answers with cookies
	_, answer, err := client.Login(w.t.Context(), m.here.Username, m.password)
	w.call(nil, err)
	f.secrets.add(client.AuthToken)
	for _, line := range answer.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		w.call(chromedp.Call(w.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: f.mm.URL}))
	}
}

func (w *window) call(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) theme(name string) {
	w.t.Helper()
	w.call(chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}))
}

func (w *window) size(width, height int64) {
	w.t.Helper()
	w.call(nil, chromedp.Do(w.ctx, chromedp.EmulateViewport(width, height)))
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, pageTime)
	defer cancel()
	w.call(nil, chromedp.Do(ctx, steps...))
}

// goes opens an address, and does not wait for more than the answer.
func (w *window) goes(address string) *window {
	w.t.Helper()
	w.do(chromedp.Navigate(address))
	return w
}

// says gives the value of an expression on the page, whatever it is; empty while the page changes.
func (w *window) says(expression string) string {
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return ""
	}
	return value
}

const (
	heading  = `document.querySelector("h1")?.textContent ?? ""`
	contents = `document.readyState === "complete" ? document.body?.innerText ?? "" : ""`
)

// at waits until a page has this heading, and the texts on it.
func (w *window) at(title string, all ...string) *window {
	w.t.Helper()
	deadline := time.Now().Add(pageTime)
	for {
		head, text := w.says(heading), w.says(contents)
		lacks := slices.ContainsFunc(all, func(one string) bool { return !strings.Contains(text, one) })
		if head == title && text != "" && !lacks {
			w.browser.keep(w.says(`document.documentElement.outerHTML`))
			return w
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the page is %q, not %q with %q, at %s:\n%s", head, title, all, w.says("location.href"), text)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// keep notes what was shown.
func (b *browser) keep(page string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.shown.WriteString(page)
}

// press clicks, with the mouse, on what has this label, or goes there by the keyboard.
func (w *window) press(label string) *window {
	w.t.Helper()
	if w.keyboard {
		return w.enter(label)
	}
	find := fmt.Sprintf(`[...document.querySelectorAll("button, a, summary, label")].find((e) => e.textContent.includes(%q))`, label)
	var at []float64
	var err error
	for deadline := time.Now().Add(pageTime); len(at) != 2 && err == nil && time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) { // the page may be on its way
		at, err = chromedp.Run(w.ctx, chromedp.Evaluate[[]float64](
			`(() => { const e = `+find+`; if (!e) return []; e.scrollIntoView({block: "center"}); const b = e.getBoundingClientRect(); return [b.x + Math.min(b.width / 2, 60), b.y + b.height / 2]; })()`))
	}
	w.call(nil, err)
	if len(at) != 2 {
		w.t.Fatalf("there is no %q to press on %q:\n%s", label, w.says(heading), w.says(contents))
	}
	w.do(chromedp.MouseClickXY(at[0], at[1]))
	return w
}

// enter goes from one thing to the next with the tab key until it is at what has this label, which must be seen, and presses the enter key.
func (w *window) enter(label string) *window {
	w.t.Helper()
	var met []string
	for range 40 {
		w.do(chromedp.KeyEvent("\t"))
		at := w.says(`(() => { const e = document.activeElement; return !e || e === document.body ? "" : (e.labels?.[0] ?? e).textContent.trim() })()`)
		if met = append(met, at); !strings.Contains(at, label) {
			continue
		}
		if ring := w.says(`(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + " " + s.outlineWidth })()`); strings.HasPrefix(ring, "none") || strings.HasSuffix(ring, " 0px") {
			w.t.Errorf("nobody sees that the keyboard is at %q: %s", label, ring)
		}
		w.do(chromedp.KeyEvent("\r"))
		return w
	}
	w.t.Fatalf("on %q the tab key leads to %q, and not to %q", w.says(heading), met, label)
	return w
}

// wait waits until an expression on the page is true.
func (w *window) wait(expression string) {
	w.t.Helper()
	deadline := time.Now().Add(pageTime)
	for w.says(`String(Boolean(`+expression+`))`) != "true" {
		if time.Now().After(deadline) {
			w.t.Fatalf("waiting for %s on %q, at %s:\n%s", expression, w.says(heading), w.says("location.href"), w.says(contents))
		}
		time.Sleep(30 * time.Millisecond)
	}
}
