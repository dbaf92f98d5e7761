package html

import (
	"fmt"
	"strings"

	"causeway/bridge/richtext"
)

// Render gives doc as HTML. What a person typed is text there: it cannot become a tag, a mention or an attachment.
// Parse gives the same text again, in canonical form.
func Render(doc richtext.Doc) string { return Options{}.Render(doc) }

// Render is [Render] with options.
func (o Options) Render(doc richtext.Doc) string {
	w := writer{options: o}
	w.blocks(doc.Reduced(0, o.keeps))
	return w.String()
}

// keeps tells whether a mention, emoji or image is written as such. Emoji that no character stands for are words here.
func (o Options) keeps(r richtext.Run) bool {
	switch r.Kind {
	case richtext.Mention:
		if o.MentionID == nil {
			return false
		}
		_, ok := o.MentionID(r)
		return ok
	case richtext.Image:
		return o.Pictures
	}
	return false
}

// RenderWithKey gives doc as HTML with key at the end, where [ParseWithKey] finds it. The key must be one that
// [IsKey] accepts; an empty one adds nothing.
func RenderWithKey(doc richtext.Doc, key string) string { return Options{}.RenderWithKey(doc, key) }

// RenderWithKey is [RenderWithKey] with options.
func (o Options) RenderWithKey(doc richtext.Doc, key string) string {
	if key == "" {
		return o.Render(doc)
	}
	return o.Render(doc) + `<abbr title="` + attribute.Replace(key) + `"></abbr>`
}

// writer writes the HTML of a text.
type writer struct {
	strings.Builder
	options Options
}

var (
	// ">" need not be escaped, but "]]>" and such confuse weaker parsers.
	escaped   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	attribute = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	// The second of two spaces would be lost in inline code.
	escapedCode = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "  ", " \u00a0")
)

func (b *writer) blocks(doc richtext.Doc) {
	for _, block := range doc {
		b.block(block)
	}
}

func (b *writer) block(block richtext.Block) {
	switch block.Kind {
	case richtext.Heading:
		fmt.Fprintf(b, "<h%d>", block.Level)
		b.line(block.Runs)
		fmt.Fprintf(b, "</h%d>", block.Level)
	case richtext.Code:
		b.WriteString("<pre><code")
		if block.Language != "" {
			b.WriteString(` class="` + languagePrefix + attribute.Replace(block.Language) + `"`)
		}
		b.WriteString(">" + escaped.Replace(block.Text) + "</code></pre>")
	case richtext.Quote:
		b.WriteString("<blockquote>")
		b.blocks(block.Blocks)
		b.WriteString("</blockquote>")
	case richtext.List:
		b.list(block)
	case richtext.Table:
		b.table(block)
	case richtext.Rule:
		b.WriteString("<hr>")
	default:
		b.WriteString("<p>")
		b.line(block.Runs)
		b.WriteString("</p>")
	}
}

func (b *writer) list(list richtext.Block) {
	end := "</ul>"
	switch {
	case !list.Ordered:
		b.WriteString("<ul>")
	case list.Start == 1:
		b.WriteString("<ol>")
		end = "</ol>"
	default:
		fmt.Fprintf(b, `<ol start="%d">`, list.Start)
		end = "</ol>"
	}
	for _, item := range list.Items {
		b.WriteString("<li>")
		// Teams puts much space around a paragraph in an item.
		if item[0].Kind == richtext.Paragraph {
			b.WriteString(item[0].Task.Box())
			b.line(item[0].Runs)
			item = item[1:]
		}
		b.blocks(item)
		b.WriteString("</li>")
	}
	b.WriteString(end)
}

// styleTags from the outermost to the innermost.
var styleTags = [...]struct {
	style richtext.Style
	name  string
}{{richtext.Bold, "strong"}, {richtext.Italic, "em"}, {richtext.Strike, "s"}, {richtext.Underline, "u"}}

// line keeps a tag open as long as the runs have its style, so that the tags always nest.
func (b *writer) line(runs []richtext.Run) {
	var open []int // indexes of styleTags
	for i, r := range runs {
		if r.Break {
			keep := 0
			for i+1 < len(runs) && keep < len(open) && runs[i+1].Style&styleTags[open[keep]].style != 0 {
				keep++
			}
			open = b.closeTags(open, keep)
			b.WriteString("<br>")
			continue
		}
		keep := 0
		for keep < len(open) && r.Style&styleTags[open[keep]].style != 0 {
			keep++
		}
		open = b.closeTags(open, keep)
		for i, tag := range styleTags {
			if r.Style&tag.style != 0 && !contains(open, i) {
				b.WriteString("<" + tag.name + ">")
				open = append(open, i)
			}
		}
		b.run(r)
	}
	b.closeTags(open, 0)
}

func (b *writer) closeTags(open []int, keep int) []int {
	for len(open) > keep {
		b.WriteString("</" + styleTags[open[len(open)-1]].name + ">")
		open = open[:len(open)-1]
	}
	return open
}

func contains(open []int, i int) bool {
	for _, o := range open {
		if o == i {
			return true
		}
	}
	return false
}

func (b *writer) run(r richtext.Run) {
	switch r.Kind {
	case richtext.Mention:
		id, _ := b.options.MentionID(r)
		b.WriteString(`<at id="` + attribute.Replace(id) + `">` + escaped.Replace(strings.TrimPrefix(r.Text, "@")) + "</at>")
		return
	case richtext.Image:
		b.WriteString(`<img src="` + attribute.Replace(r.Link) + `" alt="` + attribute.Replace(r.Alternative()) + `">`)
		return
	}
	if r.Link != "" {
		b.WriteString(`<a href="` + attribute.Replace(r.Link) + `">`)
	}
	if r.Style&richtext.InlineCode != 0 {
		b.WriteString("<code>" + escapedCode.Replace(r.Text) + "</code>")
	} else {
		b.WriteString(escaped.Replace(r.Text))
	}
	if r.Link != "" {
		b.WriteString("</a>")
	}
}
