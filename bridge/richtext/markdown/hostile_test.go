package markdown

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

// patience is far more than any of these needs (the slowest about a second), and far less than what takes time with the
// square of the length would need.
const patience = 30 * time.Second

// TestParseIsNotHeldUp by what somebody may send to hold it up: texts as long as a message can be, and longer.
func TestParseIsNotHeldUp(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	repeated := []string{
		"x", " ", "\n", "a ", "*a ", "**a", "_a *b ", "a**b*c", "~~a ", "*a_", "[", "]", "[a](", "![", "[a](b", "[a][b", "`a", "`a``b```c", "<", "<a@", "<https://",
		">", "> ", "> \n", "- ", "-\n", "1. ", "- a\n ", "\t- a\n", "#", "# a\n", "```\n", "~~~", "    a\n", "\\", "&", "&amp;", "&#", "https://a.b ",
		"https://a.b/(", "https://", "://", "@a ", "|a", "a\n=\n", "a\n-\n", "[a]: b\n", "***", "_ ", "* a\n", "a\\\n", "\u200b", "日", "(", "http://h)",
	}
	for _, size := range []int{65_532, 1_000_000} {
		for _, unit := range repeated {
			if size > maxParsed && strings.Contains(unit, "\n") {
				continue // a line of a megabyte is what this is about
			}
			s := strings.Repeat(unit, size/len(unit)+1)[:size]
			start := richtexttest.CPUTime()
			doc := Parse(s)
			Render(doc)
			if took := richtexttest.CPUTime() - start; took > patience {
				t.Errorf("%d bytes of %q took %v", size, unit, took)
			}
		}
	}
}

// TestNothingIsCopiedForAMark that begins no picture: "!" is in many texts.
func TestNothingIsCopiedForAMark(t *testing.T) {
	const marks = 1_000
	s := strings.Repeat("!", marks)
	if copies := testing.AllocsPerRun(5, func() { Parse(s) }); copies > marks/2 {
		t.Errorf("%v allocations for %d marks", copies, marks)
	}
}

// TestNestingIsBounded: one line can open a hundred thousand quotes.
func TestNestingIsBounded(t *testing.T) {
	for _, unit := range []string{"> ", "- ", "1. ", "[", "*a **b ", "> - "} {
		for _, n := range []int{1_000, 100_000} {
			s := strings.Repeat(unit, n) + "deep\n" + strings.Repeat(unit, n) + "end"
			doc := Parse(s)
			if text := doc.PlainText(); !strings.Contains(text, "deep") || !strings.Contains(text, "end") {
				t.Errorf("%d times %q: the text was lost", n, unit)
			}
			if depth(doc) > 10 {
				t.Errorf("%d times %q: nested %d deep", n, unit, depth(doc))
			}
		}
	}
}

func depth(doc richtext.Doc) int {
	deepest := 0
	for _, b := range doc {
		switch b.Kind {
		case richtext.Quote:
			deepest = max(deepest, 1+depth(b.Blocks))
		case richtext.List:
			for _, item := range b.Items {
				deepest = max(deepest, 1+depth(item))
			}
		}
	}
	return deepest
}
