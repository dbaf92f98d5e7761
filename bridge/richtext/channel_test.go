package richtext_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
)

func TestWithChannelsFindsNamesInTextOnly(t *testing.T) {
	where := func(name string) (string, string, bool) {
		return "~Town Square", "https://chat.example.org/acme/channels/town", name == "town"
	}
	const link = `[\~Town Square](https://chat.example.org/acme/channels/town)`
	for in, want := range map[string]string{
		"~town":                              link,
		"see ~Town, or (~town).":             "see " + link + ", or (" + link + ").",
		"**~town**":                          "**" + link + "**",
		"a~town ~towns ~nope ~":              `a\~town \~towns \~nope \~`,
		"`~town` [~town](https://x.example)": "`~town` [\\~town](https://x.example)",
		"~~town~~":                           "~~town~~",
		"https://x.example/~town":            "https://x.example/~town",
	} {
		if got := markdown.Render(markdown.Parse(in).WithChannels(where)); unescaped(got) != unescaped(want) {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := richtexttest.CPUTime()
	long := Doc{{Kind: Paragraph, Runs: []Run{{Text: strings.Repeat("~", 100_000) + strings.Repeat("~nope", 20_000)}}}}
	long.WithChannels(where)
	if took := richtexttest.CPUTime() - began; took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// unescaped leaves out what only keeps "~" from meaning something.
func unescaped(s string) string { return strings.ReplaceAll(s, `\~`, "~") }
