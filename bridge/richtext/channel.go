package richtext

import (
	"strings"
	"unicode/utf8"
)

// WithChannels gives the canonical form of doc in which every "~name" in its text is a link, if where knows the name. It is asked for what follows "~" in lower case
// and gives what people see and where it leads. Code, links and addresses are left alone, and so is what stands right behind a letter.
func (doc Doc) WithChannels(where func(name string) (text, link string, ok bool)) Doc {
	doc = Normalize(doc)
	var changed bool
	out := doc.mapLines(func(runs []Run) []Run {
		var out []Run
		for i, r := range runs {
			if r.Break || r.Link != "" || r.Kind != Literal || r.Style&InlineCode != 0 || !strings.Contains(r.Text, "~") {
				out = append(out, r)
				continue
			}
			before := utf8.RuneError
			if i > 0 && !runs[i-1].Break {
				before, _ = utf8.DecodeLastRuneInString(runs[i-1].Text)
			}
			n := len(out)
			out = appendChannels(out, r, before, where)
			changed = changed || len(out) > n+1 || out[n].Link != ""
		}
		return out
	})
	if !changed {
		return doc
	}
	return Normalize(out)
}

// appendChannels appends r with the links in it as runs of their own; before is the character before it.
func appendChannels(out []Run, r Run, before rune, where func(string) (string, string, bool)) []Run {
	text, start := r.Text, 0
	for i := 0; i < len(text); {
		skip := strings.IndexByte(text[i:], '~')
		if skip < 0 {
			break
		}
		if i += skip; i > 0 {
			before, _ = utf8.DecodeLastRuneInString(text[:i])
		}
		n := 0
		for i+1+n < len(text) && n <= longestUserName && isNameByte(text[i+1+n]) && text[i+1+n] != '.' {
			n++
		}
		shown, link, ok := "", "", false
		if n > 0 && n <= longestUserName && !inWord(before) {
			shown, link, ok = where(strings.ToLower(text[i+1 : i+1+n]))
		}
		if !ok {
			i += 1 + n
			continue
		}
		if start < i {
			out = append(out, Run{Text: text[start:i], Style: r.Style})
		}
		out = append(out, Run{Text: shown, Style: r.Style, Link: link})
		i += 1 + n
		start = i
	}
	if start < len(text) {
		out = append(out, Run{Text: text[start:], Style: r.Style})
	}
	return out
}
