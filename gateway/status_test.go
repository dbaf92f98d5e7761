package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// standing is an account that says how it stands.
type standing struct {
	bridge.Bridge
	status func() bridge.Status
}

func (s standing) Status() bridge.Status { return s.status() }

// stands makes an account say that it stands so.
func (w *world) stands(name string, status bridge.Status) {
	w.wrap(name, func(b bridge.Bridge) bridge.Bridge {
		return standing{b, func() bridge.Status { return status }}
	})
}

// status gives the status, of which the JSON form must hold nothing that was said.
func (w *world) status() Status {
	w.t.Helper()
	s := w.gateway.Status(w.t.Context())
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "hush") {
		w.t.Errorf("%v: %s", err, text)
	}
	return s
}

// problems gives where something is wrong, what, and the next step.
func (w *world) problems() []string {
	w.t.Helper()
	all := []string{}
	for _, p := range w.status().Problems {
		if p.Since.IsZero() || p.Since.After(time.Now()) {
			w.t.Errorf("%s: since %v", p.Where, p.Since)
		}
		all = append(all, p.Where+": "+p.Text+" -> "+p.Next)
	}
	return all
}

const statusOfWhatWorks = `{
  "version": "v1",
  "since": "2000-01-01T00:00:00Z",
  "at": "2000-01-01T00:02:00Z",
  "config": {},
  "problems": [],
  "warnings": [],
  "accounts": [
    {
      "name": "memory.a",
      "protocol": "memory",
      "connected": true,
      "since": "2000-01-01T00:00:00Z",
      "server": "memory:a",
      "user": "bot",
      "identity": "bot",
      "receiving": "polling",
      "why": "no public address is set",
      "ends": [
        {
          "what": "the client secret \"prod\"",
          "at": "2000-03-01T00:00:00Z",
          "next": "make a new one"
        }
      ],
      "facts": [
        {
          "name": "subscriptions",
          "value": "3"
        }
      ]
    },
    {
      "name": "memory.b",
      "protocol": "memory",
      "connected": true,
      "since": "2000-01-01T00:00:00Z",
      "server": "memory:b",
      "user": "bot",
      "identity": "bot",
      "ends": [],
      "facts": []
    }
  ],
  "gateways": [
    {
      "name": "g0",
      "conversations": [
        {
          "account": "memory.a",
          "channel": "team/town",
          "direction": "in",
          "found": true,
          "id": "memory:a/town",
          "waiting": 0,
          "quarantined": 0
        },
        {
          "account": "memory.b",
          "channel": "team/town",
          "direction": "inout",
          "found": true,
          "id": "memory:b/town",
          "waiting": 0,
          "quarantined": 0
        }
      ]
    }
  ],
  "totals": {
    "accounts": 2,
    "connected": 2,
    "gateways": 1,
    "conversations": 2,
    "waiting": 0,
    "quarantined": 0
  },
  "people": {
    "connected": 0,
    "lost": 0,
    "asked": 0
  }
}`

func TestStatusOfWhatWorks(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.stands("a", bridge.Status{Receiving: "polling", Why: "no public address is set",
			Ends:  []bridge.End{{What: `the client secret "prod"`, At: time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC), Hint: "make a new one"}},
			Facts: []bridge.Fact{{Name: "subscriptions", Value: "3"}}})
		w.route(in("a", "town"), inout("b", "town"))
		w.start()
		a.Say("town", "ann", "hush")
		w.wait(2*time.Minute - time.Since(w.gateway.since))
		w.crossed(a, "town", b, "town")
		s := w.status()
		s.Since, s.At = s.Since.UTC(), s.At.UTC()
		for i := range s.Accounts {
			s.Accounts[i].Since = s.Accounts[i].Since.UTC()
		}
		text, err := json.MarshalIndent(s, "", "  ")
		if diff := cmp.Diff(statusOfWhatWorks, string(text)); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestStatusOfAnAccountThatIsParked(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		b.Revoke("bot")
		a.Say("town", "ann", "hush one")
		said := time.Now()
		w.wait(time.Hour)
		a.Say("town", "ann", "hush two")
		w.wait(time.Second)
		s := w.status()
		one := s.Accounts[1]
		if one.Connected || !one.Since.IsZero() || one.Trouble == nil || one.Identity != "bot" || !s.Accounts[0].Connected || s.Totals.Connected != 1 {
			t.Errorf("the accounts are %+v", s.Accounts)
		}
		if p := w.problems(); len(p) != 1 || !strings.HasPrefix(p[0], "account memory.b: ") || !strings.Contains(p[0], "the token of bot is not valid") ||
			!strings.HasSuffix(p[0], " -> grant it again") {
			t.Errorf("the problems are %q", p)
		}
		if since := one.Trouble.Since.Sub(said); since > time.Minute {
			t.Errorf("it began %v after it began", since)
		}
		w.same(waiting(s, "memory.b"), []int{2})
		w.same(s.Totals.Oldest.Equal(said), true)
		b.Grant("bot")
		w.wait(10 * time.Minute)
		s = w.status()
		w.same(len(s.Problems)+s.Totals.Waiting, 0)
		w.same(s.Accounts[1].Connected, true)
	})
}

// waiting gives the numbers of an account's conversations.
func waiting(s Status, account bridge.AccountName) []int {
	var all []int
	for _, g := range s.Gateways {
		for _, c := range g.Conversations {
			if c.Account == account {
				all = append(all, c.Waiting)
			}
		}
	}
	return all
}

func TestStatusOfConversationsWithTroubles(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "town"), inout("b", "town")) // the same again is counted once
		w.route(out("a", "town"), in("b", "nowhere"))
		w.start()
		b.Shut("town")
		a.Say("town", "ann", "hush")
		w.wait(10 * time.Minute)
		s := w.status()
		kinds := map[string]string{}
		for _, p := range s.Problems {
			kinds[p.Where] += p.Text + ","
		}
		w.same(kinds, map[string]string{
			"memory.b team/town":    "bot may not use memory:b/town,post: bot may not use memory:b/town,",
			"memory.b team/nowhere": "resolve: there is no conversation \"team/nowhere\",",
		})
		town, lost := s.Gateways[1].Conversations[1], s.Gateways[2].Conversations[1]
		if !town.Found || town.Reading == nil || town.Writing == nil || town.Waiting != 1 || lost.Found || lost.Finding == nil ||
			lost.Finding.Next != "the list of conversations has the names" || strings.Contains(lost.Finding.Text, lost.Finding.Next) {
			t.Errorf("%+v\n%+v", town, lost)
		}
		w.same(s.Totals.Waiting, 1)
		w.same(s.Totals.Conversations, 2)
		w.same([]string{s.Gateways[2].Conversations[0].Direction, lost.Direction}, []string{"out", "in"})
		b.Reopen("town")
		b.AddChannel("nowhere", "team/nowhere")
		w.wait(10 * time.Minute)
		w.same(w.problems(), []string{})
	})
}

func TestStatusCountsWhatIsInQuarantine(t *testing.T) {
	inWorld(t, func(w *world) {
		var refuses switched
		a, _ := w.pair(memory.Options{}, memory.Options{Fault: refuses.fault})
		refuses.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.Say("town", "ann", "hush one")
		w.wait(time.Minute)
		a.Say("town", "ann", "hush two")
		w.wait(time.Minute)
		w.same(w.problems(), []string{"quarantine: 2 messages could not be delivered -> `causeway quarantine list` shows why; then retry or drop"})
		s := w.status()
		w.same([]int{s.Gateways[0].Conversations[1].Quarantined, s.Totals.Quarantined, s.Totals.Waiting}, []int{2, 2, 0})
		refuses.off()
		for _, q := range w.held() {
			if _, err := w.store.Retry(w.t.Context(), q.ID); err != nil {
				t.Error(err)
			}
		}
		w.gateway.wakeLacking(w.t.Context())
		w.wait(time.Minute)
		w.same(w.problems(), []string{})
	})
}

func TestStatusOfAStoreThatIsFull(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		w.full.Store(true)
		a.Say("town", "ann", "hush")
		w.wait(time.Minute)
		if p := w.problems(); len(p) != 1 || !strings.HasPrefix(p[0], "store: ") || !strings.Contains(p[0], "disk is full -> make room") {
			t.Errorf("the problems are %q", p)
		}
		w.full.Store(false)
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		w.same(w.problems(), []string{})
		w.same(w.status().Store, (*Trouble)(nil))
	})
}

func TestStatusOfAStoreThatCannotBeRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.pair(memory.Options{}, memory.Options{})
		ctx, cancel := context.WithCancel(w.t.Context())
		cancel()
		s := w.gateway.Status(ctx)
		if s.Store == nil || !strings.HasPrefix(s.Store.Text, "reading what is waiting: ") || len(s.Problems) != 1 || len(s.Accounts) != 2 || len(s.Gateways) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestStatusTellsUntilWhenAnAccountIsThrottled(t *testing.T) {
	inWorld(t, func(w *world) {
		var throttles switched
		a, _ := w.pair(memory.Options{}, memory.Options{Fault: throttles.fault})
		throttles.on(before(memory.Post, func() error { return memory.Throttles(bridge.ScopeAccount, time.Hour) }))
		a.Say("town", "ann", "hush")
		began := time.Now()
		w.wait(time.Minute)
		one := w.status().Accounts[1]
		if !one.Connected || one.Throttled.Sub(began).Round(time.Second) != time.Hour {
			t.Errorf("%+v", one)
		}
		if p := w.problems(); len(p) != 1 || !strings.HasSuffix(p[0], " -> nothing: it goes on when the service allows it") {
			t.Errorf("the problems are %q", p)
		}
	})
}

func TestAnAccountThatCannotTellHowItStandsHarmsNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		w.service("a", memory.Options{})
		w.service("b", memory.Options{})
		w.wrap("b", func(b bridge.Bridge) bridge.Bridge {
			return standing{b, func() bridge.Status { panic(errors.New("a mistake")) }}
		})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.wait(2 * endInterval)
		w.same(w.status().Accounts[1].Facts, []Fact{{"status", "internal error: a mistake"}})
	})
}

func TestStatusBeforeAnythingIsConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		var stuck switched
		stuck.on(func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Connect {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		w.service("a", memory.Options{Fault: stuck.fault})
		w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		s := w.status()
		if one := s.Accounts[0]; one.Connected || one.Trouble != nil || one.Identity != "" || s.Gateways[0].Conversations[0].Found {
			t.Errorf("%+v", s)
		}
		w.same(w.problems(), []string{})
	})
}
