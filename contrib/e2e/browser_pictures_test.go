package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"causeway/contrib/e2e/harness"
)

// TestPictures takes the pictures for README into the folder that DEMO_PICTURES names (docs/images); without it, it looks whether they could be
// taken. A machine with a font for emoji, such as Debian's fonts-noto-color-emoji, makes better ones.
func TestPictures(t *testing.T) {
	program := harness.BuildCauseway(t)
	for _, theme := range []string{"light", "dark"} {
		v := openScreen(t, program, look{width: 1440, height: 980, theme: theme})
		v.click(id("close-guide"))
		v.attach(0, "bridge.png", sketch(t))
		v.write(0, "How the new bridge will look:")
		v.until(in(message(1, "How the new bridge"), ".picture img") + `?.naturalWidth === 320`)
		v.point(message(0, "I have the notes"))
		v.until(`document.querySelectorAll(".lit").length === 2`)
		picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(picture); n < 50<<10 || n > 250<<10 {
			t.Errorf("the %s picture has %d bytes; it is empty or too large for a README", theme, n)
		}
		if folder := os.Getenv("DEMO_PICTURES"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, "demo-"+theme+".png"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
