package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway/config"
)

func TestChannelsAreListedForTheConfig(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.left.AddChannel("C3", "a team/b")
	w.call("channels", "left.one").wants(t, result{out: `channel = "a team/b"  # memory://memory:left/C3
channel = "team/general"  # memory://memory:left/C1
channel = "team/other"  # memory://memory:left/C2
`})
	for _, c := range []bridge.ChannelID{"C1", "C2", "C3"} {
		w.left.Shut(c)
	}
	w.call("channels", "left.one").wants(t, result{errors: "left.one can see no channel: make it a member of those that it shall carry\n"})
	w.left.Revoke("bot")
	w.call("channels", "left.one").wants(t, result{code: 1,
		errors: "causeway: left.one: connect: the token of bot is not valid (grant it again)\n"})
}

// TestChannelLinesCanBeCopied has names that TOML must quote, and names that would not find one channel.
func TestChannelLinesCanBeCopied(t *testing.T) {
	name := "a \"b\"\\c\n\t\u007f#é"
	got := channelLines([]bridge.Conversation{
		{ID: bridge.ConversationID{Channel: "4"}, Name: "twice", Link: "https://x/4"},
		{ID: bridge.ConversationID{Channel: "3"}, Name: "twice"},
		{ID: bridge.ConversationID{Channel: "2"}, Name: name},
		{ID: bridge.ConversationID{Channel: "1"}},
	}, nil)
	want := []string{`channel = "1"`, `channel = "a \"b\"\\c\u000A\u0009\u007F#é"`, `channel = "3"  # twice`, `channel = "https://x/4"  # twice`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w := newWorld(t, "")
	text := accounts + "[[gateway]]\nname = \"x\"\n[[gateway.inout]]\naccount = \"left.one\"\n" + got[1] + "\n[[gateway.inout]]\naccount = \"left.one\"\n" + got[3] + "\n"
	protocols := config.Protocols{}
	for _, p := range w.protocols {
		protocols[p.Name] = p.Settings
	}
	cfg, err := config.Parse("config.toml", []byte(text), w.dir, func(string) (string, bool) { return "", false }, protocols)
	if err != nil || cfg.Gateways[0].Endpoints[0].Channel != name || cfg.Gateways[0].Endpoints[1].Channel != "https://x/4" {
		t.Errorf("read back as %+v %v", cfg, err)
	}
}
