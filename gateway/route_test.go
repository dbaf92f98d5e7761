package gateway

import (
	"testing"
	"time"

	"causeway/bridge/memory"
)

func TestWhatIsSaidOnEitherSideAppearsOnTheOther(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		root := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		a.Reply("town", root, "cyd", "hello yourself")
		b.Say("town", "ben", "good morning")
		b.Reply("town", w.find(b, "town", "hello").ID, "ben", "from the other side")
		w.wait(time.Second)
		w.crossed(a, "town", b, "town")
		w.crossed(b, "town", a, "town")
		w.same(len(a.Messages("town")), 4)
		w.same(len(b.Messages("town")), 4)
	})
}

func TestNothingGoesBackThroughAOneWayGateway(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(in("a", "town"), out("b", "town"))
		w.start()
		a.Say("town", "ann", "one way")
		w.wait(time.Second)
		copied := w.find(b, "town", "one way")
		b.Say("town", "ben", "nobody hears me")
		b.Reply("town", copied.ID, "ben", "nor this")
		b.React("town", copied.ID, "ben", "👍")
		b.Edit("town", copied.ID, "changed by a moderator")
		w.wait(time.Minute)
		w.same(live(a, "town", false), []shown{{By: "ann", Text: "one way"}})
		w.same(a.Writes(), 0)
	})
}

func TestThreeConversationsOnThreeServicesMirrorEachOther(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.service("a", memory.Options{}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"), inout("c", "town"))
		w.start()
		root := a.Say("town", "ann", "from a")
		w.wait(time.Second)
		b.Reply("town", w.find(b, "town", "from a").ID, "ben", "from b")
		w.wait(time.Second)
		c.Reply("town", w.find(c, "town", "from a").ID, "cyd", "from c")
		w.wait(time.Second)
		c.React("town", w.find(c, "town", "from b").ID, "cyd", "🎉")
		a.Edit("town", root, "from a, edited")
		w.wait(time.Second)
		for _, s := range []*memory.Service{a, b, c} {
			w.same(texts(s, "town"), []string{"from a, edited", "from b", "from c"})
			m := w.find(s, "town", "from b")
			w.same(len(m.Reactions), 1)
			w.same(m.Root, w.find(s, "town", "from a, edited").ID)
		}
	})
}

func TestTwoConversationsOfOneServiceMirrorAThird(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		a.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("a", "hall"), inout("b", "town"))
		w.start()
		a.Say("town", "ann", "in the town")
		w.wait(time.Second)
		a.Say("hall", "ann", "in the hall")
		w.wait(time.Second)
		b.Say("town", "ben", "elsewhere")
		w.wait(time.Second)
		want := []string{"in the town", "in the hall", "elsewhere"}
		w.same(texts(a, "town"), want)
		w.same(texts(a, "hall"), want)
		w.same(texts(b, "town"), want)
	})
}

func TestAConversationInSeveralGatewaysReachesEachTargetOnceAndCopiesStay(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.service("a", memory.Options{}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "town"), inout("c", "town"))
		w.route(in("a", "town"), out("b", "town"), out("c", "town"))
		w.start()
		a.Say("town", "ann", "to everybody")
		w.wait(time.Second)
		b.Say("town", "ben", "to a alone")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"to everybody", "to a alone"})
		w.same(texts(b, "town"), []string{"to everybody", "to a alone"})
		w.same(texts(c, "town"), []string{"to everybody"})
	})
}

func TestTwoAccountsOfOneServerSendOnceAndKnowEachOther(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		a.AddChannel("hall", "team/hall")
		w.account("a2", a.Account("memory.a2", "bot2"))
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a2", "town"), inout("b", "town"))
		w.route(inout("a2", "hall"), inout("b", "town"))
		w.start()
		a.Say("town", "ann", "in the town")
		w.wait(time.Second)
		a.Say("hall", "ann", "in the hall")
		w.wait(time.Second)
		b.Say("town", "ben", "to both")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"in the town", "to both"})
		w.same(texts(a, "hall"), []string{"in the hall", "to both"})
		w.same(texts(b, "town"), []string{"in the town", "in the hall", "to both"})
		w.same(a.Writes()+b.Writes(), 4)
		// What one account sets is never taken for a person's by the other.
		copied := w.find(a, "hall", "to both")
		a.React("hall", copied.ID, "bot", "👍")
		a.React("town", w.find(a, "town", "to both").ID, "bot2", "👍")
		w.wait(time.Minute)
		w.same(len(w.find(b, "town", "to both").Reactions), 0)
	})
}

func TestAChannelConfiguredForTheFirstTimeStartsNow(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		a.AddChannel("hall", "team/hall")
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		old := a.Say("hall", "ann", "long ago")
		time.Sleep(time.Hour)
		w.down()
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		a.Edit("hall", old, "long ago, edited now")
		a.React("hall", old, "ann", "👍")
		a.Say("hall", "ann", "now")
		w.wait(time.Minute)
		w.same(texts(b, "hall"), []string{"now"})
	})
}

func TestAChannelThatAppearsLaterIsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		a.Say("town", "ann", "goes on")
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"goes on"})
		a.AddChannel("hall", "team/hall")
		w.wait(10 * time.Minute)
		a.Say("hall", "ann", "found")
		w.wait(time.Second)
		w.same(texts(b, "hall"), []string{"found"})
	})
}
