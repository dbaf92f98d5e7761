package richtext

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Everybody is whom a mention calls that is of all who are in the conversation. No service has a user with such an id.
const Everybody = "*"

// Mentions gives whom doc calls, each once, in the order in which they are called first.
func (doc Doc) Mentions() []string {
	var all []string
	doc.anyRun(func(r Run) bool {
		if r.Kind == Mention && !slices.Contains(all, r.Who) {
			all = append(all, r.Who)
		}
		return false
	})
	return all
}

// MapMentions gives the canonical form of doc with f applied to its mentions, and leaves doc alone. Those for which f says false are names, which
// call nobody. A doc without mentions is given as it is.
func (doc Doc) MapMentions(f func(Run) (Run, bool)) Doc {
	if !doc.anyRun(func(r Run) bool { return r.Kind == Mention }) {
		return doc
	}
	return Normalize(doc.mapRuns(func(r Run) Run {
		if r.Kind != Mention {
			return r
		}
		one, ok := f(r)
		if !ok {
			one.Kind, one.Who = Literal, ""
		}
		return one
	}))
}

// WithMentions gives the canonical form of doc in which every "@name" in its text is a mention, if who knows the name. It is
// asked for what follows "@" in lower case, first with a "." "-" or "_" at its end, which may belong to the sentence, then
// without. Code, links and addresses are left alone, and so is what stands right behind a letter, as in a@b.
func (doc Doc) WithMentions(who func(name string) (id string, ok bool)) Doc {
	doc = Normalize(doc)
	var changed bool
	split := func(runs []Run) []Run {
		var out []Run
		for i, r := range runs {
			if r.Break || r.Link != "" || r.Kind != Literal || r.Style&InlineCode != 0 || !strings.Contains(r.Text, "@") {
				out = append(out, r)
				continue
			}
			before := utf8.RuneError
			if i > 0 && !runs[i-1].Break {
				before, _ = utf8.DecodeLastRuneInString(runs[i-1].Text)
			}
			n := len(out)
			out = appendMentions(out, r, before, who)
			changed = changed || len(out) > n+1 || out[n].Kind != Literal
		}
		return out
	}
	out := doc.mapLines(split)
	if !changed {
		return doc
	}
	return Normalize(out)
}

// appendMentions appends r with the mentions in it as runs of their own; before is the character before it.
func appendMentions(out []Run, r Run, before rune, who func(string) (string, bool)) []Run {
	text, start := r.Text, 0
	for i := 0; i < len(text); {
		skip := strings.IndexByte(text[i:], '@')
		if skip < 0 {
			break
		}
		i += skip
		if i > 0 {
			before, _ = utf8.DecodeLastRuneInString(text[:i])
		}
		n, id := 0, ""
		if !inWord(before) {
			n, id = mentioned(text[i+1:], who)
		}
		if n == 0 {
			i++
			continue
		}
		if start < i {
			out = append(out, Run{Text: text[start:i], Style: r.Style})
		}
		out = append(out, Run{Text: text[i : i+1+n], Style: r.Style, Kind: Mention, Who: id})
		i += 1 + n
		start = i
	}
	if start < len(text) {
		out = append(out, Run{Text: text[start:], Style: r.Style})
	}
	return out
}

// longestUserName is Mattermost's limit.
const longestUserName = 64

// mentioned gives the length of the name that text begins with and whom it names.
func mentioned(text string, who func(string) (string, bool)) (int, string) {
	n := 0
	for n < len(text) && n <= longestUserName && isNameByte(text[n]) {
		n++
	}
	if n > longestUserName {
		return 0, ""
	}
	for ; n > 0; n-- {
		if id, ok := who(strings.ToLower(text[:n])); ok {
			return n, id
		}
		if strings.IndexByte(".-_", text[n-1]) < 0 {
			break
		}
	}
	return 0, ""
}

func isNameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(".-_", c) >= 0
}
