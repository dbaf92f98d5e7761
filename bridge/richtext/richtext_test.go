package richtext_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

func paragraph(runs ...Run) Block { return Block{Kind: Paragraph, Runs: runs} }

func text(s string) Run { return Run{Text: s} }

func TestNormalizeGivesCanonicalForm(t *testing.T) {
	tests := map[string]struct{ in, want Doc }{
		"equal neighbours are merged": {
			Doc{paragraph(text("a"), text("b"), Run{Text: "c", Style: Bold}, Run{Text: "d", Style: Bold})},
			Doc{paragraph(text("ab"), Run{Text: "cd", Style: Bold})},
		},
		"nothing to see": {
			Doc{{Kind: Paragraph}, paragraph(text(" \u200b\x00\t")), {Kind: Quote}, {Kind: List, Items: []Doc{{}}}, {Kind: Code, Text: " \n"}},
			nil,
		},
		"white space": {
			Doc{paragraph(text("  a \u00a0\t b "), Run{Break: true}, text(" c "))},
			Doc{paragraph(text("a b"), Run{Break: true}, text("c"))},
		},
		"spaces have what their neighbours have in common": {
			Doc{paragraph(Run{Text: "a ", Style: Bold}, Run{Text: "b", Style: Bold | Italic}, Run{Text: " c", Style: Italic})},
			Doc{paragraph(Run{Text: "a ", Style: Bold}, Run{Text: "b", Style: Bold | Italic}, Run{Text: " c", Style: Italic})},
		},
		"spaces at the ends of a style are outside": {
			Doc{paragraph(text("a"), Run{Text: " b ", Style: Strike}, text("c"))},
			Doc{paragraph(text("a "), Run{Text: "b", Style: Strike}, text(" c"))},
		},
		"two breaks end the paragraph": {
			Doc{paragraph(Run{Break: true}, text("a"), Run{Break: true}, Run{Break: true}, text("b\nc"), Run{Break: true})},
			Doc{paragraph(text("a")), paragraph(text("b"), Run{Break: true}, text("c"))},
		},
		"links lead to the web": {
			Doc{paragraph(Run{Text: "a", Link: "javascript:x"}, Run{Text: "b", Link: " https://b/c d "}, Run{Text: "c", Link: "mailto:c@d"})},
			Doc{paragraph(text("a"), Run{Text: "b", Link: "https://b/c%20d"}, Run{Text: "c", Link: "mailto:c@d"})},
		},
		"bare addresses are linked": {
			Doc{paragraph(text("(see https://a.b/c_(d)), xhttps://no"))},
			Doc{paragraph(text("(see "), Run{Text: "https://a.b/c_(d)", Link: "https://a.b/c_(d)"}, text("), xhttps://no"))},
		},
		"inline code": {
			Doc{paragraph(Run{Text: " a  b\n", Style: InlineCode | Bold}, Run{Text: "c", Style: InlineCode})},
			Doc{paragraph(Run{Text: "a  b", Style: InlineCode}, text(" "), Run{Text: "c", Style: InlineCode})},
		},
		"code": {
			Doc{{Kind: Code, Text: "\n\ta\r\n \nb\xff\n\n", Language: "not one"}},
			Doc{{Kind: Code, Text: "\ta\n\nb\uFFFD"}},
		},
		"underlining is a style like others": {
			Doc{paragraph(Run{Text: "a ", Style: Underline}, Run{Text: "b", Style: Underline | Bold})},
			Doc{paragraph(Run{Text: "a ", Style: Underline}, Run{Text: "b", Style: Underline | Bold})},
		},
		"tables": {
			Doc{{Kind: Table, Align: []Alignment{"r", "?", ""}, Rows: []Row{
				{{Run{Text: " a ", Style: Bold}}, {}, {text(" ")}}, {{text("b\nc")}, nil, {text("d")}, {}}, {{}, {}}, {nil, {text("e")}}}}},
			Doc{{Kind: Table, Align: []Alignment{"r"}, Rows: []Row{{{text("a")}}, {{text("b c")}, nil, {text("d")}}, {nil, {text("e")}}}}},
		},
		"a table of one cell or none": {
			Doc{{Kind: Table, Rows: []Row{{{text("a")}}}}, {Kind: Table, Rows: []Row{{}, {{}}}}},
			Doc{paragraph(text("a"))},
		},
		"tasks": {
			Doc{{Kind: List, Items: []Doc{{paragraph(text("☐ a"))}, {paragraph(text("☑\uFE0F b"))}, {{Kind: Paragraph, Task: TaskDone, Runs: []Run{text("☐ c")}}, paragraph(text("☐ d"))}}}},
			Doc{{Kind: List, Items: []Doc{{{Kind: Paragraph, Task: TaskOpen, Runs: []Run{text("a")}}}, {{Kind: Paragraph, Task: TaskDone, Runs: []Run{text("b")}}},
				{{Kind: Paragraph, Task: TaskDone, Runs: []Run{text("☐ c")}}, paragraph(text("☐ d"))}}}},
		},
		"a mention says whom, an emoji has a name, an image has an address": {
			Doc{paragraph(Run{Text: " Zoë  K", Kind: Mention, Who: "1"}, text(" "), Run{Text: "@x", Kind: Mention}, text(" "), Run{Text: "party", Kind: Emoji}, text(" "),
				Run{Text: "no name", Kind: Emoji}, text(" "), Run{Text: "cat", Kind: Image, Link: "https://a.b"}, text(" "), Run{Text: "dog", Kind: Image, Link: "javascript:x"})},
			Doc{paragraph(Run{Text: "@Zoë K", Kind: Mention, Who: "1"}, text(" @x "), Run{Text: ":party:", Kind: Emoji}, text(" no name "),
				Run{Text: "[cat]", Kind: Image, Link: "https://a.b"}, text(" dog"))},
		},
		"an unknown kind is a paragraph": {
			Doc{{Kind: "?", Runs: []Run{text("a")}}},
			Doc{paragraph(text("a"))},
		},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, Normalize(test.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNormalizeLiftsWhatLiesTooDeep(t *testing.T) {
	deep := Doc{paragraph(text("deep"))}
	for i := range 100_000 {
		if i%2 == 0 {
			deep = Doc{{Kind: Quote, Blocks: deep}}
		} else {
			deep = Doc{{Kind: List, Items: []Doc{deep}}}
		}
	}
	got := Normalize(deep)
	depth := 0
	for doc := got; doc[0].Kind != Paragraph; depth++ {
		if doc[0].Kind == Quote {
			doc = doc[0].Blocks
		} else {
			doc = doc[0].Items[0]
		}
	}
	if depth != 10 || got.PlainText() != "deep" {
		t.Errorf("depth %d, text %q", depth, got.PlainText())
	}
}

func TestNormalizeTwiceIsNormalizeOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5_000 {
		doc := richtexttest.Doc(r, 3)
		once := Normalize(doc)
		if twice := Normalize(once); !reflect.DeepEqual(once, twice) {
			t.Fatalf("%#v (-once +twice):\n%s", doc, cmp.Diff(once, twice))
		}
	}
}

func TestHashIsOfWhatPeopleSee(t *testing.T) {
	same := []Doc{
		{paragraph(text("a ❤️"), Run{Break: true}, Run{Text: "b c", Style: Bold})},
		{paragraph(text(" a  ❤ ")), paragraph(Run{Text: "b", Style: Bold}, text(" "), Run{Text: "c", Style: Bold}), {Kind: Rule}},
	}
	for _, doc := range same {
		if doc.Hash() != same[0].Hash() {
			t.Errorf("%v has another hash than %v", doc, same[0])
		}
	}
	seen := map[string]Doc{}
	for _, doc := range []Doc{
		nil, same[0], {paragraph(text("a"))}, {paragraph(Run{Text: "a", Style: Bold})}, {paragraph(Run{Text: "a", Style: Italic})},
		{paragraph(Run{Text: "a", Link: "https://a"})}, {paragraph(Run{Text: "a", Link: "https://b"})}, {paragraph(Run{Text: "a", Style: InlineCode})},
		{{Kind: Code, Text: "a"}}, {{Kind: Quote, Blocks: Doc{paragraph(text("a"))}}}, {{Kind: List, Items: []Doc{{paragraph(text("a"))}}}},
		{{Kind: Heading, Level: 1, Runs: []Run{text("a")}}}, {paragraph(text("a")), paragraph(text("b"))}, {paragraph(text("ab"))},
		{{Kind: List, Items: []Doc{{paragraph(text("a")), paragraph(text("b"))}}}}, {{Kind: List, Items: []Doc{{paragraph(text("a"))}, {paragraph(text("b"))}}}},
	} {
		if other, taken := seen[doc.Hash()]; taken {
			t.Errorf("%v and %v have one hash", doc, other)
		}
		seen[doc.Hash()] = doc
	}
}

// TestHashStays guards a promise: hashes are stored.
func TestHashStays(t *testing.T) {
	doc := Doc{paragraph(text("a"), Run{Text: "b", Style: Bold, Link: "https://c/"}), {Kind: Quote, Blocks: Doc{{Kind: Code, Text: "x"}}}}
	if got, want := doc.Hash(), "slsZw86B3jZ04mDY"; got != want {
		t.Errorf("hash is %s, want %s", got, want)
	}
}

func TestPlainTextIsTheWordsLineByLine(t *testing.T) {
	doc := Doc{
		{Kind: Heading, Level: 1, Runs: []Run{text("Title")}},
		paragraph(text("a "), Run{Text: "b", Style: Bold, Link: "https://c"}, Run{Break: true}, text("d")),
		{Kind: Quote, Blocks: Doc{{Kind: List, Items: []Doc{{paragraph(text("one"))}, {paragraph(text("two"))}}}}},
		{Kind: Rule},
		{Kind: Code, Text: "x\n  y"},
	}
	if got, want := doc.PlainText(), "Title\na b\nd\none\ntwo\nx\n  y"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if doc.IsEmpty() || !(Doc{paragraph(text(" "))}).IsEmpty() {
		t.Error("IsEmpty is wrong")
	}
}

func TestMapTextLeavesCodeAndAddressesAlone(t *testing.T) {
	in := Normalize(Doc{paragraph(text("a https://a.b "), Run{Text: "a", Style: InlineCode}), {Kind: Code, Text: "a"},
		{Kind: Quote, Blocks: Doc{{Kind: List, Items: []Doc{{paragraph(text("a"))}}}}}})
	before := in.Hash()
	got := in.MapText(strings.ToUpper)
	want := Normalize(Doc{paragraph(text("A https://a.b "), Run{Text: "a", Style: InlineCode}), {Kind: Code, Text: "a"},
		{Kind: Quote, Blocks: Doc{{Kind: List, Items: []Doc{{paragraph(text("A"))}}}}}})
	if diff := cmp.Diff(want, got); diff != "" || in.Hash() != before {
		t.Error(diff)
	}
}

func TestPrependPutsNameBeforeFirstParagraph(t *testing.T) {
	name := Run{Text: "Zoë", Style: Bold}
	doc := Doc{paragraph(text("hello"))}
	if diff := cmp.Diff(Doc{paragraph(name, text("hello"))}, Prepend(doc, name)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Doc{paragraph(text("hello"))}, doc); diff != "" {
		t.Error("the text itself was changed:", diff)
	}
	code := Block{Kind: Code, Text: "x"}
	if diff := cmp.Diff(Doc{paragraph(name), code}, Prepend(Doc{code}, name)); diff != "" {
		t.Error(diff)
	}
	quote := Block{Kind: Quote, Blocks: Doc{paragraph(name, text(": "), text("hello"))}}
	if diff := cmp.Diff(quote, Quoting("Zoë", doc)); diff != "" {
		t.Error(diff)
	}
}

func TestMarkedSaysItOnce(t *testing.T) {
	doc := Plain("hi")
	marked := Marked(doc, Urgent)
	want := Doc{paragraph(Run{Text: "‼️ Urgent", Style: Bold}), paragraph(text("hi"))}
	if diff := cmp.Diff(want, marked); diff != "" {
		t.Error(diff)
	}
	for name, got := range map[string]Doc{"again": Marked(marked, Urgent), "normal": Marked(marked, Normal)} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestExcerptEndsAtAWord(t *testing.T) {
	doc := Doc{paragraph(text("one two three four five"))}
	if got := doc.Excerpt(14).PlainText(); got != "one two three …" {
		t.Errorf("got %q", got)
	}
	if got := doc.Excerpt(23).PlainText(); got != "one two three four five" {
		t.Errorf("a text that fits became %q", got)
	}
	list := Doc{{Kind: List, Items: []Doc{{paragraph(text("one two"))}, {paragraph(text("three four"))}}}}
	if got := list.Excerpt(13).PlainText(); got != "one two …" {
		t.Errorf("got %q", got)
	}
	if got := (Doc{{Kind: Code, Text: "1\n2\n3\n4\n5\n6\n7"}}).Excerpt(6).PlainText(); got != "1\n2\n3\n…" {
		t.Errorf("got %q", got)
	}
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func joined(pieces []Doc) string {
	var b strings.Builder
	for _, piece := range pieces {
		b.WriteString(piece.PlainText())
	}
	return withoutSpace(b.String())
}

func upTo(n int) func(Doc) bool {
	return func(doc Doc) bool { return len([]rune(doc.PlainText())) <= n }
}

func TestSplitLosesAndDoublesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 1_000 {
		doc, fits := withoutTables(richtexttest.Doc(r, 3)), upTo(4+r.IntN(30))
		pieces := Split(doc, fits)
		for _, piece := range pieces {
			if !fits(piece) {
				t.Fatalf("%v\ndoes not fit", piece)
			}
		}
		if got, want := joined(pieces), withoutSpace(doc.PlainText()); got != want {
			t.Fatalf("%#v\ngot  %q\nwant %q", doc, got, want)
		}
	}
}

// withoutTables gives doc without tables, whose headings are in each piece.
func withoutTables(doc Doc) Doc {
	var out Doc
	for _, b := range doc {
		if b.Kind == Table {
			continue
		}
		b.Blocks = withoutTables(b.Blocks)
		for i := range b.Items {
			b.Items[i] = withoutTables(b.Items[i])
		}
		out = append(out, b)
	}
	return out
}

// TestSplitRepeatsTheHeadingsOfTables and loses or doubles nothing else.
func TestSplitRepeatsTheHeadingsOfTables(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 1_000 {
		table := richtexttest.Table(r)
		table.Rows[0] = Row{{text("h")}, {text("k")}}
		doc := Normalize(Doc{table, {Kind: Paragraph, Runs: richtexttest.Runs(r)}})
		fits := upTo(8 + r.IntN(30))
		var got strings.Builder
		for _, piece := range Split(doc, fits) {
			if !fits(piece) {
				t.Fatalf("%v\ndoes not fit", piece)
			}
			text := piece.PlainText()
			if piece[0].Kind == Table && len(piece[0].Rows) > 1 {
				if !strings.HasPrefix(text, "h\tk\n") {
					t.Fatalf("%q has no heading", text)
				}
				text = text[len("h\tk\n"):]
			}
			got.WriteString(text)
		}
		want := strings.TrimPrefix(doc.PlainText(), "h\tk\n")
		if len(table.Rows) < 2 || doc[0].Kind != Table || len(doc[0].Rows) < 2 {
			want = doc.PlainText()
		}
		if withoutSpace(got.String()) != withoutSpace(want) {
			t.Fatalf("%#v\ngot  %q\nwant %q", doc, withoutSpace(got.String()), withoutSpace(want))
		}
	}
}

func TestSplitCutsAtTheBestPlace(t *testing.T) {
	tests := map[string]struct {
		doc  Doc
		n    int
		want []Doc
	}{
		"fits":            {Plain("one\ntwo"), 7, []Doc{Plain("one\ntwo")}},
		"nothing":         {nil, 7, nil},
		"blocks":          {Plain("one two\nthree four"), 14, []Doc{Plain("one two"), Plain("three four")}},
		"lines":           {Doc{paragraph(text("one two\nthree four"))}, 14, []Doc{Plain("one two"), Plain("three four")}},
		"sentences":       {Plain("One two. Three four five"), 15, []Doc{Plain("One two."), Plain("Three four five")}},
		"words":           {Plain("one two three"), 10, []Doc{Plain("one two"), Plain("three")}},
		"in a word":       {Plain("abcdefghij"), 4, []Doc{Plain("abcd"), Plain("efgh"), Plain("ij")}},
		"not in an emoji": {Plain("ab👨‍👩‍👧c"), 6, []Doc{Plain("ab"), Plain("👨‍👩‍👧c")}},
		"code goes on as code": {
			Doc{{Kind: Code, Language: "go", Text: "a()\n  b()\nc()"}}, 10,
			[]Doc{{{Kind: Code, Language: "go", Text: "a()\n  b()"}}, {{Kind: Code, Language: "go", Text: "c()"}}},
		},
		"a list goes on counting": {
			Doc{{Kind: List, Ordered: true, Start: 3, Items: []Doc{Plain("one"), Plain("two"), Plain("three")}}}, 8,
			[]Doc{
				{{Kind: List, Ordered: true, Start: 3, Items: []Doc{Plain("one"), Plain("two")}}},
				{{Kind: List, Ordered: true, Start: 5, Items: []Doc{Plain("three")}}},
			},
		},
		"a quote goes on as a quote": {
			Doc{{Kind: Quote, Blocks: Plain("one two three")}}, 10,
			[]Doc{{{Kind: Quote, Blocks: Plain("one two")}}, {{Kind: Quote, Blocks: Plain("three")}}},
		},
		"a table is cut between rows and has its heading again": {
			Doc{{Kind: Table, Align: []Alignment{AlignRight}, Rows: []Row{{{text("n")}}, {{text("one")}}, {{text("two")}}, {{text("three")}}}}}, 9,
			[]Doc{
				{{Kind: Table, Align: []Alignment{AlignRight}, Rows: []Row{{{text("n")}}, {{text("one")}}, {{text("two")}}}}},
				{{Kind: Table, Align: []Alignment{AlignRight}, Rows: []Row{{{text("n")}}, {{text("three")}}}}},
			},
		},
		"a table with a long heading becomes lines": {
			Doc{{Kind: Table, Rows: []Row{{{text("long heading")}}, {{text("one")}}, {{text("two")}}}}}, 14,
			[]Doc{Plain("long heading"), {paragraph(text("one"), Run{Break: true}, text("two"))}},
		},
		"a task is one task": {
			Doc{{Kind: List, Items: []Doc{{{Kind: Paragraph, Task: TaskOpen, Runs: []Run{text("one two three")}}}}}}, 11,
			[]Doc{{{Kind: List, Items: []Doc{{{Kind: Paragraph, Task: TaskOpen, Runs: []Run{text("one two")}}}}}}, {{Kind: List, Items: []Doc{Plain("three")}}}},
		},
		"styles and links go on": {
			Doc{paragraph(Run{Text: "one two three", Style: Bold, Link: "https://a.b"})}, 10,
			[]Doc{{paragraph(Run{Text: "one two", Style: Bold, Link: "https://a.b"})}, {paragraph(Run{Text: "three", Style: Bold, Link: "https://a.b"})}},
		},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, Split(test.doc, upTo(test.n))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSplitEndsWhereNothingFits(t *testing.T) {
	pieces := Split(Plain("abc"), func(doc Doc) bool { return doc.IsEmpty() })
	if len(pieces) != 3 || joined(pieces) != "abc" {
		t.Errorf("got %v", pieces)
	}
}

// TestSplitAsksLittle: the work may not grow with the square of the text.
func TestSplitAsksLittle(t *testing.T) {
	lines := slices.Repeat([]string{"one two three four five six seven"}, 10_000)
	for name, doc := range map[string]Doc{
		"one word": Plain(strings.Repeat("x", 300_000)),
		"one line": Plain(strings.Join(lines, " ")),
		"blocks":   Plain(strings.Join(lines, "\n")),
		"code":     {{Kind: Code, Text: strings.Join(lines, "\n")}},
		"breaks":   {paragraph(text(strings.Join(lines, "\n")))},
		"list":     {{Kind: List, Items: slices.Repeat([]Doc{Plain(lines[0])}, 10_000)}},
		"table":    {{Kind: Table, Rows: append([]Row{{}}, slices.Repeat([]Row{{{text(lines[0])}}}, 10_000)...)}},
	} {
		calls, looked := 0, 0
		pieces := Split(doc, func(doc Doc) bool {
			n := len(doc.PlainText())
			calls, looked = calls+1, looked+n
			return n <= 16_000
		})
		if want := withoutSpace(doc.PlainText()); joined(pieces) != want {
			t.Errorf("%s: words were lost", name)
		}
		if len(pieces) > 45 || calls > 25*len(pieces) || looked > 13_000_000 {
			t.Errorf("%s: %d pieces, fits was asked %d times about %d bytes in all", name, len(pieces), calls, looked)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("a  b\n", "https://x", uint8(3))
	f.Add("https://a.b/(c), x", "", uint8(8))
	f.Fuzz(func(t *testing.T, s, link string, style uint8) {
		doc := Doc{paragraph(Run{Text: s, Link: link, Style: Style(style)}, text(s)), {Kind: Code, Text: s, Language: link}}
		once := Normalize(doc)
		if diff := cmp.Diff(once, Normalize(once)); diff != "" {
			t.Fatal(diff)
		}
		if got, want := joined(Split(doc, upTo(3))), withoutSpace(doc.PlainText()); got != want {
			t.Fatalf("split gave %q, want %q", got, want)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	doc := Doc{}
	for len(doc.PlainText()) < 10_000 {
		doc = append(doc, richtexttest.Doc(r, 2)...)
	}
	b.SetBytes(int64(len(doc.PlainText())))
	for b.Loop() {
		Normalize(doc)
	}
}

func BenchmarkSplit(b *testing.B) {
	doc := Plain(strings.Repeat("one two three four five six seven. ", 10_000))
	b.SetBytes(int64(len(doc[0].Runs[0].Text)))
	for b.Loop() {
		Split(doc, func(doc Doc) bool { return len(doc.PlainText()) <= 16_000 })
	}
}

// TestNamesTurnNothingAround: neither what follows them nor the ending of a file.
func TestNamesTurnNothingAround(t *testing.T) {
	for name, want := range map[string]string{"photo\u202egpj.exe": "photogpj.exe", " a\u2066b\n c\u200f ": "ab c", strings.Repeat("x", 90) + ".pdf": strings.Repeat("x", 90) + ".pdf", "\u202e": "(no name)"} {
		if got := FileName(name); got != want {
			t.Errorf("the file %q is shown as %q, want %q", name, got, want)
		}
	}
	run := Run{Kind: Mention, Who: "7", Text: "@\u202eBoss\u2028 & Co"}
	if got := Normalize(Doc{paragraph(run)})[0].Runs[0].Text; got != "@Boss & Co" {
		t.Errorf("a mention is %q", got)
	}
	if got := (Doc{Quoting("\u202eBoss", Plain("x"))}).PlainText(); got != "Boss: x" {
		t.Errorf("a quote is %q", got)
	}
}
