package gateway

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// manyTalks gives a gateway that knows so many open pairs of two people each.
func manyTalks(pairs int) *Gateway {
	log := logrus.New()
	log.SetOutput(io.Discard)
	var accounts []Account
	for _, name := range []string{"a", "b"} {
		s := memory.NewService(bridge.ServerID("memory:"+name), memory.Options{})
		accounts = append(accounts, Account{Name: bridge.AccountName("memory." + name), Protocol: "memory", Bridge: s.Account(bridge.AccountName("memory."+name), "bot")})
	}
	g := New(Options{Log: logrus.NewEntry(log), Plan: Plan{Accounts: accounts,
		Directs: []Direct{{Accounts: [2]bridge.AccountName{"memory.a", "memory.b"}, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}}}}})
	(*g.talks.links.Load())[0].noted = true
	for i, a := range g.setup.Load().order {
		server := bridge.ServerID("memory:" + []string{"a", "b"}[i])
		a.server.Store(&server)
	}
	for id := range pairs {
		g.talks.index(talkPair(int64(id + 1)))
	}
	g.table.Store(g.newTable()) // there is no store that could be told
	return g
}

func talkPair(id int64) store.Pair {
	p := store.Pair{ID: id, Shape: bridge.Pair}
	for i, server := range []bridge.ServerID{"memory:a", "memory:b"} {
		p.Ends[i] = store.PairEnd{Conversation: bridge.ConversationID{Server: server, Channel: bridge.ChannelID(fmt.Sprint("talk-", id))},
			Members: []bridge.UserID{bridge.UserID(fmt.Sprint("one-", id)), bridge.UserID(fmt.Sprint("two-", id))}}
	}
	return p
}

// change lets a new pair be met, as when somebody writes to somebody for the first time, and rest.
func change(g *Gateway, id int64) {
	p := talkPair(id)
	here := store.Talk{Conversation: p.Ends[0].Conversation, Shape: bridge.Pair, Members: p.Ends[0].Members}
	g.talks.take(here, p)
	p.State = store.PairResting
	g.talks.take(here, p)
}

func TestAChangeOfATalkCostsNoMoreAmongManyTalks(t *testing.T) {
	allocations := func(pairs int) float64 {
		g := manyTalks(pairs)
		return testing.AllocsPerRun(100, func() { change(g, int64(pairs/2)) })
	}
	few, many := allocations(100), allocations(10_000)
	t.Logf("%.0f allocations among 100 pairs, %.0f among 10,000", few, many)
	if many > few*1.5 {
		t.Errorf("%.0f allocations among 100 pairs, %.0f among 10,000", few, many)
	}
}

func TestTheTableKnowsWhatIsReadAfterEachChange(t *testing.T) {
	g := manyTalks(3)
	a := g.setup.Load().accounts["memory.a"]
	at := func(n int64) bridge.ConversationID { return talkPair(n).Ends[0].Conversation }
	watched := func(want ...int64) {
		t.Helper()
		var all []bridge.ConversationID
		for _, n := range want {
			all = append(all, at(n))
		}
		if got := g.table.Load().watched(a); fmt.Sprint(got) != fmt.Sprint(all) {
			t.Errorf("got %v, want %v", got, all)
		}
	}
	watched(1, 2, 3)
	_, changed := inbox{g, a}.Watched()
	p := talkPair(2)
	p.State = store.PairResting
	g.talks.take(store.Talk{}, p)
	select {
	case <-changed:
	default:
		t.Error("nobody was told of a change")
	}
	watched(1, 3)
	g.talks.take(store.Talk{}, talkPair(2), talkPair(5), talkPair(4))
	watched(1, 2, 3, 4, 5)
	p = talkPair(4) // takes another conversation for its end
	p.Ends[0].Conversation = at(6)
	g.talks.take(store.Talk{}, p)
	watched(1, 2, 3, 5, 6)
	if g.table.Load().at(at(4)) != nil {
		t.Error("what is no end of a pair any more is still in the table")
	}
	g.table.Store(g.newTable())
	watched(1, 2, 3, 5, 6)
}

// BenchmarkAChangeOfATalk is what it costs the table that a pair is met, and rests: with=talks, all that the gateway itself does; with=bridges, with
// the two accounts asking what they read now, as they do after each change.
func BenchmarkAChangeOfATalk(b *testing.B) {
	for _, pairs := range []int{100, 10_000} {
		for _, with := range []string{"talks", "bridges"} {
			b.Run(fmt.Sprintf("pairs=%d/with=%s", pairs, with), func(b *testing.B) {
				g := manyTalks(pairs)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					change(g, int64(i%pairs+1))
					if with == "bridges" {
						for _, a := range g.setup.Load().order {
							inbox{g, a}.Watched()
						}
					}
				}
			})
		}
		b.Run(fmt.Sprintf("pairs=%d/whole", pairs), func(b *testing.B) {
			g := manyTalks(pairs)
			for b.Loop() {
				g.table.Store(g.newTable())
			}
		})
	}
}

// TestAPairThatWillNeverBeOpenedHoldsUpNothing: of the same people there is another one that is open, or was.
func TestAPairThatWillNeverBeOpenedHoldsUpNothing(t *testing.T) {
	whole, half := talkPair(1), talkPair(2)
	whole.Shape, half.Shape, half.State = bridge.Group, bridge.Group, store.PairMoved
	half.Ends[1] = whole.Ends[1]
	half.Ends[0] = store.PairEnd{Conversation: bridge.ConversationID{Server: "memory:a"}, Members: whole.Ends[0].Members}
	g := manyTalks(0)
	at := func() *talkPlace { return g.table.Load().at(whole.Ends[1].Conversation).talk }
	g.talks.take(store.Talk{}, half)
	if !at().unready(time.Now()) {
		t.Error("it is not known where it goes, and it is not waited for that")
	}
	g.talks.take(store.Talk{}, whole)
	if at().unready(time.Now()) {
		t.Error("it waits for a pair that nobody opens")
	}
	whole.State = store.PairResting
	g.talks.take(store.Talk{}, whole)
	if !at().unready(time.Now()) {
		t.Error("it is not known where it goes, since the other pair rests")
	}
}

// TestATalkBeginsWithItsFirstPairThoughThatHasNoOtherEndYet: what was said in a moment that is over may not have been read when the talk is refused with those who are in it now.
func TestATalkBeginsWithItsFirstPairThoughThatHasNoOtherEndYet(t *testing.T) {
	g := manyTalks(0)
	p := talkPair(1)
	p.State, p.Begins, p.Ends[1].Conversation.Channel = store.PairMoved, time.Date(2000, 1, 2, 3, 4, 5, 0, time.UTC), ""
	here := p.Ends[0].Conversation
	g.talks.take(store.Talk{Conversation: here, Shape: bridge.Pair, Members: []bridge.UserID{"one-1", "two-1", "zoe"}, Reason: int(direct.SomebodyMissing)}, p)
	at := g.table.Load().at(here)
	if at == nil || !at.in || !at.talk.begin.Equal(p.Begins) {
		t.Errorf("it is read from %+v, want %s", at, p.Begins)
	}
}

// TestAGroupThatHasMovedIsMetAnewWithAnotherAccount: at that one nobody has come or gone.
func TestAGroupThatHasMovedIsMetAnewWithAnotherAccount(t *testing.T) {
	g := manyTalks(0)
	one := store.Talk{Conversation: talkPair(1).Ends[0].Conversation, Shape: bridge.Group, Members: []bridge.UserID{"ann", "ben", "cyd"}, Reason: int(direct.Moved)}
	g.talks.take(one)
	links := *g.talks.links.Load()
	g.talks.relink(links)
	if got := g.talks.interest(one.Conversation); got != bridge.Ignored {
		t.Errorf("with the same accounts it is %v, want ignored", got)
	}
	g.talks.relink([]*link{{ends: [2]*account{links[0].ends[0], newAccount(g, Account{Name: "memory.c", Bridge: memory.NewService("memory:c", memory.Options{}).Account("memory.c", "bot")})}}})
	if got := g.talks.interest(one.Conversation); got != bridge.Unmet {
		t.Errorf("with another one it is %v, want to be met", got)
	}
}
