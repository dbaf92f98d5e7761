package richtext_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
)

// conversions are the four ways that a text goes, there and back.
var conversions = map[string]func(string){
	"markdown": func(s string) { html.Render(markdown.Parse(s)) },
	"html":     func(s string) { markdown.Render(html.Parse(s)) },
}

// TestTimeGrowsWithTheLength of a text, not with its square: eight times the text may take up to 32 times as long, where
// the square would be 64. The fastest of many tries counts, since other programs run, too.
func TestTimeGrowsWithTheLength(t *testing.T) {
	const small, factor, patience = 8_000, 8, 32
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for service, units := range map[string][]string{
		"markdown": {
			"a ", "**a** ", "*a", "[a](https://a.b) ", "https://a.b/c ", "@a ", "$a_1$ ", "$a ", "`a` ", "- [ ] a\n", "1. a\n", "> a\n", "a\n\n", "| a | b |\n", "|a|b|\n|-|-|\n|c|d|\n\n",
			"|", "|\n", "|-", "|a\n|-\n", "\\|", "`\\|`", "| `a\\|b` |\n", "a|b\n-|-\nx\n", "- a\nx\n", "# a\n", "<b>", "&amp;", ":a:", "🙂", "☐ ", "ä",
		},
		"html": {
			"a ", "<b>a</b> ", "<p>a</p>", "<tr><td>a</td></tr>", "<td>a</td>", "<td colspan=100>a</td>", "<td rowspan=100>a</td>", "<tr><td rowspan=100>a</td><td>b</td></tr>",
			"<li>a</li>", "<p style='mso-list:l0 level9 lfo1'>a</p>", "<p style='mso-list:l0 level1 lfo1'>a</p>", "<at id=1>a</at> ", "<img src='https://a.b/c'>", "<emoji alt='🙂'></emoji>",
			"<span style='font-weight:bold;font-style:italic;text-decoration:underline'>a</span>", "<u>a</u>b", "&nbsp;", "<br>", "<blockquote>a</blockquote>", "<pre>a</pre>", "<input type=checkbox>",
		},
	} {
		convert := conversions[service]
		for _, unit := range units {
			frame := func(n int) string {
				s := strings.Repeat(unit, n/len(unit))
				switch {
				case strings.HasPrefix(unit, "<tr"):
					return "<table>" + s + "</table>"
				case strings.HasPrefix(unit, "<td"):
					return "<table><tr>" + s + "</tr></table>"
				case strings.HasPrefix(unit, "<li"):
					return "<ul>" + s + "</ul>"
				case strings.HasPrefix(unit, "| a") || strings.HasPrefix(unit, "| `"):
					return "| a | b |\n|---|---|\n" + s
				}
				return s
			}
			short, long := time.Hour, time.Hour
			measure := func() {
				for n, best := range map[int]*time.Duration{small: &short, factor * small: &long} {
					s := frame(n)
					before := richtexttest.CPUTime()
					convert(s)
					*best = min(*best, max(richtexttest.CPUTime()-before, time.Microsecond))
				}
			}
			measure()
			for try := 0; try < 30 && long > patience*short; try++ {
				measure()
			}
			if long > patience*short {
				t.Errorf("%s of %q: %v for %d bytes, %v for %d", service, unit, short, small, long, factor*small)
			}
		}
	}
}

// TestBigTables survive both ways, and are cut into parts that are tables with headings for the limits of both services.
func TestBigTables(t *testing.T) {
	doc := Doc{richtexttest.BigTable()}
	onTeams := html.Parse(html.Render(markdown.Parse(markdown.Render(doc))))
	if onTeams.Hash() != doc.Hash() || onTeams.PlainText() != doc.PlainText() {
		t.Error("the table did not survive")
	}
	for limit, render := range map[int]func(Doc) string{27 << 10: html.Render, 16_383: markdown.Render, 4_000: markdown.Render} {
		parts := Split(doc, func(d Doc) bool { return len(render(d)) <= limit })
		rows := 0
		for _, part := range parts {
			if len(render(part)) > limit || len(part) != 1 || part[0].Kind != Table || part[0].Rows[0][0][0].Text != "name" || part[0].Alignment(1) != AlignRight {
				t.Fatalf("with %d bytes: a part is %v", limit, part)
			}
			rows += len(part[0].Rows) - 1
		}
		if rows != 350 || len(parts) < 2 {
			t.Errorf("with %d bytes: %d rows in %d parts", limit, rows, len(parts))
		}
	}
}

func BenchmarkConversions(b *testing.B) {
	for _, text := range richtexttest.AllMeasured(markdown.Parse) {
		md, ht := markdown.Render(text.Doc), html.Render(text.Doc)
		for _, way := range []struct {
			name, in string
			convert  func(string)
		}{{"MattermostToTeams", md, conversions["markdown"]}, {"TeamsToMattermost", ht, conversions["html"]}} {
			b.Run(text.Name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(way.in)))
				for b.Loop() {
					way.convert(way.in)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "conversions/s")
			})
		}
	}
}
