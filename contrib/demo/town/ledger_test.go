package town

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is so many seconds after some moment.
func at(seconds int) time.Time { return time.Unix(1_700_000_000+int64(seconds), 0) }

// later is when the figures are taken: long after everything, so that nothing counts as on its way any more.
var later = at(1000)

const here, there = "here", "there"

func newTestLedger() *ledger {
	l := newLedger()
	l.join(here, there)
	l.introduce("bob", "Bob Kahn")
	return l
}

func original(id, text string, second int) Message {
	return Message{
		Conversation: here, ID: id, Author: "alice", Person: "1", Source: text, Body: Markdown(text, nil), At: at(second), Seen: at(second),
	}
}

// copyOf is what the relay account makes of it in Teams.
func copyOf(id, body string, second int) Message {
	body = "<p><strong>alice (Mattermost)</strong></p><p>" + body + "</p>"
	return Message{
		Conversation: there, ID: id, Author: "Causeway Relay", Copy: true, Headed: true, Source: body, Body: HTML(body), At: at(second), Seen: at(second),
	}
}

// ownCopyOf is what it becomes where its author has connected.
func ownCopyOf(id, body string, second int) Message {
	return Message{
		Conversation: there, ID: id, Author: "Alice Chen", Person: "a", Copy: true, Source: body, Body: HTML(body), At: at(second), Seen: at(second),
	}
}

func reacted(m Message, second int, emoji ...string) Message {
	for _, e := range emoji {
		m.Reactions = append(m.Reactions, Reaction{Emoji: e, By: []string{""}})
	}
	m.Seen = at(second)
	return m
}

func deleted(m Message, second int) Message {
	m.Body, m.Source, m.Deleted, m.Seen = nil, "", true, at(second)
	return m
}

func under(root string, m Message) Message {
	m.Root = root
	return m
}

// figures are the counts; what a test leaves out is 0.
type figures struct{ said, arrived, waiting, missing, doubled, outOfOrder, crossed int }

func figuresOf(l *ledger, calm time.Time) figures {
	c := l.counts(later, calm)
	return figures{c.Said, c.Arrived, c.Waiting, c.Missing, c.Doubled, c.OutOfOrder, c.Crossed}
}

func TestLedgerCounts(t *testing.T) {
	hello, bye := original("1", "hello **you**", 0), original("2", "good bye", 1)
	helloThere, byeThere := copyOf("a", "hello <em>you</em>", 2), copyOf("b", "good bye", 3)
	for name, c := range map[string]struct {
		left, right []Message
		calm        time.Time
		want        figures
	}{
		"all is there": {
			left: []Message{hello, bye}, right: []Message{helloThere, byeThere},
			want: figures{said: 2, arrived: 2, crossed: 2},
		},
		"nothing has crossed yet": {left: []Message{hello, bye}, want: figures{said: 2, waiting: 2}},
		"nothing has crossed although nothing is in the way": {
			left: []Message{hello, bye}, calm: at(10), want: figures{said: 2, missing: 2},
		},
		"passed over by a younger one": {
			left: []Message{hello, bye}, right: []Message{byeThere}, want: figures{said: 2, arrived: 1, missing: 1, crossed: 1},
		},
		"twice": {
			left: []Message{hello}, right: []Message{helloThere, copyOf("c", "hello you", 4)},
			want: figures{said: 1, arrived: 1, doubled: 1, crossed: 1},
		},
		"twice, and then once": {
			left: []Message{hello}, right: []Message{helloThere, copyOf("c", "hello you", 4), deleted(copyOf("c", "", 4), 5)},
			want: figures{said: 1, arrived: 1, crossed: 1},
		},
		"made up": {right: []Message{copyOf("c", "who said this?", 4)}, want: figures{doubled: 1}},
		"the other way round": {
			left: []Message{hello, bye}, right: []Message{copyOf("b", "good bye", 2), copyOf("a", "hello you", 3)},
			want: figures{said: 2, arrived: 2, outOfOrder: 1, crossed: 2},
		},
		"at one instant there is no order": {
			left: []Message{hello, original("2", "good bye", 0)}, right: []Message{copyOf("b", "good bye", 2), copyOf("a", "hello you", 3)},
			want: figures{said: 2, arrived: 2, crossed: 2},
		},
		"another text": {
			left: []Message{hello, func() Message { m := original("1", "hello world", 0); m.Seen = at(9); return m }()}, right: []Message{helloThere},
			want: figures{said: 1, waiting: 1},
		},
		"a reaction that has not crossed": {
			left: []Message{hello}, right: []Message{helloThere, reacted(helloThere, 5, "🎉")},
			want: figures{said: 1, waiting: 1, crossed: 1},
		},
		"the same reactions, variation selectors apart": {
			left: []Message{reacted(hello, 0, "❤️", "🎉")}, right: []Message{reacted(helloThere, 2, "🎉", "❤")},
			want: figures{said: 1, arrived: 1, crossed: 1},
		},
		"a deletion that has not crossed": {
			left: []Message{hello}, right: []Message{helloThere, deleted(helloThere, 4)},
			want: figures{said: 1, waiting: 1, crossed: 1},
		},
		"deleted before it crossed": {left: []Message{hello, deleted(hello, 1)}, want: figures{said: 1, arrived: 1}},
		"a reply in another thread": {
			left:  []Message{hello, bye, under("1", original("3", "reply", 2))},
			right: []Message{helloThere, byeThere, under("b", copyOf("c", "reply", 4))},
			want:  figures{said: 3, arrived: 2, waiting: 1, crossed: 2},
		},
		"a reply in its thread": {
			left:  []Message{hello, bye, under("1", original("3", "reply", 2))},
			right: []Message{helloThere, byeThere, under("a", copyOf("c", "reply", 4))},
			want:  figures{said: 3, arrived: 3, crossed: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for order, first := range map[string]Place{"left seen first": Left, "right seen first": Right} {
				l := newTestLedger()
				seen := [2][]Message{c.left, c.right}
				l.update(first, seen[first])
				l.update(first.Other(), seen[first.Other()])
				got, want := figuresOf(l, c.calm), c.want
				if first == Right { // several changes may then be seen as one
					got.crossed, want.crossed = 0, 0
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(figures{})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", order, diff)
				}
			}
		})
	}
}

// TestWhoHasConnectedWritesAsThemselves: a copy in the author's own name has no line with it, even where it begins in bold; whom it mentions is called
// otherwise on the other side; and its writer can change it there.
func TestWhoHasConnectedWritesAsThemselves(t *testing.T) {
	l := newTestLedger()
	bob := []Person{{ID: "2", Name: "bob", Call: "bob"}}
	bold := original("1", "**Now** @bob and @mei", 0)
	bold.Body = Markdown(bold.Source, bob)
	l.update(Left, []Message{bold})
	l.update(Right, []Message{ownCopyOf("a", `<p><strong>Now</strong> <at id="0">Bob Kahn</at> and @mei</p>`, 2)})
	if got, want := figuresOf(l, at(3)), (figures{said: 1, arrived: 1, crossed: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	changed := ownCopyOf("a", `<p>Later <at id="0">Bob Kahn</at></p>`, 2)
	changed.Seen = at(5)
	l.update(Right, []Message{changed})
	if got, want := figuresOf(l, time.Time{}), (figures{said: 1, waiting: 1, crossed: 1}); got != want {
		t.Errorf("after its writer has changed the copy: %+v, want %+v", got, want)
	}
	followed := original("1", "Later @bob", 0)
	followed.Body, followed.Seen = Markdown(followed.Source, bob), at(6)
	l.update(Left, []Message{followed})
	if got, want := figuresOf(l, time.Time{}), (figures{said: 1, arrived: 1, crossed: 2}); got != want {
		t.Errorf("after the origin has followed: %+v, want %+v", got, want)
	}
}

// TestAConversationIsJoinedWhenItAppears: what is said in a direct conversation comes before there is one on the other side.
func TestAConversationIsJoinedWhenItAppears(t *testing.T) {
	l := newLedger()
	l.update(Left, []Message{original("1", "hello", 0)})
	if got, want := figuresOf(l, time.Time{}), (figures{said: 1, waiting: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	l.join(here, there)
	l.update(Right, []Message{ownCopyOf("a", "<p>hello</p>", 2)})
	if got, want := figuresOf(l, time.Time{}), (figures{said: 1, arrived: 1, crossed: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Whoever deletes the first message of a thread in Mattermost takes the copies of others' replies along.
func TestACopyThatItsThreadTookAlongIsNotMissing(t *testing.T) {
	l := newTestLedger()
	l.update(Left, []Message{original("1", "hello", 0), under("1", original("3", "reply", 2))})
	l.update(Right, []Message{copyOf("a", "hello", 3), under("a", copyOf("c", "reply", 4))})
	l.update(Right, []Message{deleted(under("a", copyOf("c", "", 4)), 5)})
	if got := figuresOf(l, time.Time{}); got.waiting != 1 {
		t.Errorf("after the reply's copy is deleted: %+v, want one waiting", got)
	}
	l.update(Right, []Message{deleted(copyOf("a", "", 3), 6)})
	l.update(Left, []Message{deleted(original("1", "", 0), 7)})
	if got := figuresOf(l, time.Time{}); got.arrived != 2 {
		t.Errorf("after the thread is deleted: %+v, want two that need nothing", got)
	}
}

// What is short, or said twice by different people, must not be taken for each other.
func TestLedgerTellsSimilarMessagesApart(t *testing.T) {
	l := newTestLedger()
	hi, longer := original("1", "hi", 0), original("2", "hi there, everybody", 1)
	amir := original("3", "hi", 2)
	amir.Author, amir.Person = "amir", "2"
	copied := copyOf("c", "hi", 5)
	copied.Body[0].Kids[0].Kids[0].Text = "amir (Mattermost)"
	l.update(Left, []Message{hi, longer, amir})
	l.update(Right, []Message{copied, copyOf("b", "hi there, everybody", 6)})
	if l.entries[Left]["3"].copy != l.entries[Right]["c"] || l.entries[Left]["2"].copy != l.entries[Right]["b"] || l.entries[Left]["1"].copy != nil {
		t.Errorf("copies of 1, 2 and 3: %v, %v, %v", l.entries[Left]["1"].copy, l.entries[Left]["2"].copy, l.entries[Left]["3"].copy)
	}
}

// Texts of which little or nothing is read, with the copies that Causeway makes of them in Teams.
func TestTextsWithoutLettersFindTheirCopies(t *testing.T) {
	for typed, body := range map[string]string{
		"---":                                  "<hr>",
		"***":                                  "<hr>",
		"```\n```":                             "",
		"``` ```":                              "",
		"> ":                                   "",
		"&nbsp;":                               "",
		"[](https://example.com/)":             "",
		"!!!":                                  "<p>!!!</p>",
		":tada:":                               `<p><emoji alt="🎉"></emoji></p>`,
		"![](https://example.com/a.png)":       `<p><a href="https://example.com/a.png">[picture]</a></p>`,
		"![cat](https://example.com/a.png)":    `<p><a href="https://example.com/a.png">[cat]</a></p>`,
		"[ref]\n\n[ref]: https://example.com/": `<p>[ref]</p><p>[ref]: <a href="https://example.com/">https://example.com/</a></p>`,
		"[ref]: https://example.com/":          `<p>[ref]: <a href="https://example.com/">https://example.com/</a></p>`,
		"| |\n|-|\n| |":                        "<p>| |<br>|-|<br>| |</p>",
	} {
		t.Run(typed, func(t *testing.T) {
			for _, first := range []Place{Left, Right} {
				l := newTestLedger()
				seen := [2][]Message{
					{original("1", typed, 0), original("2", "between", 1), original("3", typed, 2)},
					{copyOf("a", body, 3), copyOf("b", "between", 4), copyOf("c", body, 5)},
				}
				l.update(first, seen[first])
				l.update(first.Other(), seen[first.Other()])
				if got, want := figuresOf(l, at(10)), (figures{said: 3, arrived: 3, crossed: 3}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				l.update(Left, []Message{deleted(original("1", "", 0), 20)})
				if got := figuresOf(l, time.Time{}); got.waiting != 1 {
					t.Errorf("deleted on one side: %+v, want one waiting", got)
				}
			}
		})
	}
}

// The same the other way round, as Causeway writes them in Mattermost.
func TestTeamsTextsWithoutLettersFindTheirCopies(t *testing.T) {
	for typed, written := range map[string]string{
		"<hr>": "***", "<codeblock></codeblock>": "", "<p>&nbsp;</p>": "", "<p></p>": "", "<blockquote></blockquote>": "",
		`<p><img src="https://example.com/a.png" alt=""></p>`:    "[[picture]](https://example.com/a.png)",
		`<p><img src="https://example.com/a.png" alt="cat"></p>`: "[[cat]](https://example.com/a.png)",
	} {
		l := newTestLedger()
		l.update(Right, []Message{{Conversation: there, ID: "a", Author: "Bob Kahn", Source: typed, Body: HTML(typed), At: at(0), Seen: at(0)}})
		l.update(Left, []Message{{
			Conversation: here, ID: "1", Author: "Bob Kahn (Teams)", Copy: true, Source: written, Body: Markdown(written, nil), At: at(1), Seen: at(1),
		}})
		if got, want := figuresOf(l, at(10)), (figures{said: 1, arrived: 1, crossed: 1}); got != want {
			t.Errorf("%s: %+v, want %+v", typed, got, want)
		}
	}
}

// Where no words fit, the oldest that is left of the same author goes with the oldest copy, unless that says what another one says.
func TestLedgerGuessesWhereNoWordsFit(t *testing.T) {
	signs := []Message{original("1", "§§§", 0), original("2", "¶¶¶", 1)}
	amir := original("3", "±±±", 2)
	amir.Author, amir.Person = "amir", "2"
	for name, c := range map[string]struct {
		left, right []Message
		want        figures
	}{
		"shown otherwise": {
			left: signs, right: []Message{copyOf("a", "sections", 3), copyOf("b", "pilcrows", 4)}, want: figures{said: 2, arrived: 2, crossed: 2},
		},
		"in their order": {
			left: signs, right: []Message{copyOf("a", "sections", 4), copyOf("b", "pilcrows", 3)}, want: figures{said: 2, arrived: 2, crossed: 2},
		},
		"of somebody else": {left: []Message{amir}, right: []Message{copyOf("a", "plus", 3)}, want: figures{said: 1, missing: 1, doubled: 1}},
		"said afterwards":  {left: []Message{original("1", "§§§", 9)}, right: []Message{copyOf("a", "sections", 3)}, want: figures{said: 1, missing: 1, doubled: 1}},
		"other words":      {left: []Message{original("1", "hello", 0)}, right: []Message{copyOf("a", "nonsense", 3)}, want: figures{said: 1, missing: 1}},
		"a second copy is none of another message": {
			left:  []Message{original("1", "hello", 0), original("2", "good bye", 1)},
			right: []Message{copyOf("a", "hello", 3), copyOf("b", "hello", 4)},
			want:  figures{said: 2, arrived: 1, missing: 1, doubled: 1, crossed: 1},
		},
	} {
		l := newTestLedger()
		l.update(Left, c.left)
		l.update(Right, c.right)
		if got := figuresOf(l, at(10)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// A guess waits for the words that may still be seen, but nobody is accused before it.
func TestAGuessComesBeforeAnAccusation(t *testing.T) {
	l := newTestLedger()
	l.update(Left, []Message{original("1", "§§§", 0)})
	l.update(Right, []Message{copyOf("a", "sections", 3)})
	for after := range 5 {
		c := l.counts(at(3+after), time.Time{})
		if married := after >= int(unknown/time.Second); c.Doubled+c.Missing > 0 || married != (c.Arrived == 1) {
			t.Errorf("after %d s: %+v", after, c)
		}
	}
}

func TestLedgerMeasuresHowLongItTook(t *testing.T) {
	l := newTestLedger()
	l.update(Left, []Message{original("1", "teh release", 0)})
	l.update(Right, []Message{copyOf("a", "teh release", 3)})
	edited := original("1", "the release", 0)
	edited.Seen = at(10)
	l.update(Left, []Message{edited})
	edited = copyOf("a", "the release", 3)
	edited.Seen = at(12)
	l.update(Right, []Message{edited})
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 2 * time.Second}, l.delays); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
}

// Mattermost keeps the first message of a thread, emptied, for the sake of others' replies.
func TestABlankedRootIsADeletedOne(t *testing.T) {
	l := newTestLedger()
	l.update(Left, []Message{original("1", "hello", 0)})
	l.update(Right, []Message{copyOf("a", "hello", 1)})
	l.update(Left, []Message{deleted(original("1", "", 0), 2)})
	if got := figuresOf(l, time.Time{}); got.waiting != 1 {
		t.Errorf("before it is blanked: %+v, want one waiting", got)
	}
	blank := copyOf("a", "(message deleted)", 1)
	blank.Seen = at(3)
	l.update(Right, []Message{blank})
	if got := figuresOf(l, time.Time{}); got.waiting != 0 || got.arrived != 1 {
		t.Errorf("after it is blanked: %+v, want none waiting", got)
	}
}

func TestWhatIsTypedStaysText(t *testing.T) {
	hostile := `<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) <a href="javascript:alert(1)">y</a> [ok](https://example.com/)`
	for name, nodes := range map[string][]Node{"Markdown": Markdown(hostile, nil), "HTML": HTML(hostile)} {
		var walk func([]Node)
		walk = func(all []Node) {
			for _, n := range all {
				if n.Tag != "" && n.Tag != "mention" && !shown[n.Tag] {
					t.Errorf("%s: an element %q", name, n.Tag)
				}
				if n.Link != "" && !strings.HasPrefix(n.Link, "https://") {
					t.Errorf("%s: a link to %q", name, n.Link)
				}
				walk(n.Kids)
			}
		}
		walk(nodes)
	}
	if got := Plain(Markdown(hostile, nil)); !strings.Contains(got, "<script>alert(1)</script>") {
		t.Errorf("Mattermost shows %q, not what was typed", got)
	}
}

func TestMarkdownIsShownAsMattermostDoes(t *testing.T) {
	people := []Person{{ID: "1", Name: "alice", Call: "alice"}}
	got := Markdown("a **b** *c* ~~d~~ `e` :tada: @alice @nobody me@alice\n1\\. f &amp; g\n> h\n\n```\ni\n```", people)
	text := func(s string) Node { return Node{Text: s} }
	want := []Node{
		{Tag: "p", Kids: []Node{
			text("a "), {Tag: "strong", Kids: []Node{text("b")}}, text(" "), {Tag: "em", Kids: []Node{text("c")}}, text(" "),
			{Tag: "del", Kids: []Node{text("d")}}, text(" "), {Tag: "code", Kids: []Node{text("e")}}, text(" 🎉 "),
			{Tag: "mention", Kids: []Node{text("@alice")}}, text(" @nobody me@alice"), {Tag: "br"}, text("1. f & g"),
		}},
		{Tag: "blockquote", Kids: []Node{{Tag: "p", Kids: []Node{text("h")}}}},
		{Tag: "pre", Kids: []Node{text("i")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
