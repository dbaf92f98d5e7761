// Package card makes readable text of the cards that apps and bots put into Teams messages: adaptive, hero, thumbnail,
// list and connector cards, and code snippets as far as they are in the message.
//
// Their forms: https://adaptivecards.io/explorer and
// https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference. What is in a card comes
// from any program, so each value is taken if it is what belongs there, and passed over otherwise. Pictures are images of
// the neutral form (links, where they are written), buttons that open an address are links, all others are words in brackets:
// they can be pressed in Teams only.
package card

import (
	"encoding/json"
	"fmt"
	"strings"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

// maxDepth is how deep containers of a card are looked into. Teams' own cards need fewer.
const maxDepth = 20

// Doc gives what people read on a card, in canonical form; nil when it cannot be told. kind is the contentType of the
// attachment, content is its content, which is JSON in a text.
func Doc(kind, content string) richtext.Doc {
	var in object
	if json.Unmarshal([]byte(content), &in) != nil {
		return nil
	}
	var doc richtext.Doc
	switch name := strings.ToLower(kind[strings.LastIndexByte(kind, '.')+1:]); name {
	case "adaptive":
		doc = adaptive(in)
	case "hero", "thumbnail", "list", "signin", "oauth", "receipt":
		doc = hero(in)
	case "o365connector":
		doc = connector(in)
	case "codesnippet":
		doc = snippet(in)
	}
	return richtext.Normalize(doc)
}

// object is an object of JSON.
type object map[string]any

// text gives the first of the properties that is text and not blank.
func (o object) text(names ...string) string {
	for _, name := range names {
		switch v := o[name].(type) {
		case string:
			if strings.TrimSpace(v) != "" {
				return v
			}
		case float64, bool:
			return fmt.Sprint(v)
		}
	}
	return ""
}

// object gives a property that is an object; nil when it is none.
func (o object) object(name string) object {
	v, _ := o[name].(map[string]any)
	return v
}

// objects gives the objects in a property that is a list.
func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	var all []object
	for _, v := range list {
		if one, ok := v.(map[string]any); ok {
			all = append(all, one)
		}
	}
	return all
}

// plain gives a paragraph of one style; none of no text.
func plain(text string, style richtext.Style) richtext.Doc {
	if text == "" {
		return nil
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: text, Style: style}}}}
}

// marked reads what may be HTML or markdown.
func marked(text string) richtext.Doc {
	if strings.Contains(text, "<") && strings.Contains(text, ">") || strings.Contains(text, "&nbsp;") {
		return html.Parse(text)
	}
	return markdown.Parse(text)
}

// styled gives doc with its literal text in a style.
func styled(doc richtext.Doc, style richtext.Style) richtext.Doc {
	for i := range doc {
		for j := range doc[i].Runs {
			doc[i].Runs[j].Style |= style
		}
	}
	return doc
}

func picture(o object, address ...string) richtext.Doc {
	source, alternative := o.text(address...), o.text("altText", "alt", "title")
	if source == "" || strings.Contains(source, "/hostedContents/") {
		return nil // which opens with a token only
	}
	if alternative == "" {
		alternative = "picture"
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Kind: richtext.Image, Text: "[" + alternative + "]", Link: source}}}}
}

// fact is a name and what it is.
type fact struct{ name, value string }

// facts gives a line for each fact.
func facts(all []fact, read func(string) richtext.Doc) richtext.Doc {
	var runs []richtext.Run
	for _, f := range all {
		if f.name == "" && f.value == "" {
			continue
		}
		if len(runs) > 0 {
			runs = append(runs, richtext.Run{Break: true})
		}
		if f.name != "" {
			runs = append(runs, richtext.Run{Text: strings.TrimSuffix(strings.TrimSpace(f.name), ":") + ":", Style: richtext.Bold}, richtext.Run{Text: " "})
		}
		for i, block := range read(f.value) {
			if i > 0 {
				runs = append(runs, richtext.Run{Text: " "})
			}
			runs = append(runs, block.Runs...)
		}
	}
	if runs == nil {
		return nil
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
}

// button is what can be pressed on a card; an address, if that opens one.
type button struct{ title, address string }

// buttons gives a line of buttons.
func buttons(all []button) richtext.Doc {
	var runs []richtext.Run
	for _, b := range all {
		if b.title == "" {
			continue
		}
		if len(runs) > 0 {
			runs = append(runs, richtext.Run{Text: " · "})
		}
		if link := richtext.CleanLink(b.address); link != "" {
			runs = append(runs, richtext.Run{Text: b.title, Link: link})
		} else {
			runs = append(runs, richtext.Run{Text: "[" + b.title + "]"})
		}
	}
	if runs == nil {
		return nil
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
}
