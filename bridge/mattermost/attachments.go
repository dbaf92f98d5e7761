package mattermost

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// attachment is what people see of a message attachment, which integrations use in the place of text. Decoded one by one
// and loosely: values come from any program, and one bad field must not hide the rest.
type attachment struct {
	Fallback   any `json:"fallback"`
	Pretext    any `json:"pretext"`
	AuthorName any `json:"author_name"`
	AuthorLink any `json:"author_link"`
	Title      any `json:"title"`
	TitleLink  any `json:"title_link"`
	Text       any `json:"text"`
	Fields     any `json:"fields"`
	ImageURL   any `json:"image_url"`
	Footer     any `json:"footer"`
	Actions    any `json:"actions"`
}

// attachments gives the message attachments of a post as text, in the order in which they are shown.
func attachments(p *model.Post) richtext.Doc {
	list := p.GetProp(model.PostPropsAttachments)
	if list == nil {
		return nil
	}
	raw, err := json.Marshal(list) // from JSON, or set by the model as its own type
	if err != nil {
		return nil
	}
	var all []attachment
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	var doc richtext.Doc
	for _, one := range all {
		doc = append(doc, one.doc()...)
	}
	return doc
}

func (x attachment) doc() richtext.Doc {
	var doc richtext.Doc
	doc = append(doc, markdown.Parse(words(x.Pretext))...)
	doc = append(doc, linked(words(x.AuthorName), words(x.AuthorLink), 0)...)
	doc = append(doc, linked(words(x.Title), words(x.TitleLink), richtext.Bold)...)
	doc = append(doc, markdown.Parse(words(x.Text))...)
	fields, _ := x.Fields.([]any)
	for _, f := range fields {
		field, _ := f.(map[string]any)
		doc = append(doc, linked(words(field["title"]), "", richtext.Bold)...)
		doc = append(doc, markdown.Parse(words(field["value"]))...)
	}
	if image := words(x.ImageURL); image != "" {
		doc = append(doc, linked(image, image, 0)...)
	}
	doc = append(doc, buttons(x.Actions)...)
	doc = append(doc, linked(words(x.Footer), "", richtext.Italic)...)
	if len(doc) == 0 {
		return richtext.Plain(words(x.Fallback))
	}
	return doc
}

// buttons gives a line of the buttons and menus of an attachment. They can be pressed in Mattermost only.
func buttons(actions any) richtext.Doc {
	var names []string
	list, _ := actions.([]any)
	for _, a := range list {
		action, _ := a.(map[string]any)
		if name := words(action["name"]); name != "" {
			names = append(names, "["+name+"]")
		}
	}
	return richtext.Plain(strings.Join(names, " · "))
}

// linked gives a paragraph of literal text, leading somewhere when link is an address that runs may have.
func linked(text, link string, style richtext.Style) richtext.Doc {
	doc := richtext.Plain(text)
	for i := range doc {
		for j := range doc[i].Runs {
			doc[i].Runs[j].Style = style
			if model.IsValidHTTPURL(link) {
				doc[i].Runs[j].Link = link
			}
		}
	}
	return doc
}

// words gives a value that an integration sent where text belongs.
func words(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64, bool:
		return fmt.Sprint(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
