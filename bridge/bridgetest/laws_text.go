package bridgetest

import (
	"fmt"
	"reflect"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// textLaws: texts cross whole and stay texts.
var textLaws = []Law{
	{Name: "parts fit and nothing of a long text is lost", prove: partsFit},
	{Name: "hostile text arrives as text", prove: hostileTextIsText},
	{Name: "hostile names mention nobody", prove: hostileNamesAreNames},
	{Name: "what is important comes back as that", prove: importanceStays},
}

// longText has about n characters of words, no two alike, so that a lost or doubled one is noticed.
func longText(n int, separator string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "wörd%d%s", i, separator)
	}
	return b.String()
}

func partsFit(w *world) {
	p := w.Place()
	w.connect()
	for _, text := range []string{longText(60_000, " "), strings.ReplaceAll(longText(40_000, "."), "ö", "😀") + "\nlast", "short"} {
		d := w.draft(p, text)
		parts := w.bridge.Parts(d)
		if !reflect.DeepEqual(parts, w.bridge.Parts(d)) {
			w.Error("the same draft gives different parts")
		}
		var whole string
		before := len(w.Messages(p.ID))
		for _, part := range parts {
			whole += plain(part)
			piece := w.draft(p, "")
			piece.Text = part
			w.post(piece)
		}
		if dense(whole) != dense(text) {
			w.Errorf("the parts of %.20q… say %d characters, the text says %d", text, len(dense(whole)), len(dense(text)))
		}
		w.eventually("people see all parts", func() string {
			seen := w.Messages(p.ID)[before:]
			if len(seen) != len(parts) {
				return fmt.Sprintf("they see %d messages, want %d", len(seen), len(parts))
			}
			for n := range seen {
				if !strings.HasSuffix(dense(seen[n].Text), dense(plain(parts[n]))) {
					return fmt.Sprintf("part %d of %d has %d characters, they see %d", n, len(parts), len(plain(parts[n])), len(seen[n].Text))
				}
			}
			return ""
		})
	}
}

// hostileLines are what people type that must not mean anything on the other side.
func (w *world) hostileLines() []string {
	return []string{
		"@channel @all @here @everyone @" + w.Person(Alice).Username + " @" + w.Person(Bob).Username,
		"# not a heading", "> not a quote", "- not a list", "1. nor this", "| a | b |", "|---|---|", "---",
		"**not bold** _not italic_ ~~not struck~~ `not code`", "``` not a block", "~~~",
		"[not a link](http://evil.example/) ![no picture](http://evil.example/x.png)",
		"<b>not html</b><script>alert(1)</script><img src=x onerror=alert(1)>",
		"&lt;b&gt; &amp; &nbsp; &#64;channel",
		`<at id="0">everyone</at> <attachment id="1"></attachment> <abbr title="key"></abbr>`,
		":not_an_emoji: :smile:", "#notatag", "$x^2$", `back\slash \* \@channel`, "{NICK} {{.}} %s %d ${x}",
		"nul\x00byte, bell\x07, escape\x1b[31m", "\u202eright to left\u202c \u200fmark", "👩‍👩‍👧‍👦 🏳️‍🌈 𝕏",
		"http://example.com/?a=1&b=2#c_d_e", "tab\there", "(c) (tm) -- ...",
	}
}

func hostileTextIsText(w *world) {
	p := w.Place()
	w.start(p)
	texts := []string{strings.Join(w.hostileLines(), "\n"), "/shrug is no command", "@channel", "# heading alone"}
	var ids []bridge.MessageID
	for _, text := range texts {
		ids = append(ids, w.post(w.draft(p, text)))
	}
	w.eventually("people see what was written", func() string {
		seen := w.Messages(p.ID)
		if len(seen) != len(texts) {
			return fmt.Sprintf("they see %d messages, want %d", len(seen), len(texts))
		}
		for n, text := range texts {
			if d := missing(text, seen[n].Text); d != "" {
				return d
			}
			if seen[n].Mentions != 0 {
				return fmt.Sprintf("%.40q notifies %d", text, seen[n].Mentions)
			}
		}
		return ""
	})
	for n, text := range texts {
		w.arrives(p, ids[n], func(s bridge.State) string { return missing(text, plain(s.Text)) })
	}
	w.converges(p)
}

// missing gives the first line of a text that another does not have.
func missing(text, in string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.Contains(squash(in), squash(line)) {
			return fmt.Sprintf("the line %q does not stand in %.2000q", line, in)
		}
	}
	return ""
}

func hostileNamesAreNames(w *world) {
	p := w.Place()
	w.connect()
	names := []string{"@channel", "<b>x</b> & co", "**a** [b](http://evil.example/)", "O'Hara\n# x", "@" + w.Person(Alice).Username}
	for n, name := range names {
		d := w.draft(p, fmt.Sprintf("text %d", n))
		d.Author.Name = name
		w.post(d)
		w.eventually("people see the name and the text", func() string {
			seen := w.Messages(p.ID)
			switch {
			case len(seen) != n+1:
				return fmt.Sprintf("they see %d messages, want %d", len(seen), n+1)
			case seen[n].Mentions != 0:
				return fmt.Sprintf("the name %q notifies %d", name, seen[n].Mentions)
			case !strings.Contains(squash(seen[n].Text), fmt.Sprintf("text %d", n)):
				return fmt.Sprintf("they see %q", seen[n].Text)
			}
			return ""
		})
	}
}

func importanceStays(w *world) {
	p := w.Place()
	w.start(p)
	root := w.Say(p.ID, Alice, "a question")
	for n, level := range []richtext.Importance{richtext.Important, richtext.Urgent} {
		for _, thread := range []bridge.MessageID{"", root} {
			d := w.draft(p, "")
			d.Root, d.Text = thread, richtext.Marked(richtext.Plain(fmt.Sprintf("look, %d", n)), level)
			id := w.post(d)
			says := func(text string) func(bridge.State) string {
				return func(s bridge.State) string {
					if got := plain(s.Text); strings.Count(got, plain(richtext.Marked(nil, level))) != 1 || !strings.Contains(got, text) {
						return fmt.Sprintf("it says %q, want %q once, and %q", got, plain(richtext.Marked(nil, level)), text)
					}
					return ""
				}
			}
			w.arrives(p, id, says("look, "))
			if !w.bridge.Capabilities().Edit {
				continue
			}
			d.Text = richtext.Marked(richtext.Plain(fmt.Sprintf("look again, %d", n)), level)
			if err := w.edit(id, d); err != nil {
				w.Fatalf("Edit: %v", err)
			}
			w.arrives(p, id, says("look again, "))
		}
	}
}
