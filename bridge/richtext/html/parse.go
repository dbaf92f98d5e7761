package html

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"causeway/bridge/richtext"
)

// languagePrefix is how HTML's own specification names the language of a code element in its class.
const languagePrefix = "language-"

// Options tell [Options.Parse] what to make of what is not text. The zero value does what [Parse] does.
type Options struct {
	// Picture gives what stands for an <img>; nil: an image where the source is one that people can open, else its
	// alternative text or "picture" in brackets. Pictures of emoji are not asked for: they are their emoji.
	Picture func(source, alternative string) []richtext.Run
	// Mention gives what stands for <at id="…">name</at>; nil: "@name". Neighbours that mention one person become one:
	// Teams makes a mention of each word of a name.
	Mention func(id, name string) richtext.Run

	// The rest is for Render.

	// MentionID gives the id of the <at> that is written for a mention; false, or nil: its name is written as text.
	MentionID func(mention richtext.Run) (id string, ok bool)
	// Pictures: images are written as <img>, which makes those who read them load them; otherwise as links.
	Pictures bool
}

// Parse gives the text of a body whose contentType is html, in canonical form. It never fails: what is no HTML is text.
func Parse(s string) richtext.Doc { return Options{}.Parse(s) }

// ParseWithKey is Parse, and gives the key that [RenderWithKey] put at the end of the body; "" when there is none.
func ParseWithKey(s string) (richtext.Doc, string) { return Options{}.ParseWithKey(s) }

// Parse is [Parse] with options.
func (o Options) Parse(s string) richtext.Doc {
	doc, _ := o.ParseWithKey(s)
	return doc
}

// unreadable is the key of a text that could not be read: it is nobody's, so Causeway's own post with such a text is
// not taken for a new message.
const unreadable = "unreadable"

// ParseWithKey is [ParseWithKey] with options.
func (o Options) ParseWithKey(s string) (doc richtext.Doc, mark string) {
	// A text that the parser chokes on must not end the process, and again at every start.
	defer func() {
		if recover() != nil {
			doc, mark = richtext.Plain("(a message that cannot be read)"), unreadable
		}
	}()
	if strings.Count(s, "<") > maxDepth && tooDeep(s) { // so many tags are needed for it
		return flat(s), ""
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	// Without scripting: what is inside <noscript> is text that somebody sees.
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(s), body, html.ParseOptionEnableScripting(false))
	if err != nil {
		return flat(s), ""
	}
	b := builder{options: o}
	for _, n := range nodes {
		b.add(n, look{})
	}
	return richtext.Normalize(b.finish()), key(nodes)
}

// look is what the elements around a text make of it.
type look struct {
	style richtext.Style
	link  string
}

// builder gathers blocks. Text outside block elements becomes a paragraph when the next block begins.
type builder struct {
	options Options
	doc     richtext.Doc
	runs    []richtext.Run
	// listed is how long doc was when the last item of one of Word's lists was added.
	listed int
}

func (b *builder) finish() richtext.Doc {
	b.endParagraph()
	return b.doc
}

func (b *builder) endParagraph() {
	if len(b.runs) > 0 {
		b.block(richtext.Block{Kind: richtext.Paragraph, Runs: b.runs})
		b.runs = nil
	}
}

func (b *builder) block(block richtext.Block) { b.doc = append(b.doc, block) }

// inside gives the blocks of n's children.
func (b *builder) inside(n *html.Node, l look) richtext.Doc {
	inner := builder{options: b.options}
	inner.children(n, l)
	return inner.finish()
}

func (b *builder) children(n *html.Node, l look) {
	for c := range n.ChildNodes() {
		b.add(c, l)
	}
}

func (b *builder) text(text string, l look) {
	b.runs = append(b.runs, richtext.Run{Text: collapse(text), Style: l.style, Link: l.link})
}

func (b *builder) add(n *html.Node, l look) {
	switch n.Type {
	case html.TextNode:
		b.text(n.Data, l)
	case html.ElementNode:
		b.element(n, l)
	}
}

func (b *builder) element(n *html.Node, l look) {
	style := attr(n, "style")
	if style != "" && (isHidden(style) || isWordMarker(n)) {
		return
	}
	l.style |= tagStyles[n.Data]
	if style != "" {
		l.style = withStyle(l.style, style)
	}
	switch n.Data {
	case "script", "style", "title", "template":
	case "a":
		l.link = attr(n, "href")
		b.children(n, l)
	case "br":
		b.runs = append(b.runs, richtext.Run{Break: true})
	case "at":
		b.mention(n, l)
	case "img":
		b.picture(n, l)
	case "emoji":
		b.emoji(n, l)
	case "input":
		b.checkbox(n, l)
	default:
		if !isBlock(n.Data) {
			b.children(n, l)
			return
		}
		b.endParagraph()
		b.blockElement(n, l)
		b.endParagraph()
	}
}

var tagStyles = map[string]richtext.Style{
	"b": richtext.Bold, "strong": richtext.Bold, "i": richtext.Italic, "em": richtext.Italic, "u": richtext.Underline, "ins": richtext.Underline,
	"s": richtext.Strike, "strike": richtext.Strike, "del": richtext.Strike,
	"code": richtext.InlineCode, "kbd": richtext.InlineCode, "samp": richtext.InlineCode, "tt": richtext.InlineCode,
}

var blockNames = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`p div h1 h2 h3 h4 h5 h6 ul ol menu li blockquote pre codeblock table hr
		section article aside header footer main nav figure figcaption address dl dt dd form fieldset legend details
		summary center dialog hgroup search listing xmp plaintext tbody thead tfoot tr td th caption option`) {
		blockNames[name] = true
	}
}

func isBlock(name string) bool { return blockNames[name] }

func (b *builder) blockElement(n *html.Node, l look) {
	switch n.Data {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		b.heading(n, l)
	case "ul", "ol", "menu":
		b.list(n, l)
	case "blockquote":
		b.block(richtext.Block{Kind: richtext.Quote, Blocks: b.inside(n, l)})
	case "pre", "codeblock", "listing", "xmp", "plaintext":
		b.block(code(n))
	case "table":
		b.table(n, l)
	case "hr":
		b.block(richtext.Block{Kind: richtext.Rule})
	default:
		if level := wordLevel(n); level > 0 && n.Data == "p" {
			b.wordItem(n, level, l)
			return
		}
		b.children(n, l)
	}
}

// heading makes one line of n. Where somebody put more into a heading than text, that follows it.
func (b *builder) heading(n *html.Node, l look) {
	l.style &^= richtext.Bold // as headings are anyway
	for _, inner := range b.inside(n, l) {
		if inner.Kind == richtext.Paragraph {
			inner.Kind, inner.Level = richtext.Heading, int(n.Data[1]-'0')
		}
		b.block(inner)
	}
}

func (b *builder) list(n *html.Node, l look) {
	list := richtext.Block{Kind: richtext.List, Ordered: n.Data == "ol"}
	if list.Ordered {
		list.Start = firstNumber(n)
	}
	for c := range n.ChildNodes() {
		switch {
		case c.Type == html.ElementNode && c.Data == "li":
			list.Items = append(list.Items, b.inside(c, l))
		case len(list.Items) > 0:
			// A list right inside a list belongs to the item before it.
			stray := builder{options: b.options}
			stray.add(c, l)
			last := &list.Items[len(list.Items)-1]
			*last = append(*last, richtext.Normalize(stray.finish())...)
		default:
			stray := builder{options: b.options}
			stray.add(c, l)
			if doc := richtext.Normalize(stray.finish()); len(doc) > 0 {
				list.Items = append(list.Items, doc)
			}
		}
	}
	b.block(list)
}

// firstNumber gives where an <ol> begins to count: where it says so itself, or its first item does.
func firstNumber(n *html.Node) int {
	first := attr(n, "start")
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode && c.Data == "li" {
			first = cmp.Or(attr(c, "value"), first)
			break
		}
	}
	if start, err := strconv.Atoi(strings.TrimSpace(first)); err == nil {
		return start
	}
	return 1
}

func (b *builder) mention(n *html.Node, l look) {
	name := strings.TrimSpace(collapse(textOf(n)))
	if name == "" {
		return
	}
	one := richtext.Run{Text: "@" + strings.TrimPrefix(name, "@")}
	if b.options.Mention != nil {
		one = b.options.Mention(attr(n, "id"), name)
	}
	one.Style |= l.style
	if l.link != "" {
		one.Link = l.link
	}
	last := len(b.runs) - 1
	if last > 0 && strings.TrimSpace(b.runs[last].Text) == "" && !b.runs[last].Break {
		last--
	}
	if last >= 0 && one.Kind == richtext.Mention && b.runs[last].Kind == one.Kind && b.runs[last].Who == one.Who && b.runs[last].Text != one.Text {
		b.runs[last].Text += " " + strings.TrimPrefix(one.Text, "@")
		b.runs = b.runs[:last+1]
		return
	}
	b.runs = append(b.runs, one)
}

func (b *builder) picture(n *html.Node, l look) {
	source, alternative := attr(n, "src"), strings.TrimSpace(attr(n, "alt"))
	// Teams once wrote emoji as pictures: itemtype="http://schema.skype.com/Emoji".
	if strings.HasSuffix(attr(n, "itemtype"), "/Emoji") && alternative != "" {
		b.runs = append(b.runs, emojiRun(alternative, l))
		return
	}
	if b.options.Picture != nil {
		b.runs = append(b.runs, b.options.Picture(source, alternative)...)
		return
	}
	if alternative == "" {
		alternative = "picture"
	}
	one := richtext.Run{Text: "[" + collapse(alternative) + "]", Style: l.style, Link: l.link}
	// Hosted contents open with a token only, so a link to them is of no use to people.
	if l.link == "" && !strings.Contains(source, "/hostedContents/") {
		one.Kind, one.Link = richtext.Image, source
	}
	b.runs = append(b.runs, one)
}

// emoji takes the character, and what is inside unless it says the same: a tag that closes itself is open in HTML,
// so the rest of the text may be inside.
func (b *builder) emoji(n *html.Node, l look) {
	alternative := attr(n, "alt")
	if alternative == "" {
		if isSign(textOf(n)) {
			b.children(n, l)
			return
		}
		alternative = attr(n, "title")
	}
	b.runs = append(b.runs, emojiRun(strings.TrimSpace(alternative), l))
	if strings.TrimSpace(textOf(n)) != strings.TrimSpace(alternative) {
		b.children(n, l)
	}
}

// isSign tells whether text is something, and no words.
func isSign(text string) bool {
	return strings.TrimSpace(text) != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x80 && r > ' ' || unicode.IsLetter(r) })
}

// emojiRun gives the run of an emoji, whose alternative text is a character, or the name of one that an organisation has
// made itself.
func emojiRun(alternative string, l look) richtext.Run {
	if alternative != "" && richtext.IsEmojiName(strings.Trim(alternative, ":")) {
		return richtext.Run{Kind: richtext.Emoji, Text: ":" + strings.Trim(alternative, ":") + ":", Style: l.style, Link: l.link}
	}
	return richtext.Run{Text: collapse(alternative), Style: l.style, Link: l.link}
}

// checkbox gives the box of a task.
func (b *builder) checkbox(n *html.Node, l look) {
	if !strings.EqualFold(attr(n, "type"), "checkbox") {
		return
	}
	task := richtext.TaskOpen
	for _, a := range n.Attr {
		if a.Key == "checked" {
			task = richtext.TaskDone
		}
	}
	b.text(task.Box(), look{})
}

// code gives the block of a <pre> or <codeblock>.
func code(n *html.Node) richtext.Block {
	block := richtext.Block{Kind: richtext.Code, Language: language(attr(n, "class"))}
	var b strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode:
				b.WriteString(c.Data)
			case c.Type != html.ElementNode || c.Data == "script" || c.Data == "style":
			case c.Data == "br":
				b.WriteByte('\n')
			case c.Data == "emoji" || c.Data == "img":
				b.WriteString(attr(c, "alt"))
				walk(c)
			default:
				if c.Data == "code" && block.Language == "" {
					block.Language = language(attr(c, "class"))
				}
				ownLine := isBlock(c.Data)
				if ownLine && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
					b.WriteByte('\n')
				}
				walk(c)
				if ownLine && c.NextSibling != nil && !strings.HasSuffix(b.String(), "\n") {
					b.WriteByte('\n')
				}
			}
		}
	}
	walk(n)
	block.Text = b.String()
	return block
}

// language takes the name of a language from the class of an element: "language-go", or "Go" as codeblocks have.
func language(class string) string {
	names := strings.Fields(class)
	if i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, languagePrefix) }); i >= 0 {
		return strings.TrimPrefix(names[i], languagePrefix)
	}
	if len(names) == 1 && !strings.Contains(names[0], "-") {
		return names[0]
	}
	return ""
}

// collapse makes one space of white space, as browsers do.
func collapse(text string) string {
	if !strings.ContainsAny(text, "\t\n\r\f") && !strings.Contains(text, "  ") {
		return text
	}
	var b strings.Builder
	space := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r', '\f':
			space = true
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteByte(c)
		}
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
