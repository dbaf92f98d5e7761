package html

import (
	"fmt"
	"strings"

	"causeway/bridge/richtext"
)

// Render gives doc as HTML. What a person typed is text there: it cannot become a tag, a mention or an attachment.
// Parse gives the same text again, in canonical form.
func Render(doc richtext.Doc) string {
	var b strings.Builder
	writeBlocks(&b, richtext.Normalize(doc))
	return b.String()
}

// RenderWithKey gives doc as HTML with key at the end, where [ParseWithKey] finds it. The key must be one that
// [IsKey] accepts; an empty one adds nothing.
func RenderWithKey(doc richtext.Doc, key string) string {
	if key == "" {
		return Render(doc)
	}
	return Render(doc) + `<abbr title="` + attribute.Replace(key) + `"></abbr>`
}

var (
	// ">" need not be escaped, but "]]>" and such confuse weaker parsers.
	escaped   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	attribute = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	// The second of two spaces would be lost in inline code.
	escapedCode = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "  ", " \u00a0")
)

func writeBlocks(b *strings.Builder, doc richtext.Doc) {
	for _, block := range doc {
		writeBlock(b, block)
	}
}

func writeBlock(b *strings.Builder, block richtext.Block) {
	switch block.Kind {
	case richtext.Heading:
		fmt.Fprintf(b, "<h%d>", block.Level)
		writeRuns(b, block.Runs)
		fmt.Fprintf(b, "</h%d>", block.Level)
	case richtext.Code:
		b.WriteString("<pre><code")
		if block.Language != "" {
			b.WriteString(` class="` + languagePrefix + attribute.Replace(block.Language) + `"`)
		}
		b.WriteString(">" + escaped.Replace(block.Text) + "</code></pre>")
	case richtext.Quote:
		b.WriteString("<blockquote>")
		writeBlocks(b, block.Blocks)
		b.WriteString("</blockquote>")
	case richtext.List:
		writeList(b, block)
	case richtext.Rule:
		b.WriteString("<hr>")
	default:
		b.WriteString("<p>")
		writeRuns(b, block.Runs)
		b.WriteString("</p>")
	}
}

func writeList(b *strings.Builder, list richtext.Block) {
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
			writeRuns(b, item[0].Runs)
			item = item[1:]
		}
		writeBlocks(b, item)
		b.WriteString("</li>")
	}
	b.WriteString(end)
}

// styleTags from the outermost to the innermost.
var styleTags = [...]struct {
	style richtext.Style
	name  string
}{{richtext.Bold, "strong"}, {richtext.Italic, "em"}, {richtext.Strike, "s"}}

// writeRuns keeps a tag open as long as the runs have its style, so that the tags always nest.
func writeRuns(b *strings.Builder, runs []richtext.Run) {
	var open []int // indexes of styleTags
	for _, r := range runs {
		if r.Break {
			b.WriteString("<br>")
			continue
		}
		keep := 0
		for keep < len(open) && r.Style&styleTags[open[keep]].style != 0 {
			keep++
		}
		open = closeTags(b, open, keep)
		for i, tag := range styleTags {
			if r.Style&tag.style != 0 && !contains(open, i) {
				b.WriteString("<" + tag.name + ">")
				open = append(open, i)
			}
		}
		writeRun(b, r)
	}
	closeTags(b, open, 0)
}

func closeTags(b *strings.Builder, open []int, keep int) []int {
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

func writeRun(b *strings.Builder, r richtext.Run) {
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
