package card

import (
	"strings"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
)

// hero gives the text of a hero, thumbnail or list card, and of those that are made like them.
func hero(card object) richtext.Doc {
	doc := plain(card.text("title"), richtext.Bold)
	doc = append(doc, html.Parse(card.text("subtitle"))...)
	doc = append(doc, html.Parse(card.text("text"))...)
	var lines []fact
	for _, f := range card.objects("facts") {
		lines = append(lines, fact{f.text("key"), f.text("value")})
	}
	doc = append(doc, facts(lines, html.Parse)...)
	if items := listItems(card.objects("items")); items != nil {
		doc = append(doc, richtext.Block{Kind: richtext.List, Items: items})
	}
	for _, image := range card.objects("images") {
		doc = append(doc, picture(image, "url")...)
	}
	var all []button
	for _, b := range card.objects("buttons") {
		one := button{title: b.text("title")}
		if strings.EqualFold(b.text("type"), "openUrl") || strings.EqualFold(b.text("type"), "signin") {
			one.address = b.text("value")
		}
		all = append(all, one)
	}
	return append(doc, buttons(all)...)
}

func listItems(all []object) []richtext.Doc {
	var items []richtext.Doc
	for _, one := range all {
		var runs []richtext.Run
		if title := one.text("title"); title != "" {
			run := richtext.Run{Text: title, Style: richtext.Bold}
			if tap := one.object("tap"); strings.EqualFold(tap.text("type"), "openUrl") {
				run.Link = tap.text("value")
			}
			runs = append(runs, run)
		}
		if subtitle := one.text("subtitle"); subtitle != "" {
			runs = append(runs, richtext.Run{Break: true}, richtext.Run{Text: subtitle})
		}
		items = append(items, richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}})
	}
	return items
}

// connector gives the text of a card of a connector or incoming webhook ("MessageCard").
func connector(card object) richtext.Doc {
	doc := plain(card.text("title"), richtext.Bold)
	doc = append(doc, marked(card.text("text"))...)
	for _, s := range card.objects("sections") {
		doc = append(doc, plain(s.text("title"), richtext.Bold)...)
		doc = append(doc, styled(marked(s.text("activityTitle")), richtext.Bold)...)
		doc = append(doc, marked(s.text("activitySubtitle"))...)
		doc = append(doc, marked(s.text("activityText"))...)
		doc = append(doc, marked(s.text("text"))...)
		var lines []fact
		for _, f := range s.objects("facts") {
			lines = append(lines, fact{f.text("name"), f.text("value")})
		}
		doc = append(doc, facts(lines, marked)...)
		doc = append(doc, picture(s.object("heroImage"), "image")...)
		for _, image := range s.objects("images") {
			doc = append(doc, picture(image, "image")...)
		}
		doc = append(doc, buttons(potential(s.objects("potentialAction")))...)
	}
	doc = append(doc, buttons(potential(card.objects("potentialAction")))...)
	if len(richtext.Normalize(doc)) == 0 {
		return plain(card.text("summary"), 0)
	}
	return doc
}

func potential(all []object) []button {
	var list []button
	for _, one := range all {
		b := button{title: one.text("name")}
		if one.text("@type") == "OpenUri" {
			for _, target := range one.objects("targets") {
				if b.address == "" || target.text("os") == "default" {
					b.address = target.text("uri")
				}
			}
		}
		list = append(list, b)
	}
	return list
}

// snippet gives the code of a snippet when it is in the message. In what Teams' own programs write it is not: there is only
// the address from which to fetch it.
func snippet(card object) richtext.Doc {
	code := card.text("code", "codeSnippet", "content")
	if lines, ok := card["lines"].([]any); ok && code == "" {
		var all []string
		for _, line := range lines {
			text, _ := line.(string)
			all = append(all, text)
		}
		code = strings.Join(all, "\n")
	}
	if code == "" {
		return nil
	}
	doc := plain(card.text("name"), richtext.Bold)
	return append(doc, richtext.Block{Kind: richtext.Code, Text: code, Language: strings.ToLower(card.text("language"))})
}
