package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// evil is a name of somebody who tries everything.
const evil = "\u202e<script>alert(1)</script>\x00\"'&\u200b{{.}}"

// views are all pages, with evil wherever somebody else's words can stand.
func views() map[string]View {
	who := Who{Service: "Microsoft Teams", Where: evil, Name: Clean(evil), Username: Clean(evil), Email: Clean(evil)}
	h := Head{Title: "Title"}
	return map[string]View{
		"message": Message{Head: h, Text: []string{evil}, Links: []Link{{evil, "step"}, {"bad", "javascript:alert(1)"}}},
		"door":    Door{Head: h, Asker: who, Other: evil, Steps: []string{evil}},
		"leave":   Leave{Head: h, Service: evil, Href: `https://login.example/?a="b"&c=d`, Expected: &who},
		"code":    Code{Head: h, Asker: who, Code: "ABCD", Command: "/msteams confirm ABCD"},
		"agree":   Agree{Head: h, Home: who, Other: who, Form: evil},
		"me": Me{Head: h, Welcome: true, Notes: []string{evil}, Home: who, Ends: []Connection{{Who: who, Value: evil, State: evil, Leave: true}},
			Cards: []Card{{Value: evil, Title: evil, Chosen: true, Text: []string{evil}, Ask: evil, Asked: true}, {Value: "b", Title: "b"}}, Skip: evil},
	}
}

func shown(t *testing.T, v View) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { Show(w, http.StatusOK, v) })).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

// allowed are the elements of the pages; there is no script, and nothing that loads anything but the style sheet.
var allowed = map[string]bool{}

func init() {
	for name := range strings.FieldsSeq("html head meta title link body a header p svg path main h1 h2 h3 div dl dt dd span bdi br wbr ol li form button input label section details summary footer strong code") {
		allowed[name] = true
	}
}

func TestPagesHoldNothingButWhatIsMeant(t *testing.T) {
	for name, v := range views() {
		root, err := html.Parse(shown(t, v).Body)
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		var walk func(n *html.Node)
		walk = func(n *html.Node) {
			if n.Type == html.ElementNode {
				count[n.Data]++
				if !allowed[n.Data] {
					t.Errorf("%s: <%s>", name, n.Data)
				}
				for _, a := range n.Attr {
					switch {
					case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "action", a.Key == "src":
						t.Errorf("%s: %s=%q", name, a.Key, a.Val)
					case a.Key == "href" && n.Data == "link" && a.Val != "page.css":
						t.Errorf("%s: loads %q", name, a.Val)
					case a.Key == "href" && regexp.MustCompile(`(?i)^\s*(javascript|data)`).MatchString(a.Val):
						t.Errorf("%s: leads to %q", name, a.Val)
					case a.Key == "type" && n.Data == "input" && a.Val == "checkbox" && n.Parent.Data != "label":
						t.Errorf("%s: a box without a label", name)
					}
				}
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c)
			}
		}
		walk(root)
		if count["h1"] != 1 || count["main"] != 1 || count["header"] != 1 || count["footer"] != 1 || count["title"] != 1 {
			t.Errorf("%s: %v", name, count)
		}
	}
}

func TestPagesKeepToThemselves(t *testing.T) {
	for name, v := range views() {
		h := shown(t, v).Header()
		for key, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Frame-Options":         "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8", "Refresh": "",
		} {
			if got := h.Get(key); got != want {
				t.Errorf("%s: %s: %q, want %q", name, key, got, want)
			}
		}
	}
}

func TestBrowserIsSentToAddressesOfTheWebOnly(t *testing.T) {
	for next, want := range map[string]string{
		"https://login.example/a?b=c": "0; url=https://login.example/a?b=c", "javascript:alert(1)": "", "/elsewhere": "", "https:": "", "": "",
	} {
		if got := shown(t, Message{Head: Head{Next: next}}).Header().Get("Refresh"); got != want {
			t.Errorf("%q: %q", next, got)
		}
	}
	if got := shown(t, Code{Head: Head{After: 5}}).Header().Get("Refresh"); got != "5" {
		t.Errorf("%q", got)
	}
}

func TestClean(t *testing.T) {
	for name, want := range map[string]string{
		"Alice Chen":              "Alice Chen",
		"  Alice \t\n Chen ":      "Alice Chen",
		"\u202eecilA\u202c":       "ecilA",
		"A\u2066l\u2069\u200fice": "Alice",
		"\x00\x1b[31mAlice":       "[31mAlice",
		"Zoë 陳 👍 José":            "Zoë 陳 👍 José",
		"\u200b\u3164\u2800":      "(no name)",
		"":                        "(no name)",
		"<b>A</b>":                "<b>A</b>",
		"line\u2028line":          "line line",
		"\xff\xfeAl":              "Al",
		strings.Repeat("x", 81):   strings.Repeat("x", 80) + "…",
		strings.Repeat("ä", 80):   strings.Repeat("ä", 80),
	} {
		if got := Clean(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
