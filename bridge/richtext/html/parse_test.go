package html

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

func line(runs ...richtext.Run) richtext.Block {
	return richtext.Block{Kind: richtext.Paragraph, Runs: runs}
}

func plain(s string) richtext.Run { return richtext.Run{Text: s} }

func TestParseReadsWhatTeamsWrites(t *testing.T) {
	const bold, italic, strike, code = richtext.Bold, richtext.Italic, richtext.Strike, richtext.InlineCode
	for in, want := range map[string]richtext.Doc{
		"<p>a</p><p>&nbsp;</p>\n<p>b</p>":       {line(plain("a")), line(plain("b"))},
		"<div><div>a<br>b</div></div>":          {line(plain("a"), richtext.Run{Break: true}, plain("b"))},
		"<div> a\n <b> b </b>\t c&nbsp; </div>": {line(plain("a "), richtext.Run{Text: "b", Style: bold}, plain(" c"))},
		"<b>a</b><em>b</em><del>c</del><u>d</u><span>e</span>": {line(richtext.Run{Text: "a", Style: bold}, richtext.Run{Text: "b", Style: italic},
			richtext.Run{Text: "c", Style: strike}, richtext.Run{Text: "d", Style: richtext.Underline}, plain("e"))},
		`<a href="https://a.b">x</a> <a href="javascript:y">z</a>`: {line(richtext.Run{Text: "x", Link: "https://a.b"}, plain(" z"))},
		"<h3>a<br>b</h3>": {{Kind: richtext.Heading, Level: 3, Runs: []richtext.Run{plain("a b")}}},
		`<ol start="3"><li><p>a</p></li><li>b<ul><li>c</li></ul></li></ol>`: {{Kind: richtext.List, Ordered: true, Start: 3, Items: []richtext.Doc{
			{line(plain("a"))}, {line(plain("b")), {Kind: richtext.List, Items: []richtext.Doc{{line(plain("c"))}}}}}}},
		"<ul><li>a</li><ul><li>b</li></ul></ul>": {{Kind: richtext.List, Items: []richtext.Doc{
			{line(plain("a")), {Kind: richtext.List, Items: []richtext.Doc{{line(plain("b"))}}}}}}},
		"<blockquote><p>a</p></blockquote>b":                           {{Kind: richtext.Quote, Blocks: richtext.Doc{line(plain("a"))}}, line(plain("b"))},
		`<codeblock class="Go"><code>a<br>&nbsp; b</code></codeblock>`: {{Kind: richtext.Code, Language: "Go", Text: "a\n  b"}},
		"<pre>\n\ta\n\nb</pre>":                                        {{Kind: richtext.Code, Text: "\ta\n\nb"}},
		"<pre><div>a</div><div>b</div></pre>":                          {{Kind: richtext.Code, Text: "a\nb"}},
		"x <code>a &nbsp;b</code>":                                     {line(plain("x "), richtext.Run{Text: "a  b", Style: code})},
		"<table><tr><th>a</th><td>b</td></tr><tr><td><p>c</p></td></tr></table>": {{Kind: richtext.Table, Rows: []richtext.Row{
			{{plain("a")}, {plain("b")}}, {{plain("c")}}}}},
		"a<hr>b": {line(plain("a")), {Kind: richtext.Rule}, line(plain("b"))},
		`hi <emoji id="smile" alt="🙂" title="Smile"></emoji>!`:                      {line(plain("hi 🙂!"))},
		`<emoji alt="🙂"/> rest`:                                                     {line(plain("🙂 rest"))},
		`<img itemtype="http://schema.skype.com/Emoji" alt="🙂" src="x">`:            {line(plain("🙂"))},
		`<img src="https://a.b/c" alt="cat"><img src="../hostedContents/1/$value">`: {line(richtext.Run{Text: "[cat]", Link: "https://a.b/c", Kind: richtext.Image}, plain("[picture]"))},
		`<at id="0">Zoë K</at> hi`:                                                  {line(plain("@Zoë K hi"))},
		`a<attachment id="1"></attachment>`:                                         {line(plain("a"))},
		"<systemEventMessage/>":                                                     nil,
		"<script>x</script><style>y</style><!-- z -->":                              nil,
		"<unknown>a <b>b</unknown></b>":                                             {line(plain("a "), richtext.Run{Text: "b", Style: bold})},
		"see https://a.b/c.":                                                        {line(plain("see "), richtext.Run{Text: "https://a.b/c", Link: "https://a.b/c"}, plain("."))},
		"&lt;at id=\"0\"&gt;x&lt;/at&gt; &amp;amp;":                                 {line(plain("<at id=\"0\">x</at> &amp;"))},
	} {
		if diff := cmp.Diff(want, Parse(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestRenderKeepsTextText(t *testing.T) {
	in := `<at id="0">all</at> <attachment id="1"></attachment> <abbr title="k"></abbr> & &lt; "q"`
	got := Render(richtext.Doc{line(plain(in))})
	want := `<p>&lt;at id="0"&gt;all&lt;/at&gt; &lt;attachment id="1"&gt;&lt;/attachment&gt; &lt;abbr title="k"&gt;&lt;/abbr&gt; &amp; &amp;lt; "q"</p>`
	if got != want {
		t.Errorf("got %s", got)
	}
	link := Render(richtext.Doc{line(richtext.Run{Text: "x", Link: `https://a.b/"onclick="y&z`})})
	if want := `<p><a href="https://a.b/%22onclick=%22y&amp;z">x</a></p>`; link != want {
		t.Errorf("got %s", link)
	}
}

func TestOptionsDecideOnPicturesAndMentions(t *testing.T) {
	o := Options{
		Picture: func(source, alternative string) []richtext.Run {
			return []richtext.Run{{Text: source + "|" + alternative}}
		},
		Mention: func(id, name string) richtext.Run { return richtext.Run{Text: "<" + id + ":" + name + ">"} },
	}
	doc := o.Parse(`<img src="s" alt="a"><at id="7">Zoë</at>`)
	if got := doc.PlainText(); got != "s|a<7:Zoë>" {
		t.Errorf("got %q", got)
	}
}

func TestKeyIsTheEndOfTheBodyOnly(t *testing.T) {
	const abbr = `<abbr title="Key_1-x"></abbr>`
	for body, want := range map[string]string{
		"<p>a</p>" + abbr:                   "Key_1-x",
		"a" + abbr:                          "Key_1-x",
		abbr:                                "Key_1-x",
		"<p>a</p>" + abbr + " \n<!-- c -->": "Key_1-x",
		"<p>a" + abbr + "</p>":              "Key_1-x",
		"<div><p>a</p>" + abbr + "</div>\n": "Key_1-x",
		"<div><div><p>a</p><p>" + abbr + "</p></div></div>":             "Key_1-x",
		"<p>a</p>" + abbr + "b":                                         "",
		"<p>a</p>" + abbr + "<p>b</p>":                                  "",
		"<p>a</p>" + abbr + "<br>":                                      "",
		abbr + abbr:                                                     "Key_1-x",
		"<p>" + abbr + "a</p>":                                          "",
		"<blockquote><p>a</p>" + abbr + "</blockquote>":                 "",
		"<blockquote>a" + abbr + "</blockquote><p>b</p>":                "",
		"<p>a</p><attachment id=\"1\">" + abbr + "</attachment>":        "",
		"<ul><li>a" + abbr + "</li></ul>":                               "",
		"<p>a<b>" + abbr + "</b></p>":                                   "",
		"<p>a</p><pre>" + abbr + "</pre>":                               "",
		`<p>a</p><abbr title="Key_1-x">shown</abbr>`:                    "",
		`<p>a</p><abbr title="no key"></abbr>`:                          "",
		`<p>a</p><abbr></abbr>`:                                         "",
		`<p>a</p><abbr title="` + strings.Repeat("x", 65) + `"></abbr>`: "",
		"<p>&lt;abbr title=\"Key_1-x\"&gt;&lt;/abbr&gt;</p>":            "",
	} {
		if _, got := ParseWithKey(body); got != want {
			t.Errorf("%s has key %q, want %q", body, got, want)
		}
	}
}

func TestKeyChangesNothingThatPeopleSee(t *testing.T) {
	for _, doc := range []richtext.Doc{nil, {line(plain("a"))}, {{Kind: richtext.Code, Text: "a"}}, {{Kind: richtext.List, Items: []richtext.Doc{{line(plain("a"))}}}}} {
		got, key := ParseWithKey(RenderWithKey(doc, "k"))
		if diff := cmp.Diff(richtext.Normalize(doc), got); diff != "" || key != "k" {
			t.Errorf("key %q, %s", key, diff)
		}
		if RenderWithKey(doc, "") != Render(doc) {
			t.Error("no key is not no key")
		}
	}
}

// patience is far more than any of these needs (all together take seconds), and far less than what takes time with the
// square of the length would need.
const patience = 30 * time.Second

// TestParseIsNotHeldUp by what somebody may send to hold it up, and keeps its words.
func TestParseIsNotHeldUp(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, unit := range []string{
		"x", " ", "a ", "<p>", "<p>a", "<div>", "<b>", "<b><p>", "<i><b>a</i>", "<a href=x>", "<font>", "<ul><li>", "<li>", "<blockquote>", "<table>", "<table><tr><td>", "<td>",
		"<select>", "<svg>", "<math>", "<template>", "</p>", "</b>", "<br>", "&amp;", "&", "<", "<!--", "<b></b>", "<code>", "<pre>", "<at>", "<emoji alt=x>", "<img>", "<h1>", "<!DOCTYPE>",
		"<p><b>", "<b><p></b>", "<table><b>", "<a>a<p>", "<li><ul>", "</td>", "<p title=", "<nobr>", "<button>", "<form>", "<option>", "<ruby><rt>", "<frameset>", "<html a=b>", "<body a=b>",
	} {
		s := "begin " + strings.Repeat(unit, 100_000) + "--></pre></template></select></title> end"
		start := richtexttest.CPUTime()
		doc, _ := ParseWithKey(s)
		Render(doc)
		if took := richtexttest.CPUTime() - start; took > patience {
			t.Errorf("%q took %v", unit, took)
		}
		if !strings.Contains(doc.PlainText(), "begin") {
			t.Errorf("%q: words were lost", unit)
		}
	}
}

func TestWhatNestsTooDeepKeepsItsWords(t *testing.T) {
	for _, name := range []string{"div", "b", "blockquote", "span", "unknown"} {
		s := strings.Repeat("<"+name+">", 100_000) + "deep<br>words" + strings.Repeat("</"+name+">", 100_000) + "<script>x</script><p>end</p>"
		if got := Parse(s).PlainText(); got != "deep\nwords\nend" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	s := Render(long())
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Parse(s)
	}
}

func BenchmarkRender(b *testing.B) {
	doc := long()
	b.SetBytes(int64(len(Render(doc))))
	for b.Loop() {
		Render(doc)
	}
}

// long is about as long as people write.
func long() richtext.Doc {
	return Parse(`<h1>Title</h1><p>Some <strong>bold</strong> and <em>italic</em> words, <code>code</code> and https://a.b/c_d.<br>A second line with a
		<a href="https://c.d">link</a>.</p><ul><li>one</li><li>two<ol><li>three</li></ol></li></ul><blockquote><p>quoted words</p></blockquote>
		<pre><code class="language-go">func main() {&#10;println(1)&#10;}</code></pre><p>The end, with <at id="0">someone</at>.</p>`)
}
