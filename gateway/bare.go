package gateway

import (
	"strings"

	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// bare takes from the text of a copy what the plan has put around what was said: when that was, a quote of what it answers, and
// lines for its files. A person has edited it in a program that showed all that as theirs.
func bare(text richtext.Doc, around store.Around) richtext.Doc {
	if around.Late {
		text = undated(text)
	}
	if around.Unrooted && len(text) > 0 && text[0].Kind == richtext.Quote {
		text = text[1:]
	}
	if around.Late {
		text = undated(text)
	}
	for len(text) > 0 && isFileLine(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

const (
	fileMark = "📎 "
	lateMark = "(sent "
)

func isFileLine(b richtext.Block) bool {
	return b.Kind == richtext.Paragraph && strings.HasPrefix(words(b), fileMark)
}

func words(b richtext.Block) string {
	var text strings.Builder
	for _, r := range b.Runs {
		text.WriteString(r.Text)
	}
	return text.String()
}

// undated undoes dated.
func undated(text richtext.Doc) richtext.Doc {
	if len(text) == 0 || text[0].Kind != richtext.Paragraph || !strings.HasPrefix(words(text[0]), lateMark) {
		return text
	}
	first := text[0]
	first.Runs = nil
	inside := true
	for _, r := range text[0].Runs {
		if inside {
			_, rest, closed := strings.Cut(r.Text, ")")
			if !closed {
				continue
			}
			inside, r.Text = false, strings.TrimPrefix(rest, " ")
			if r.Text != "" {
				r.Style &^= richtext.Italic
			}
		}
		if len(first.Runs) == 0 {
			r.Text = strings.TrimLeft(r.Text, " ")
		}
		if r.Text != "" || r.Break {
			first.Runs = append(first.Runs, r)
		}
	}
	if len(first.Runs) == 0 {
		return text[1:]
	}
	return append(richtext.Doc{first}, text[1:]...)
}
