package dashboard

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"causeway/contrib/e2e/harness"
)

// axe finds what keeps people from using a page: axe-core 4.14.1 of the npm registry, under the Mozilla Public License, for this test alone.
//
//go:embed testdata/axe.min.js
var axe string

// screen is a page in a headless Chromium. At the end of the test it fails for whatever the browser complained of, and for any request that
// did not go to Causeway.
type screen struct {
	t      *testing.T
	ctx    context.Context
	origin string
	// scripts: pages may run them.
	scripts bool

	mutex    sync.Mutex
	troubles []string
	// refused: pages are asked for that are refused, of which the browser complains.
	refused bool
}

func openScreen(t *testing.T, origin string, scripts bool) *screen {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("these tests need Debian's package chromium, which make test installs: %v", err)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	v := &screen{t: t, ctx: ctx, origin: origin, scripts: scripts}
	v.call(nil, chromedp.Do(ctx))
	messages := chromedp.Console(ctx)
	heard := make(chan struct{})
	go func() { // ends with the browser
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type != "log" && m.Type != "info" && m.Type != "debug" && m.Type != "verbose" {
				v.note(fmt.Sprint(m))
			}
		}
	}()
	t.Cleanup(func() {
		end()
		<-heard
		for _, text := range v.troubles {
			t.Error(text)
		}
	})
	v.call(nil, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(e.Request.URL, origin+"/") && !strings.HasPrefix(e.Request.URL, "data:image/svg+xml") { // the browser's own icons
			v.note("a request to " + e.Request.URL)
		}
	}))
	v.call(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	v.call(chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	if !scripts {
		v.call(chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	v.looks("light", 1280, 900)
	return v
}

func (v *screen) note(text string) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.refused && strings.Contains(text, "the server responded with a status of 40") {
		return
	}
	v.troubles = append(v.troubles, text)
}

// isRefused lets pages be refused from now on.
func (v *screen) isRefused() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.refused = true
}

func (v *screen) call(_ any, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// looks sets what the system says of light and dark, and how large the screen is.
func (v *screen) looks(theme string, width, height int64) {
	v.t.Helper()
	v.call(chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}))
	v.do(chromedp.EmulateViewport(width, height))
}

func (v *screen) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, harness.Patience)
	defer cancel()
	v.call(nil, chromedp.Do(ctx, steps...))
}

func (v *screen) goes(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.origin + path))
}

// says gives the value of a JavaScript expression.
func (v *screen) says(expression string) string {
	v.t.Helper()
	script := "String(" + expression + ")"
	if v.scripts { // without, nothing that is awaited comes
		script = "(async () => String(await (" + expression + ")))()"
	}
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		return "" // the page is being left
	}
	return value
}

func (v *screen) until(expression string) {
	v.t.Helper()
	for end := time.Now().Add(harness.Patience); v.says(expression) != "true"; v.do(chromedp.Sleep(30 * time.Millisecond)) {
		if time.Now().After(end) {
			v.t.Fatalf("waiting for %s; the page says %s", expression, v.says("document.body.innerText"))
		}
	}
}

// press presses the button or link with this text.
func (v *screen) press(label string) {
	v.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("main button, main a, header a")].find((e) => e.textContent.trim() === %q)`, label)
	v.until(`document.readyState === "complete" && Boolean(` + find + ")")
	at, err := chromedp.Run(v.ctx, chromedp.Evaluate[[]float64](`(() => { const e = `+find+`; e.scrollIntoView({ block: "center" }); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()`))
	v.call(nil, err)
	v.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]), chromedp.MouseClickXY(at[0], at[1]))
}

// accessible has axe look at the page.
func (v *screen) accessible(name string) {
	v.t.Helper()
	v.do(chromedp.Evaluate[chromedp.Void](axe + "\n;undefined"))
	found := v.says(`axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((x) => x.id + ": " + x.nodes.map((n) => n.html + " " + n.failureSummary).join(" | ")).join("\n") || (r.passes.length > 5 ? "none" : "nothing was looked at"))`)
	if found != "none" {
		v.t.Errorf("%s: %s", name, found)
	}
}

// picture is taken where DASHBOARD_PICTURES names a folder.
func (v *screen) picture(name string) {
	v.t.Helper()
	folder := os.Getenv("DASHBOARD_PICTURES")
	if folder == "" {
		return
	}
	image, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(100))
	v.call(nil, err)
	v.call(nil, os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644))
}
