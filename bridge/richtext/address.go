package richtext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address gives the length of the bare web address ("https://…") that text begins with, in bytes; 0 when it begins
// with none. What people write after an address (a full stop, a closing parenthesis that was not opened in it) is
// not part of it. Both services show such text as a link, so the canonical form links it: see [Normalize].
func Address(text string) int {
	rest, ok := cutScheme(text)
	if !ok {
		return 0
	}
	first, _ := utf8.DecodeRuneInString(rest)
	if !unicode.IsLetter(first) && !unicode.IsDigit(first) {
		return 0
	}
	end := len(text) - len(rest)
	opened := 0
	for i, r := range text[end:] {
		if endsAddress(r) || r == '~' && strings.HasPrefix(text[end+i:], "~~") {
			return trimAddress(text[:end+i], opened)
		}
		switch r {
		case '(':
			opened++
		case ')':
			opened--
		}
	}
	return trimAddress(text, opened)
}

// cutScheme gives what follows "http://" or "https://".
func cutScheme(text string) (string, bool) {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(text) > len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
			return text[len(scheme):], true
		}
	}
	return "", false
}

// endsAddress tells characters that cannot be in a bare address: white space, invisible ones, what is never valid in
// one, and what markup puts around one.
func endsAddress(r rune) bool {
	if r <= ' ' || r == 0x7F || strings.ContainsRune("<>\"`\\|*^{}[]", r) {
		return true
	}
	return r > 0x7F && (unicode.IsSpace(r) || unicode.IsControl(r) || isDropped(r) || r == utf8.RuneError)
}

// trimAddress gives the length of address without the punctuation at its end; opened is how many parentheses are
// open there (negative: closed without having been opened).
func trimAddress(address string, opened int) int {
	end := len(address)
	for end > 0 {
		switch address[end-1] {
		case '?', '!', '.', ',', ':', ';', '\'', '_', '~':
		case '(':
			opened--
		case ')':
			if opened >= 0 {
				return end
			}
			opened++
		default:
			return end
		}
		end--
	}
	return end
}

// CleanLink gives the canonical form of a link, and "" for one that leads elsewhere than to the web or a mailbox.
func CleanLink(link string) string {
	link = strings.TrimSpace(clean(link))
	rest, ok := cutScheme(link)
	if !ok && len(link) > len("mailto:") && strings.EqualFold(link[:len("mailto:")], "mailto:") {
		rest, ok = link[len("mailto:"):], true
	}
	if !ok || strings.Trim(rest, "/?#") == "" {
		return ""
	}
	var b strings.Builder
	for _, r := range link {
		switch {
		case r <= ' ' || strings.ContainsRune("<>\"`\\|^{}", r):
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		case r > 0x7F && unicode.IsSpace(r):
			b.WriteString("%20")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
