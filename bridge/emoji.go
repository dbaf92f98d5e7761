package bridge

import "strings"

// NormalizeEmoji gives the neutral form of a Unicode emoji: without variation selectors (U+FE0E, U+FE0F), which
// services add and drop freely. That of an emoji which a server or an organisation has made itself is its name between colons: where another has
// one of that name, it is set there, too.
func NormalizeEmoji(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xFE0E || r == 0xFE0F {
			return -1
		}
		return r
	}, s)
}
