package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// sketch is a PNG with something to see in it, in base 64.
func sketch(t *testing.T) string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for x := range 320 {
		for y := range 180 {
			shade := color.RGBA{uint8(30 + x/3), uint8(110 + y/2), 140, 255}
			across, down := x%80-40, min(y-120, 0) // of an arch
			if y > 70 && y < 84 || y >= 84 && across*across+down*down > 1000 {
				shade = color.RGBA{235, 230, 215, 255}
			}
			picture.Set(x, y, shade)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// attach chooses a file beside where one writes, as the browser's dialog would.
func (v *screen) attach(side int, name, base64 string) {
	v.t.Helper()
	ask[bool](v, fmt.Sprintf(`(() => {
		const chosen = new DataTransfer(), input = document.getElementById("attach-%d");
		chosen.items.add(new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], %q));
		input.files = chosen.files;
		return input.dispatchEvent(new Event("change"));
	})()`, side, base64, name))
	v.until(fmt.Sprintf(`document.querySelector("#pane-%d .attached").textContent.includes(%q)`, side, name))
}

// filesCross attaches a picture and a text on either side, takes a third one away again, and sees both on the other side.
func filesCross(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	for side := range 2 {
		other := 1 - side
		v.attach(side, "bridge.png", sketch(t))
		notes := fmt.Sprintf("notes%d.txt", side) // a second one of the same name would be renamed
		v.attach(side, notes, base64.StdEncoding.EncodeToString([]byte("the notes")))
		v.attach(side, "mistake.txt", base64.StdEncoding.EncodeToString([]byte("a mistake")))
		v.click(fmt.Sprintf(`document.querySelector("#pane-%d [aria-label='Do not attach mistake.txt']")`, side))
		said := fmt.Sprintf("files from %d", side)
		v.write(side, said)
		for _, where := range []int{side, other} {
			v.until(message(where, said) + `?.classList.contains("settled")`)
			v.until(in(message(where, said), ".picture img") + `?.naturalWidth === 320`)
			v.until(in(message(where, said), ".file") + `?.download === "` + notes + `"`)
			if n := ask[int](v, message(where, said)+`.querySelectorAll(".files a").length`); n != 2 {
				t.Errorf("side %d shows %d files, want 2", where, n)
			}
			if got := ask[string](v, `fetch(`+in(message(where, said), ".file")+`.href).then((a) => a.text())`); got != "the notes" {
				t.Errorf("the file on side %d says %q", where, got)
			}
		}
		if !ask[bool](v, fmt.Sprintf(`document.querySelector("#pane-%d .attached").hidden`, side)) {
			t.Errorf("what was sent on side %d would be sent again", side)
		}
		// Nothing can be attached to a message that is there already.
		v.click(in(message(side, said), `[data-do="edit"]`))
		v.until(fmt.Sprintf(`document.querySelector("#pane-%d .attach").hidden`, side))
		v.keys(kb.Escape)
		v.until(fmt.Sprintf(`!document.querySelector("#pane-%d .attach").hidden`, side))
	}
}
