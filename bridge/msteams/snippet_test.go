package msteams

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// TestCodeSnippetsBringTheirCode as a block of their language; what is long, or cannot be read now, is a file.
func TestCodeSnippetsBringTheirCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		c := w.id(w.general)
		long := strings.Repeat("x = 1\n", 20_000)
		id, err := w.sim.Say(w.bob, w.general, "<p>see</p>", teams.WithSnippet("Go", "func main() {\r\n\t<b>\r\n}\r\n"), teams.WithSnippet("python", long))
		w.do(err)
		block := func(language, text string) richtext.Block {
			return richtext.Block{Kind: richtext.Code, Language: language, Text: text}
		}
		read := func() bridge.State {
			t.Helper()
			s, err := a.Read(t.Context(), c, bridge.MessageID(id))
			w.do(err)
			return s
		}
		s := read()
		want := richtext.Doc{paragraph(words("see")), block("go", "func main() {\n\t<b>\n}"), paragraph(words("[code snippet: snippet]"))}
		if diff := cmp.Diff(want, s.Text); diff != "" || len(s.Files) != 1 || s.Files[0].Name != "snippet.txt" {
			t.Fatalf("%+v (-want +got):\n%s", s.Files, diff)
		}
		body, f, err := a.Open(t.Context(), c, s.Files[0], 0)
		w.do(err)
		data, err := io.ReadAll(body)
		w.do(err)
		if string(data) != long || f.Size != int64(len(long)) {
			t.Errorf("the file has %d bytes, told are %d", len(data), f.Size)
		}

		end := w.sim.Inject(teams.Fault{Template: "/teams/{id}/channels/{id}/messages/{id}/hostedContents/{id}/$value", Status: 503, Times: -1})
		if s := read(); len(s.Files) != 2 || s.Text.PlainText() != "see\n[code snippet: snippet]\n[code snippet: snippet]" {
			t.Errorf("while it cannot be read: %+v", s)
		}
		end()
		end = w.sim.Inject(teams.Fault{Template: "/teams/{id}/channels/{id}/messages/{id}/hostedContents/{id}/$value", Delay: time.Hour, Times: -1})
		began := time.Now()
		if s := read(); len(s.Files) != 2 || time.Since(began) > time.Minute {
			t.Errorf("while nothing answers, after %v: %+v", time.Since(began), s)
		}
		end()
		if s := read(); s.Text[1].Language != "go" {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// TestSnippetsOfOthersAreNotFetched: an address is no reason to ask a foreign host.
func TestSnippetsOfOthersAreNotFetched(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	for _, address := range []string{"https://evil.example/x", "http://169.254.169.254/latest", "", "https://evil.example/hostedContents/x/$value?y"} {
		m := fromJSON(t, `"attachments":[{"id":"1","contentType":"application/vnd.microsoft.card.codesnippet","name":"n","content":"{\"language\":\"go\",\"codeSnippetUrl\":\"`+address+`\"}"}]`)
		s, _ := a.state(t.Context(), w.id(w.general), m)
		if got := s.Text.PlainText(); got != "hi\n[code snippet: n]" {
			t.Errorf("%s: %q", address, got)
		}
	}
}
