package html

import (
	"strconv"
	"strings"

	"causeway/bridge/richtext"
)

// property gives the value of a property in the style of an element, in lower case; "" when it has none.
func property(style, name string) string {
	value := ""
	for declaration := range strings.SplitSeq(style, ";") {
		key, rest, ok := strings.Cut(declaration, ":")
		if ok && strings.EqualFold(strings.TrimSpace(key), name) {
			value = strings.ToLower(strings.TrimSpace(rest))
		}
	}
	return strings.TrimSpace(strings.TrimSuffix(value, "!important"))
}

// isHidden tells whether nobody sees an element of this style.
func isHidden(style string) bool { return property(style, "display") == "none" }

// withStyle gives the style of text in an element that has this style attribute, where it would have had the other.
func withStyle(s richtext.Style, style string) richtext.Style {
	set := func(flag richtext.Style, on bool) {
		s &^= flag
		if on {
			s |= flag
		}
	}
	switch weight := property(style, "font-weight"); weight {
	case "":
	case "bold", "bolder":
		set(richtext.Bold, true)
	case "normal", "lighter":
		set(richtext.Bold, false)
	default:
		if n, err := strconv.ParseFloat(weight, 64); err == nil {
			set(richtext.Bold, n >= 600)
		}
	}
	switch property(style, "font-style") {
	case "italic", "oblique":
		set(richtext.Italic, true)
	case "normal":
		set(richtext.Italic, false)
	}
	for _, name := range [...]string{"text-decoration", "text-decoration-line"} {
		for line := range strings.FieldsSeq(property(style, name)) {
			switch line { // "none" takes nothing away from what is around
			case "underline":
				s |= richtext.Underline
			case "line-through":
				s |= richtext.Strike
			}
		}
	}
	return s
}
