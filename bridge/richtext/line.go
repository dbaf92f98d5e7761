package richtext

import (
	"math"
	"strings"
	"unicode"
)

// longestLine is how many characters of a name are shown.
const longestLine = 80

// Line makes a name fit for a line of its own: without what moves, hides or turns around the text beside it. A name that shows
// nothing is "(no name)".
func Line(name string) string { return shown(name, longestLine) }

// FileName is Line for the name of a file, which ends with its type and is shown whole.
func FileName(name string) string { return shown(name, math.MaxInt) }

func shown(name string, longest int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range name {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == unicode.ReplacementChar, unicode.Is(unicode.C, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), blank(r):
			continue
		}
		if n++; n > longest {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "(no name)"
	}
	return b.String()
}

// blank are letters that show nothing.
func blank(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f':
		return true
	}
	return false
}
