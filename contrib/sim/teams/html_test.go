package teams_test

import (
	"testing"

	"causeway/contrib/sim/teams"
)

func TestNormaliseHTML(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"kept", `<p>a <strong>b</strong> <em>c</em><br>d</p>`, `<p>a <strong>b</strong> <em>c</em><br>d</p>`},
		{"self-closing", `a<br/>b`, `a<br>b`},
		{"unknown tag loses itself, not its text", `<marquee>a <b>b</b></marquee>`, `a <b>b</b>`},
		{"script goes wholly", `a<script>alert(1)</script>b`, `ab`},
		{"style goes wholly", `a<style>p{}</style>b`, `ab`},
		{"event handlers and styles", `<p onclick="x" style="color:red" class="y">a</p>`, `<p>a</p>`},
		{"links", `<a href="https://x.example/?a=1&amp;b=2" target="_blank">a</a>`, `<a href="https://x.example/?a=1&amp;b=2">a</a>`},
		{"mail links", `<a href="mailto:a@x.example">a</a>`, `<a href="mailto:a@x.example">a</a>`},
		{"dangerous links", `<a href="javascript:alert(1)">a</a>`, `a`},
		{"relative links", `<a href="/x">a</a>`, `a`},
		{"entities", `&quot;a&quot; &#39;b&#39; &lt;c&gt; &amp;amp; &eacute;&nbsp;x`, `"a" 'b' &lt;c&gt; &amp;amp; é&nbsp;x`},
		{"quotes in attributes", `<abbr title='a"b'></abbr>`, `<abbr title="a&quot;b"></abbr>`},
		{"key", `<p>a</p><abbr title="key" id="x"></abbr>`, `<p>a</p><abbr title="key"></abbr>`},
		{"unclosed", `<p>a<p>b`, `<p>a</p><p>b</p>`},
		{"comment", `a<!-- b -->c`, `ac`},
		{"mention", `<at id="0" x="y">Ada</at>`, `<at id="0">Ada</at>`},
		{"emoji", `<emoji id="smile" alt="🙂" title="Smile" src="x"></emoji>`, `<emoji id="smile" alt="🙂" title="Smile"></emoji>`},
		{"code", `<codeblock class="Go"><code>a &lt; b</code></codeblock>`, `<codeblock class="Go"><code>a &lt; b</code></codeblock>`},
		{"attachment", `<attachment id="1"></attachment>`, `<attachment id="1"></attachment>`},
		{"list", `<ol start="3" type="a"><li>x</li></ol>`, `<ol start="3"><li>x</li></ol>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := teams.NormaliseHTML(c.in, false)
			if got != c.want {
				t.Errorf("%s became %s, want %s", c.in, got, c.want)
			}
			if again := teams.NormaliseHTML(got, false); again != got {
				t.Errorf("a second time it became %s", again)
			}
		})
	}
	if got := teams.NormaliseHTML(`<p>a</p><abbr title="key">b</abbr>`, true); got != `<p>a</p>` {
		t.Errorf("abbr stripped: %s", got)
	}
}

func TestStoredTextIsNormalisedWhenItIsHTMLOnly(t *testing.T) {
	w := newWorld(t, teams.Options{})
	const keyed = `<p>a</p><abbr title=\"k\"></abbr><script>x</script>`
	post := func(kind string) string {
		return w.post(w.messages(), w.as(w.bob), `{"body":{"contentType":"`+kind+`","content":"`+keyed+`"}}`).want(t, 201, "").text("body", "content")
	}
	if got := post("html"); got != `<p>a</p><abbr title="k"></abbr>` {
		t.Errorf("html: %s", got)
	}
	if got := post("text"); got != `<p>a</p><abbr title="k"></abbr><script>x</script>` {
		t.Errorf("text: %s", got)
	}
	w.sim.SetStripAbbr(true)
	if got := post("html"); got != `<p>a</p>` {
		t.Errorf("without abbr: %s", got)
	}
}

func TestPlainText(t *testing.T) {
	const in = `<p>Hello&nbsp;<b>you</b></p><p>two<br>three <img src="x" alt="pic"><emoji alt="🙂"></emoji></p><ul><li>a</li><li>b</li></ul>`
	if got, want := teams.PlainText(in), "Hello you\ntwo\nthree pic🙂\na\nb"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
