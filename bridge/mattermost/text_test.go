package mattermost

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
)

func TestImportantPostsSaySo(t *testing.T) {
	for metadata, want := range map[string]string{
		`{}`:                                 "hi",
		`{"priority":null}`:                  "hi",
		`{"priority":{"priority":""}}`:       "hi",
		`{"priority":{"priority":null}}`:     "hi",
		`{"priority":{"priority":"other"}}`:  "hi",
		`{"priority":{"priority":"urgent"}}`: "‼️ Urgent\nhi",
		`{"priority":{"priority":"important","requested_ack":true}}`: "❗ Important\nhi",
	} {
		if got := textOf(postOf(t, `{"message":"hi","metadata":`+metadata+`}`), nil).PlainText(); got != want {
			t.Errorf("%s: got %q, want %q", metadata, got, want)
		}
	}
}

// TestEverySystemEmojiCrosses: each name becomes its characters, and comes back as a name of the same emoji, skin tones too.
func TestEverySystemEmojiCrosses(t *testing.T) {
	tones := 0
	for name := range model.SystemEmojis {
		emoji, ok := systemEmoji(name)
		if name == "mattermost" { // the only one that is a picture
			ok, emoji = !ok, ":mattermost:"
		}
		if !ok {
			t.Errorf("%s has no characters", name)
		}
		doc := html.Parse(html.Render(textOf(&model.Post{Message: "a :" + name + ": b"}, nil)))
		if got := doc.PlainText(); got != "a "+emoji+" b" {
			t.Errorf(":%s: became %q, want %q", name, got, emoji)
		}
		if name == "mattermost" {
			continue
		}
		back, _ := systemEmoji(emojiNames[bridge.NormalizeEmoji(emoji)])
		if bridge.NormalizeEmoji(back) != bridge.NormalizeEmoji(emoji) {
			t.Errorf("a reaction with %s (%s) came back as %q", name, emoji, back)
		}
		if strings.HasSuffix(name, "_skin_tone") {
			tones++
		}
	}
	if len(model.SystemEmojis) < 1_500 || tones < 100 {
		t.Errorf("only %d emoji, %d with a skin tone", len(model.SystemEmojis), tones)
	}
}

// TestEmojiInTablesAreSpelled, and what stands in code is left alone.
func TestEmojiInTablesAreSpelled(t *testing.T) {
	got := textOf(&model.Post{Message: "| :smile: | `:smile:` |\n|---|---|\n| :our_logo: | :+1: |"}, nil)
	run := func(s string) []richtext.Run { return []richtext.Run{{Text: s}} }
	want := richtext.Doc{{Kind: richtext.Table, Rows: []richtext.Row{
		{run("😄"), {{Text: ":smile:", Style: richtext.InlineCode}}}, {run(":our_logo:"), run("👍")}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
