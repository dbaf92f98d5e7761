package bridgetest

import (
	"strings"
	"unicode"

	"causeway/bridge/richtext"
)

// plain gives a text without markup, blocks and line breaks as lines: what [Seen.Text] has to look like.
func plain(d richtext.Doc) string {
	var lines []string
	for _, b := range d {
		if b.Text != "" {
			lines = append(lines, b.Text)
		}
		var line strings.Builder
		for _, r := range b.Runs {
			if r.Break {
				line.WriteByte('\n')
			}
			line.WriteString(r.Text)
		}
		if line.Len() > 0 {
			lines = append(lines, line.String())
		}
		if len(b.Blocks) > 0 {
			lines = append(lines, plain(b.Blocks))
		}
		for _, item := range b.Items {
			lines = append(lines, plain(item))
		}
	}
	return strings.Join(lines, "\n")
}

// squash takes away what services may change in a text: amounts of white space, control and format characters.
func squash(s string) string { return strings.Join(strings.Fields(visible(s)), " ") }

// dense takes away all white space too, for texts that were split anywhere.
func dense(s string) string { return strings.Join(strings.Fields(visible(s)), "") }

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
			return -1
		}
		return r
	}, s)
}
