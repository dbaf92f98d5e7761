package mattermost

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

func TestNamesAreWhatMayFollowAnAt(t *testing.T) {
	for message, want := range map[string][]string{
		"hi @Zoe.K., and (@bob)":         {"bob", "zoe.k", "zoe.k."},
		"a@b.example @":                  {"b.example"},
		"@channel, @x_":                  {"channel", "x", "x_"},
		"nothing":                        nil,
		"@" + strings.Repeat("b", 10000): {strings.Repeat("b", 65)},
	} {
		got := slices.Sorted(maps.Keys(namesIn(&model.Post{Message: message})))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", message, diff)
		}
	}
}

// TestMentionsAreWrittenByUserName, and what is none cannot become one.
func TestMentionsAreWrittenByUserName(t *testing.T) {
	mention := func(who string) richtext.Run {
		return richtext.Run{Text: "@" + "Zoe @all", Kind: richtext.Mention, Who: who}
	}
	d := bridge.Draft{Author: bridge.Author{Name: "@channel"}, Text: richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{
		mention("1"), {Text: ", "}, mention("2"), {Text: ", "}, mention(richtext.Everybody), {Text: ", x"}, mention("1"), {Text: " @zoe"},
	}}}}
	got := message(d, false, usernames{"1": "zoe", richtext.Everybody: "channel"})
	want := "**@\u200bchannel**:\n@zoe, @\u200bZoe @\u200ball, @channel, x@\u200bZoe @\u200ball @\u200bzoe"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	post := &model.Post{Message: "@zoe, @here, `@zoe`, @bob", Type: model.PostTypeDefault}
	if diff := cmp.Diff([]string{"1", richtext.Everybody}, textOf(post, handles{"zoe": "1", "here": "", "bob": ""}).Mentions()); diff != "" {
		t.Error(diff)
	}
}
