package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"causeway/contrib/demo/page"
	"causeway/contrib/demo/stage"
	"causeway/contrib/e2e/harness"
)

// screen is the demonstration's page in a headless Chromium, with a demonstration of its own behind it.
type screen struct {
	t      *testing.T
	ctx    context.Context
	stage  *stage.Stage
	origin string

	mu      sync.Mutex
	console []string // warnings and errors
	foreign []string // requests that went elsewhere
}

// look is how a screen is set up.
type look struct {
	width, height int64
	theme         string // "light" or "dark", what the system says
	quiet         bool   // nobody has said anything yet
}

// openScreen starts a demonstration and opens its page. At the end of the test it fails for whatever the browser complained of, and for
// any request that did not go to the page's own server.
func openScreen(t *testing.T, program string, l look) *screen {
	t.Helper()
	acme, err := stage.NewAcme(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(acme.Close)
	s, err := stage.New(stage.Options{Program: program, Mattermost: acme.Mattermost(), Quiet: l.quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return showScreen(t, s, l)
}

// showScreen serves a stage and opens its page.
func showScreen(t *testing.T, s *stage.Stage, l look) *screen {
	t.Helper()
	p, err := page.Listen("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- page.Run(ctx, p, s) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	origin, _, _ := strings.Cut(p.URL(), "/?")
	v := &screen{t: t, stage: s, origin: origin}
	v.start(l)
	v.do(chromedp.Navigate(p.URL()))
	v.until(`document.getElementById("status").dataset.mood === "well"`)
	return v
}

// start starts the browser, which ends with the test.
func (v *screen) start(l look) {
	v.t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		v.t.Fatalf("these tests need Debian's package chromium, which make test installs: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WindowSize(int(l.width), int(l.height)))
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	v.t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	v.ctx = ctx
	v.do()
	messages := chromedp.Console(ctx)
	heard := make(chan struct{})
	go func() { // ends with the browser
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type != "log" && m.Type != "info" && m.Type != "debug" && m.Type != "verbose" {
				v.note(&v.console, fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line))
			}
		}
	}()
	v.t.Cleanup(func() {
		end()
		<-heard
		for _, m := range append(v.console, v.foreign...) {
			v.t.Error(m)
		}
	})
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(e.Request.URL, v.origin+"/") {
			v.note(&v.foreign, "a request to "+e.Request.URL)
		}
	}); err != nil {
		v.t.Fatal(err)
	}
	v.call(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	v.call(chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	v.theme(l.theme)
	v.size(l.width, l.height)
}

func (v *screen) note(list *[]string, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	*list = append(*list, text)
}

func (v *screen) call(_ any, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// theme sets what the system says about light and dark.
func (v *screen) theme(name string) {
	v.t.Helper()
	v.call(chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

func (v *screen) size(width, height int64) {
	v.t.Helper()
	v.do(chromedp.EmulateViewport(width, height))
}

// do takes some steps, which must work.
func (v *screen) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx := v.ctx
	if len(steps) > 0 { // the first call starts the browser, which must outlive it
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, harness.Patience)
		defer cancel()
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%v\n%s", err, v.console)
	}
}

// ask gives the value of a JavaScript expression.
func ask[T any](v *screen, expression string) T {
	v.t.Helper()
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits until a JavaScript expression is true.
func (v *screen) until(expression string) {
	v.t.Helper()
	deadline := time.Now().Add(harness.Patience)
	for !ask[bool](v, "Boolean("+expression+")") {
		if time.Now().After(deadline) {
			v.t.Fatalf("waiting for %s; the page says %q", expression, ask[string](v, "document.getElementById('status-text').textContent"))
		}
		v.do(chromedp.Sleep(30 * time.Millisecond))
	}
}

// message is a JavaScript expression for the newest message of a side that says something.
func message(side int, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#pane-%d article")].findLast((a) => a.querySelector(".text").textContent.includes(%q))`, side, text)
}

// in is an expression for a piece of a message.
func in(article, selector string) string {
	return fmt.Sprintf("%s?.querySelector(%q)", article, selector)
}

// point moves the mouse to the middle of an element.
func (v *screen) point(element string) (x, y float64) {
	v.t.Helper()
	v.until(element)
	at := ask[[]float64](v, `(() => { const e = `+element+`; e.scrollIntoView({ block: "nearest" }); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()`)
	v.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	return at[0], at[1]
}

// click presses the mouse on an element.
func (v *screen) click(element string) {
	v.t.Helper()
	x, y := v.point(element)
	v.do(chromedp.MouseClickXY(x, y))
}

func id(name string) string { return fmt.Sprintf("document.getElementById(%q)", name) }

// keys presses keys, one after the other. The Enter key is sent in one piece: in two, as other keys are, it would begin a new line even
// where the page has taken it for something else.
func (v *screen) keys(keys string, modifiers ...chromedp.Modifier) {
	v.t.Helper()
	for _, key := range keys {
		if string(key) != kb.Enter {
			v.do(chromedp.KeyEvent(string(key), chromedp.KeyModifiers(modifiers...)))
			continue
		}
		enter := input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13,
		}
		v.call(chromedp.Call(v.ctx, input.DispatchKeyEvent, enter))
		enter.Type, enter.Text = input.DispatchKeyEventTypeKeyUp, ""
		v.call(chromedp.Call(v.ctx, input.DispatchKeyEvent, enter))
	}
}

// be becomes somebody on a side.
func (v *screen) be(side int, name string) {
	v.t.Helper()
	v.click(fmt.Sprintf(`[...document.querySelectorAll("#pane-%d .as label")].find((l) => l.title.startsWith(%q))`, side, name+","))
	v.until(fmt.Sprintf(`document.querySelector("#pane-%d .as :checked").closest("label").title.startsWith(%q)`, side, name+","))
}

// write types into a side's field and sends it.
func (v *screen) write(side int, text string) {
	v.t.Helper()
	v.click(id(fmt.Sprintf("write-%d", side)))
	v.keys(text)
	v.keys(kb.Enter)
}
