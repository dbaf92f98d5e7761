package card

import (
	"strings"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// adaptive gives the text of an adaptive card, or what stands for it where it cannot be shown.
func adaptive(card object) richtext.Doc {
	doc := elements(card.objects("body"), 0)
	doc = append(doc, actions(card.objects("actions"))...)
	if len(richtext.Normalize(doc)) == 0 {
		return plain(card.text("fallbackText", "speak"), 0)
	}
	return doc
}

func elements(all []object, depth int) richtext.Doc {
	if depth > maxDepth {
		return nil
	}
	var doc richtext.Doc
	for _, one := range all {
		if visible, ok := one["isVisible"].(bool); ok && !visible {
			continue
		}
		doc = append(doc, element(one, depth)...)
	}
	return doc
}

func element(one object, depth int) richtext.Doc {
	switch one.text("type") {
	case "TextBlock":
		return textBlock(one)
	case "RichTextBlock":
		return richTextBlock(one)
	case "FactSet":
		var all []fact
		for _, f := range one.objects("facts") {
			all = append(all, fact{f.text("title"), f.text("value")})
		}
		return facts(all, markdown.Parse)
	case "Image":
		return picture(one, "url")
	case "ImageSet":
		return elements(one.objects("images"), depth+1)
	case "Media":
		return picture(one, "poster")
	case "Table":
		return table(one, depth)
	case "CodeBlock":
		return richtext.Doc{{Kind: richtext.Code, Text: one.text("codeSnippet"), Language: strings.ToLower(one.text("language"))}}
	case "ActionSet":
		return actions(one.objects("actions"))
	case "ColumnSet":
		return elements(one.objects("columns"), depth+1)
	}
	if label := one.text("label", "placeholder"); strings.HasPrefix(one.text("type"), "Input.") && label != "" {
		return plain("["+label+"]", 0)
	}
	return append(elements(one.objects("items"), depth+1), elements(one.objects("body"), depth+1)...) // a container, known or not
}

// textBlock reads a block of text. One in a large font, or in the style of one, is a heading.
func textBlock(one object) richtext.Doc {
	doc := markdown.Parse(one.text("text"))
	switch size := strings.ToLower(one.text("size")); {
	case len(doc) == 1 && doc[0].Kind == richtext.Paragraph && (size == "large" || size == "extralarge" || strings.EqualFold(one.text("style"), "heading")):
		doc[0].Kind, doc[0].Level = richtext.Heading, 4
	case strings.EqualFold(one.text("weight"), "bolder"):
		styled(doc, richtext.Bold)
	}
	return doc
}

func richTextBlock(one object) richtext.Doc {
	var runs []richtext.Run
	list, _ := one["inlines"].([]any)
	for _, inline := range list {
		if text, ok := inline.(string); ok {
			runs = append(runs, richtext.Run{Text: text})
			continue
		}
		fields, _ := inline.(map[string]any)
		in := object(fields)
		run := richtext.Run{Text: in.text("text"), Link: in.object("selectAction").text("url")}
		for name, style := range map[string]richtext.Style{"italic": richtext.Italic, "strikethrough": richtext.Strike, "underline": richtext.Underline} {
			if on, _ := in[name].(bool); on {
				run.Style |= style
			}
		}
		if strings.EqualFold(in.text("weight"), "bolder") {
			run.Style |= richtext.Bold
		}
		runs = append(runs, run)
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
}

func table(one object, depth int) richtext.Doc {
	t := richtext.Block{Kind: richtext.Table}
	for _, row := range one.objects("rows") {
		var cells richtext.Row
		for _, cell := range row.objects("cells") {
			var runs []richtext.Run
			for _, block := range elements(cell.objects("items"), depth+1) {
				runs = append(append(runs, richtext.Run{Text: " "}), block.Runs...)
			}
			cells = append(cells, runs)
		}
		t.Rows = append(t.Rows, cells)
	}
	return richtext.Doc{t}
}

func actions(all []object) richtext.Doc {
	var list []button
	for _, one := range all {
		b := button{title: one.text("title")}
		if one.text("type") == "Action.OpenUrl" {
			b.address = one.text("url")
		}
		list = append(list, b)
	}
	return buttons(list)
}
