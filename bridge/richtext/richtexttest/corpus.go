package richtexttest

import "causeway/bridge/richtext"

// Shaped gives a text made of a, b and link in a way that shape says, for fuzzing.
func Shaped(a, link, b string, shape uint32) richtext.Doc {
	first := richtext.Run{Text: a, Style: richtext.Style(shape & 15)}
	second := richtext.Run{Text: b, Style: richtext.Style(shape >> 4 & 15)}
	third := richtext.Run{Text: a, Style: richtext.Style(shape >> 8 & 15)}
	if shape>>12&1 != 0 {
		first.Link = link
	}
	if shape>>13&1 != 0 {
		second.Link = link
	}
	runs := []richtext.Run{first, second, third}
	if shape>>14&1 != 0 {
		runs = []richtext.Run{first, {Break: true}, second, third}
	}
	block := richtext.Block{Kind: richtext.Paragraph, Runs: runs}
	switch shape >> 15 & 3 {
	case 1:
		block = richtext.Block{Kind: richtext.Heading, Level: 2, Runs: runs}
	case 2:
		block = richtext.Block{Kind: richtext.Code, Text: a + "\n" + b, Language: "go"}
	case 3:
		block = richtext.Block{Kind: richtext.Table, Rows: []richtext.Row{{runs, {first}}, {{third}, runs}}, Align: []richtext.Alignment{"r"}}
	}
	code := richtext.Block{Kind: richtext.Code, Text: b}
	switch shape >> 17 & 7 {
	case 1:
		return richtext.Doc{{Kind: richtext.Quote, Blocks: richtext.Doc{block, code}}}
	case 2:
		return richtext.Doc{{Kind: richtext.List, Items: []richtext.Doc{{block}, {code, block}}}}
	case 3:
		return richtext.Doc{{Kind: richtext.List, Ordered: true, Start: int(shape >> 20), Items: []richtext.Doc{{block, code}, {block}}}}
	case 4:
		inner := richtext.Block{Kind: richtext.List, Items: []richtext.Doc{{block, {Kind: richtext.Rule}}, {code}}}
		return richtext.Doc{inner, inner, {Kind: richtext.Quote, Blocks: richtext.Doc{inner}}, block}
	}
	return richtext.Doc{block, block}
}

// Markdown is what people and programs post on Mattermost, and what breaks converters.
var Markdown = []string{
	"plain", "**bold** *it* _it_ ***both*** ~~strike~~ `code`", "a\nb\n\nc", "a  \nb\\\nc", "# h\n\n## h2 ##\n\nset\n===\n\nset\n---",
	"- a\n- b\n  - c\n    1. d\n\n      e\n- f", "3. a\n4. b\n\n1) c", "* a\n\n* b\n+ c", "> a\n> > b\n\n> c\nlazy", "```go\nx := 1\n\n\ty()\n```",
	"    indented\n\tcode", "~~~\na\n~~~", "| a | b |\n|---|---|\n| 1 | 2 |", "![alt](https://a.b/c.png)", "[a](https://a.b 'title') [b](/relative) [c](javascript:x)",
	"<b>html</b> <!-- c --> &amp; &lt; &#42; &copy;", "https://a.b/c_(d)_e, (https://x.y).", "<https://a.b> <a@b.c> www.a.b a@b.c", "@all @channel @here @user",
	"[ref]: https://a.b\n\n[ref]", "- [ ] task\n- [x] done", "***\n---\n___", "**a*b***c*", "***a** b*", "*a**b**c*", "__a__b__", "`` ` ``", "\\*a\\* \\\\",
	":smile: :+1: :white_check_mark:", "#hashtag", "~town-square", "$x$", "1. ```\n   a\n   ```\n2. > b", "- - - a", "-\n\n  a", "\x00\ufffe\xff", "[https://a.b](https://c.d)",
	"a|b\n-|-\n1|2|3\n4", "| a \\| b | `c\\|d` |\n|:--|--:|\n| **e** |", "text\n| a |\n|---|\n| b |\ntext", "- | a |\n  |---|", "> | a | b |\n> |:-:|---|", "|||\n|-|-|\n|a",
	"- [ ]\n- [ ] [x](https://a.b)\n- [x](https://a.b)\n1. [X] y", "$$x$$ $a_1$ $ b^2 $ \\$c^2$ $a$1",
}

// HTML is what Teams and other programs post, and what breaks converters.
var HTML = []string{
	"plain", "<p>a</p><p>&nbsp;</p><p>b</p>", "<div><div>a<br>b</div></div>", "<b>a</b><strong>b</strong><i>c</i><em>d</em><s>e</s><del>f</del><strike>g</strike><u>h</u>",
	"<a href=\"https://a.b\" title=\"t\">a</a><a href=\"javascript:x\">b</a>", "<h1>a</h1><h3>b<br>c</h3>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><ul><li>d</li></ul></ul>",
	"<ol start=\"3\"><li><p>a</p><p>b</p></li></ol>", "<blockquote itemscope=\"\" itemtype=\"http://schema.skype.com/Reply\"><p>a</p></blockquote><p>b</p>",
	"<pre>a\n b</pre><pre><code class=\"language-go\">a</code></pre>", "<codeblock class=\"Python\"><code>a<br>&nbsp; b</code></codeblock>", "a <code>b  &nbsp;c</code> d",
	"<table><tbody><tr><td>a</td><td>b</td></tr><tr><td><p>c</p></td><td><ul><li>d</li></ul></td></tr></tbody></table>", "a<hr>b",
	"<emoji id=\"smile\" alt=\"🙂\" title=\"Smile\"></emoji>", "<img src=\"https://a.b/c.png\" alt=\"x\"><img src=\"../hostedContents/1/$value\">", "<at id=\"0\">Zoë</at> hello",
	"a<attachment id=\"1\"></attachment>", "<systemEventMessage/>", "<script>x</script><style>y</style><!-- z -->a", "<p>a <b> b </b> c</p>\n<p>d</p>",
	"<abbr title=\"key\"></abbr>", "<p>a</p><abbr title=\"key\"></abbr>", "<b><p>a</b>b</p>", "<table><b>a<tr><td>b</table>", "<svg><title>a</title><p>b", "&lt;at id=\"0\"&gt;x&lt;/at&gt;",
	"<select><option>a<option>b</select>", "<plaintext>a</p>", "<math><mi>x</mi></math>", "<template><p>a</template>", "<noscript>a<b>b</b></noscript>", "<textarea>a\n<b>", "<p>https://a.b/c.</p>",
	"<table><caption>c</caption><tr><th colspan=2 align=right>a<td>b<tr><td rowspan=3>c<td style=\"text-align: center\">d<table><tr><td>e</table></table>", "<table><tr><td><p>alone</p></table>",
	"<ul><li>☐ a</li><li><input type=checkbox checked> b</li></ul>", "<u>a</u><ins>b</ins>", "<span style=\"font-weight:700;font-style:italic;text-decoration:underline line-through\">a</span>",
	"<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>a</p><p style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o </span>b</p>",
	"<at id=0>Zoë</at>&nbsp;<at id=1>Krüger</at>", "<emoji id=x alt=partyparrot></emoji>",
}
