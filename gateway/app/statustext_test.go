package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway"
)

// everything is what there can be to say.
const everything = `Causeway v1.2.3 has been running for 3 days, since 2030-05-07 09:00.

3 PROBLEMS
  account msteams.contoso, for 5 min: nobody has signed in
      → run: causeway login msteams.contoso
  mattermost.hq main/café, for 3 h: the bot is no member
      → invite it
  account msteams.contoso: the certificate ended on 2030-05-01

1 WARNING
  account msteams.contoso: it ends in 6 days
      → make a new one

ACCOUNTS
  mattermost.hq    connected for 3 days as causeway; the service lets it write again in 90 s
                   receives by websocket
  msteams.contoso  NOT CONNECTED, see above
                   receives by polling, because PublicURL is not set
                   the client secret "prod" ends in 6 days, on 2030-05-16
                   subscriptions: 3, [31m the next is renewed at 14:00
  msteams.new      not connected yet

GATEWAYS                             WAITING  OLDEST   QUARANTINED
  town
    mattermost.hq main/café (read)         0  -                  0  CANNOT BE READ, CANNOT BE WRITTEN
    msteams.contoso Contoso/General       12  5 min              3  account not connected
  news
    mattermost.hq news (written)           0  -                  0  NOT FOUND, by causeway 8 on b
    mattermost.hq old                      0  -                  0  NOT FOUND ANY MORE
    mattermost.hq later                    0  -                  0  being looked for

PEOPLE
  40 connected, 2 must connect again, 3 asked to connect
  notified where they prefer it: 10 in mattermost.hq, 25 in msteams.contoso

INSTANCES
  causeway 7 on a: delivers to 2 conversations, and does everything else, since 2030-05-07 09:00
  causeway 8 on b: delivers to 1 conversation, and stands by, since 2030-05-10 12:00
  causeway 9 on c: stands by, since 2030-05-10 12:00

2 gateways, 5 conversations: 12 waiting, the oldest for 5 min; 3 in quarantine.
`

func TestStatusTextShowsEverythingAtOneLook(t *testing.T) {
	now := time.Date(2030, 5, 10, 12, 0, 0, 0, time.Local)
	trouble := func(text, next string, ago time.Duration) *gateway.Trouble {
		return &gateway.Trouble{Text: text, Next: next, Since: now.Add(-ago)}
	}
	parked := trouble("nobody has\nsigned in", "run: causeway login msteams.contoso", 5*time.Minute)
	shut := trouble("the bot is no member", "invite it", 3*time.Hour)
	soon := gateway.End{What: `the client secret "prod"`, At: now.Add(6 * 24 * time.Hour), Next: "make a new one"}
	got := statusText(gateway.Status{
		Version: "v1.2.3", Since: now.Add(-75 * time.Hour), At: now,
		Problems: []gateway.Problem{{Where: "account msteams.contoso", Trouble: *parked}, {Where: "mattermost.hq main/café", Trouble: *shut},
			{Where: "account msteams.contoso", Trouble: gateway.Trouble{Text: "the certificate ended on 2030-05-01"}}},
		Warnings: []gateway.Problem{{Where: "account msteams.contoso", Trouble: gateway.Trouble{Text: "it ends in 6 days", Next: "make a new one"}}},
		Accounts: []gateway.AccountStatus{
			{Name: "mattermost.hq", Connected: true, Since: now.Add(-74 * time.Hour), Identity: "causeway", Receiving: "websocket", Throttled: now.Add(90 * time.Second)},
			{Name: "msteams.contoso", Trouble: parked, Receiving: "polling", Why: "PublicURL is not set", Ends: []gateway.End{soon},
				Facts: []gateway.Fact{{Name: "subscriptions", Value: "3,\x1b[31m the next is renewed at 14:00"}}},
			{Name: "msteams.new"},
		},
		Instances: []gateway.Instance{{Name: "causeway 7 on a", Since: now.Add(-75 * time.Hour), Active: true, Conversations: 2}, {Name: "causeway 8 on b", Since: now, Conversations: 1},
			{Name: "causeway 9 on c", Since: now}},
		Gateways: []gateway.GatewayStatus{
			{Name: "town", Conversations: []gateway.ConversationStatus{
				{Account: "mattermost.hq", Channel: "main/café", Direction: "in", Found: true, Reading: shut, Writing: shut},
				{Account: "msteams.contoso", Channel: "Contoso/General", Direction: "inout", Found: true, Waiting: 12, Oldest: now.Add(-5 * time.Minute), Quarantined: 3},
			}},
			{Name: "news", Conversations: []gateway.ConversationStatus{
				{Account: "mattermost.hq", Channel: "news", Direction: "out", Finding: shut, Instance: "causeway 8 on b"},
				{Account: "mattermost.hq", Channel: "old", Direction: "inout", Found: true, Finding: shut},
				{Account: "mattermost.hq", Channel: "later", Direction: "inout"},
			}},
		},
		People: gateway.PeopleStatus{Connected: 40, Lost: 2, Asked: 3, Preferred: map[bridge.AccountName]int{"msteams.contoso": 25, "mattermost.hq": 10}},
		Totals: gateway.Totals{Gateways: 2, Conversations: 5, Waiting: 12, Oldest: now.Add(-5 * time.Minute), Quarantined: 3},
	})
	if diff := cmp.Diff(everything, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for line := range strings.Lines(got) {
		if strings.HasSuffix(line, " \n") {
			t.Errorf("ends with a space: %q", line)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 1500 * time.Millisecond: "1 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min",
		119 * time.Minute: "119 min", 2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days",
	} {
		if got := gateway.Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
