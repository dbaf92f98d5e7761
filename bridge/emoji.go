package bridge

import "strings"

// NormalizeEmoji gives the neutral form of a Unicode emoji: without variation selectors (U+FE0E, U+FE0F), which
// services add and drop freely. Emoji that exist on one service only have no neutral form and are not reported.
func NormalizeEmoji(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xFE0E || r == 0xFE0F {
			return -1
		}
		return r
	}, s)
}
