package notification

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseResource(t *testing.T) {
	const team, channel = "fbe2bf47-16c8-47cf-b4a5-4b9b187c508b", "19:4a95f7d8db4c4e7fae857bcebe0623e6@thread.tacv2"
	reply := Resource{Kind: ChannelMessage, Team: team, Channel: channel, Message: "1565045424600", Reply: "1565047490246"}
	message := Resource{Kind: ChannelMessage, Team: team, Channel: channel, Message: "1565045424600"}
	chat := Resource{Kind: ChatMessage, Chat: "19:8ea0_97f6@unq.gbl.spaces", Message: "7"}
	for _, c := range []struct {
		text string
		want Resource
	}{
		{"teams('" + team + "')/channels('" + channel + "')/messages('1565045424600')/replies('1565047490246')", reply},
		{"/teams/" + team + "/channels/" + channel + "/messages/1565045424600/replies/1565047490246", reply},
		{"Teams('" + strings.ToUpper(team) + "')/Channels('19%3A4a95f7d8db4c4e7fae857bcebe0623e6%40thread.tacv2')/Messages(1565045424600)", message},
		{"teams/" + team + "/channels/19%3a4a95f7d8db4c4e7fae857bcebe0623e6%40thread.tacv2/messages/1565045424600/", message},
		{"https://graph.microsoft.com/v1.0/teams('" + team + "')/channels/" + channel + "/messages('1565045424600')", message},
		{"HTTPS://dod-graph.microsoft.us/Beta/teams('" + team + "')/channels('" + channel + "')/messages('1565045424600')?model=A", message},
		{"chats('19:8ea0_97f6@unq.gbl.spaces')/messages('7')", chat},
		{"chats/19:8ea0_97f6@unq.gbl.spaces/messages/7?$filter=a/b", chat},
		{"users('U-1')/chats('19:8ea0_97f6@unq.gbl.spaces')/messages('7')", Resource{Kind: ChatMessage, User: "u-1", Chat: chat.Chat, Message: "7"}},
		{"teams('T')", Resource{Kind: Team, Team: "t"}},
		{"teams('t')/channels('C')", Resource{Kind: Channel, Team: "t", Channel: "C"}},
		{"chats('C')", Resource{Kind: Chat, Chat: "C"}},
		{"users('u')", Resource{Kind: User, User: "u"}},
		{"chats('c')/members('a/b+c==')", Resource{Kind: Member, Chat: "c", Member: "a/b+c=="}},
		{"teams('t')/channels('c')/members/a%2Fb", Resource{Kind: Member, Team: "t", Channel: "c", Member: "a/b"}},
		{"teams('t')/members('m')", Resource{Kind: Member, Team: "t", Member: "m"}},
		{"chats('it''s')", Resource{Kind: Chat, Chat: "it's"}},
		{"chats('it%27%27s')", Resource{Kind: Chat, Chat: "it's"}},
		{"chats('''')", Resource{Kind: Chat, Chat: "'"}},
		{"chats('a)b(c')/messages('1')", Resource{Kind: ChatMessage, Chat: "a)b(c", Message: "1"}},
		// Well formed, but nothing that is read here.
		{"chats/getAllMessages", Resource{}},
		{"teams/GetAllChannels", Resource{}},
		{"teams/" + team + "/channels/" + channel + "/messages", Resource{}},
		{"teams('t')/channels('c')/messages?$search=Hello", Resource{}},
		{"users('u')/chats/getAllMessages", Resource{}},
		{"users/u@t/messages/AAMk", Resource{}},
		{"chats('c')/messages('1')/replies('2')", Resource{}},
		{"teams('t')/channels('c')/messages('1')/hostedContents('h')/$value", Resource{}},
		{"teams('t')/channels('c')/messages('1')/replies('2')/replies('3')", Resource{}},
		{"communications/presences('p')", Resource{}},
		{"messages('1')", Resource{}},
	} {
		got, err := ParseResource(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.text, d)
		}
	}
}

func TestResourcesThatAreRefused(t *testing.T) {
	for text, problem := range map[string]string{
		"":                            "names nothing",
		"/":                           "names nothing",
		"https://graph.microsoft.com": "names nothing",
		"chats('a":                    "does not end",
		"chats('a'":                   "does not end",
		"chats('a''":                  "does not end",
		"chats('a'b')":                "does not end",
		"chats(a":                     "does not end",
		"chats('a')x":                 "stands behind a key",
		"chats('a%27b')":              "not doubled",
		"chats('')":                   "is no id",
		"chats//messages/1":           "is no id",
		"chats('c')//messages('1')":   "has no name",
		"('c')":                       "has no name",
		"chats('.')":                  "is no id",
		"chats/../messages/1":         "is no id",
		"chats('c')/messages('1%0a')": "is no id",
		"chats('%ff')":                "is no id",
		"chats('%zz')":                "invalid URL escape",
		"chats/%2":                    "invalid URL escape",
		"chats('a%2Fb')":              "has a slash",
		"chats('a/b')":                "has a slash",
		"teams/t/channels/a%2fb":      "has a slash",
		"chats('" + strings.Repeat("x", maxID+1) + "')": "is no id",
	} {
		got, err := ParseResource(text)
		if err == nil || !strings.Contains(err.Error(), problem) || got != (Resource{}) {
			t.Errorf("%.60s: %+v, %v, not %q", text, got, err, problem)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.60s: the error has %d bytes", text, len(err.Error()))
		}
	}
}
