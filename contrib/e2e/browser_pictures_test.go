package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"causeway/contrib/e2e/harness"
)

// TestPictures takes the pictures for README into the folder that DEMO_PICTURES names (docs/images); without it, it looks whether they could be
// taken. A machine with a font for emoji, such as Debian's fonts-noto-color-emoji, makes better ones.
func TestPictures(t *testing.T) {
	t.Parallel()
	program := harness.BuildCauseway(t)
	for _, theme := range []string{"light", "dark"} {
		v := openScreen(t, program, look{width: 1440, height: 980, theme: theme})
		v.click(id("close-guide"))
		v.attach(0, "bridge.png", sketch(t))
		v.write(0, "How the new bridge will look:")
		v.until(in(message(1, "How the new bridge"), ".picture img") + `?.naturalWidth === 320`)
		v.point(message(0, "I have the notes"))
		v.until(`document.querySelectorAll(".lit").length === 2`)
		v.picture("demo-" + theme)
		v.be(0, "alice")
		v.talkTo(0, "bob")
		v.click(in(message(1, "She does"), `[data-do="reply"]`))
		v.keys("I have told her already.")
		v.keys(kb.Enter)
		v.attach(0, "offer.pdf", "JVBERi0=")
		v.write(0, "Here is what I would send.")
		v.until(in(message(1, "Here is what"), ".file"))
		v.point(message(0, "I have told her"))
		v.until(`document.querySelectorAll(".lit").length === 2`)
		v.picture("talk-" + theme)
	}
}

// picture takes one of the screen.
func (v *screen) picture(name string) {
	v.t.Helper()
	picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		v.t.Fatal(err)
	}
	if n := len(picture); n < 50<<10 || n > 250<<10 {
		v.t.Errorf("the picture %s has %d bytes; it is empty or too large for a README", name, n)
	}
	if folder := os.Getenv("DEMO_PICTURES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
			v.t.Fatal(err)
		}
	}
}
