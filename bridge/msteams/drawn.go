package msteams

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"

	"causeway/bridge"
)

// inks are the colours of drawn pictures, dark enough on paper.
var (
	paper = color.RGBA{0xf0, 0xf0, 0xf4, 0xff}
	inks  = []color.RGBA{
		{0x1f, 0x6f, 0xb2, 0xff}, {0xa8, 0x32, 0x79, 0xff}, {0x2e, 0x7d, 0x4f, 0xff}, {0xb0, 0x4a, 0x1c, 0xff},
		{0x5b, 0x4b, 0xb5, 0xff}, {0x8a, 0x6d, 0x00, 0xff}, {0x00, 0x7a, 0x87, 0xff}, {0xb3, 0x2d, 0x3c, 0xff},
	}
)

// drawnPhoto stands for the picture of somebody who has none: a pattern whose left and right are alike, always the same for
// the same person.
func drawnPhoto(u bridge.UserID) []byte {
	const cells, cell, margin = 5, 16, 8
	sum := sha256.Sum256([]byte(u))
	picture := image.NewPaletted(image.Rect(0, 0, cells*cell+2*margin, cells*cell+2*margin), color.Palette{paper, inks[int(sum[0])%len(inks)]})
	inked := func(column, row int) bool {
		column = min(column, cells-1-column)
		return sum[1+row*3+column]&1 == 1
	}
	for y := range cells * cell {
		for x := range cells * cell {
			if inked(x/cell, y/cell) {
				picture.SetColorIndex(margin+x, margin+y, 1)
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // writing to memory does not fail
	return b.Bytes()
}
