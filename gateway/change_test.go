package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

func TestFiveEditsWhileDownAreOneWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "version 0")
		w.wait(time.Second)
		w.down()
		before := b.Writes()
		for i := range 5 {
			a.Edit("town", id, fmt.Sprint("version ", i+1))
		}
		w.start()
		w.same(texts(b, "town"), []string{"version 5"})
		w.same(b.Writes()-before, 1)
	})
}

func TestFiveEditsWhileTheOtherSideIsOutAreOneWrite(t *testing.T) {
	for _, outage := range []string{"revoked", "throttled"} {
		t.Run(outage, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var once atomic.Bool
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
					if c.Op == memory.React && once.CompareAndSwap(false, true) {
						return memory.Throttles(bridge.ScopeAccount, time.Minute)
					}
					return nil
				}})
				a.AddChannel("hall", "team/hall")
				b.AddChannel("hall", "team/hall")
				w.route(inout("a", "town"), inout("b", "town"))
				w.route(inout("a", "hall"), inout("b", "hall"))
				w.start()
				id := a.Say("town", "ann", "version 0")
				other := a.Say("hall", "ann", "something else")
				w.wait(time.Second)
				if outage == "revoked" {
					b.Revoke("bot")
				} else {
					a.React("hall", other, "ann", "👍")
				}
				w.wait(time.Second)
				a.Unreact("hall", other, "ann", "👍")
				before := b.Writes()
				for i := range 5 {
					a.Edit("town", id, fmt.Sprint("version ", i+1))
					w.wait(time.Second)
				}
				w.same(b.Writes(), before)
				b.Grant("bot")
				w.wait(time.Hour)
				w.same(texts(b, "town"), []string{"version 5"})
				unreact := 0 // what was begun is taken back
				if outage == "throttled" {
					unreact = 1
				}
				w.same(b.Writes()-before, 1+unreact)
			})
		})
	}
}

func TestAReplyToWhatIsOlderThanTheBeginningQuotesIt(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		root := a.Say("town", "ann", "said in the past")
		time.Sleep(time.Hour)
		w.start()
		a.Reply("town", root, "ben", "an answer")
		w.wait(time.Second)
		w.same(live(b, "town", true), []shown{{By: "ben", Text: "ann: said in the past\nan answer"}})
		w.same(b.Messages("town")[0].Doc[0].Kind, richtext.Quote)
	})
}

// TestAnAnswerElsewhereToAReplyToWhatIsOlderThanTheBeginningStandsInItsThread: Causeway does not know what begins that, but where the reply was said it is there.
func TestAnAnswerElsewhereToAReplyToWhatIsOlderThanTheBeginningStandsInItsThread(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		root := a.Say("town", "ann", "said in the past")
		time.Sleep(time.Hour)
		w.start()
		a.Reply("town", root, "ben", "a reply")
		w.wait(time.Second)
		b.Reply("town", b.Messages("town")[0].ID, "cyd", "an answer")
		w.wait(time.Second)
		w.same(live(a, "town", true), []shown{{By: "cyd", Text: "an answer", Answers: "said in the past"}})
	})
}

// hiding keeps a feed from seeing a message, as a service that hands it over late does.
type hiding struct {
	bridge.Bridge
	hidden bridge.MessageID
}

type hidingInbox struct {
	bridge.Inbox
	hiding *hiding
}

func (h *hiding) Run(ctx context.Context, inbox bridge.Inbox) error {
	return h.Bridge.Run(ctx, hidingInbox{inbox, h})
}

func (i hidingInbox) Put(ctx context.Context, b bridge.Batch) error {
	b.States = slices.DeleteFunc(slices.Clone(b.States), func(s bridge.State) bool { return s.ID == i.hiding.hidden })
	return i.Inbox.Put(ctx, b)
}

func TestARootThatItsAnswerHasOvertakenGoesFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		late := &hiding{}
		w.wrap("a", func(b bridge.Bridge) bridge.Bridge { late.Bridge = b; return late })
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		late.hidden = "m1"
		root := a.Say("town", "ann", "the root")
		w.same(root, late.hidden)
		a.Reply("town", root, "ben", "an answer")
		w.wait(time.Second)
		want := []shown{{By: "ann", Text: "the root"}, {By: "ben", Text: "an answer", Answers: "the root"}}
		w.same(live(b, "town", true), want)
		late.hidden = ""
		a.React("town", root, "ben", "👍") // now it is seen
		w.wait(time.Second)
		want[0].Emoji = []string{"👍"}
		w.same(live(b, "town", true), want)
	})
}

func TestADeletedRootIsBlankedWhereItsRepliesWouldGoAlong(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{DeleteTakesReplies: true})
		root := a.Say("town", "ann", "the root")
		a.Reply("town", root, "ben", "an answer")
		lonely := a.Say("town", "ann", "without answers")
		w.wait(time.Second)
		a.Delete("town", root)
		a.Delete("town", lonely)
		w.wait(time.Second)
		w.same(texts(a, "town"), []string{"an answer"})
		w.same(texts(b, "town"), []string{"(message deleted)", "an answer"})
	})
}

func TestARootWithAnswersFromThereOnlyIsBlanked(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{DeleteTakesReplies: true})
		w.route(in("a", "town"), out("b", "town")) // Causeway never sees the answer
		w.start()
		root := a.Say("town", "ann", "the root")
		w.wait(time.Second)
		b.Reply("town", w.find(b, "town", "the root").ID, "ben", "not carried")
		a.Delete("town", root)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"(message deleted)", "not carried"})
	})
}

func TestACopyDeletedByAModeratorStaysDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "rude")
		w.wait(time.Second)
		b.Delete("town", w.find(b, "town", "rude").ID)
		w.wait(time.Second)
		writes := b.Writes()
		a.Edit("town", id, "still rude")
		a.React("town", id, "ann", "👍")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"still rude"})
		w.same(texts(b, "town"), []string{})
		w.same(b.Writes(), writes)
	})
}

func TestARestoredMessageAppearsAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "not deleted after all")
		a.React("town", id, "ann", "👍")
		w.wait(time.Second)
		a.Delete("town", id)
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{})
		a.Undelete("town", id)
		w.wait(time.Second)
		w.crossed(a, "town", b, "town")
	})
}

func TestACopyThatCouldNotBeDeletedStaysDeletedWhenAModeratorDoesItLater(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{DeleteTakesReplies: true, Settle: 5 * time.Second})
		root := a.Say("town", "ann", "the root")
		w.wait(time.Minute)
		copied := w.find(b, "town", "the root").ID
		b.Reply("town", copied, "ben", "not known yet when the root is deleted")
		a.Delete("town", root)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"(message deleted)", "not known yet when the root is deleted"})
		a.Undelete("town", root)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"the root", "not known yet when the root is deleted"})
		b.Delete("town", copied)
		w.wait(time.Minute)
		a.Edit("town", root, "said once more")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{})
	})
}

func TestWithoutEditingAChangeIsAReply(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{NoEdit: true})
		id := a.Say("town", "ann", "the frist")
		w.wait(time.Second)
		a.Edit("town", id, "the first")
		w.wait(time.Second)
		w.same(live(b, "town", true), []shown{{By: "ann", Text: "the frist"}, {By: "ann", Text: "edited:\nthe first", Answers: "the frist"}})
		a.Edit("town", id, "the very first")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"the frist", "edited:\nthe first", "edited:\nthe very first"})
	})
}

func TestWhereEditingHasEndedAChangeIsAReply(t *testing.T) {
	inWorld(t, func(w *world) {
		var ended switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: ended.fault})
		id, other := a.Say("town", "ann", "the frist"), a.Say("town", "ann", "a secret")
		w.wait(time.Second)
		ended.on(before(memory.Edit, func() error { return memory.Fails(bridge.Unsupported) }))
		a.Edit("town", id, "the first")
		w.wait(time.Second)
		ended.off()
		a.Edit("town", id, "the very first")
		a.Edit("town", other, "no secret")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"the frist", "no secret", "edited:\nthe first", "edited:\nthe very first"})
		w.same(len(w.held()), 0)
	})
}

func TestWithoutReactionsTheyAreDropped(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{NoReactions: true})
		id := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		a.React("town", id, "ben", "👍")
		w.wait(time.Minute)
		w.same(b.Writes(), 1)
		w.same(len(w.held()), 0)
		a.Say("town", "ann", "goes on")
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"hello", "goes on"})
	})
}

func TestWithoutDeletingACopyIsBlanked(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{NoDelete: true})
		id := a.Say("town", "ann", "secret")
		w.wait(time.Second)
		a.Delete("town", id)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"(message deleted)"})
		w.same(len(w.held()), 0)
	})
}

func TestWithNeitherADeletionIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{NoDelete: true, NoEdit: true})
		id := a.Say("town", "ann", "secret")
		w.wait(time.Second)
		a.Delete("town", id)
		w.wait(time.Minute)
		w.same(live(b, "town", true), []shown{{By: "ann", Text: "secret"}, {By: "bot", Text: "(message deleted)", Answers: "secret"}})
	})
}

func TestALongTextIsSplitAndFollowsItsEdits(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{MaxText: 100})
		text := func(n int) string { return strings.TrimSpace(strings.Repeat("0123456789 ", n)) }
		var joined = func() string { return strings.Join(texts(b, "town"), "") }
		id := a.Say("town", "ann", text(25)) // 274 characters
		w.wait(time.Second)
		w.same(joined(), text(25))
		w.same(len(texts(b, "town")), 3)
		for _, m := range b.Messages("town")[1:] {
			w.same(m.Root, b.Messages("town")[0].ID)
		}
		a.Edit("town", id, text(50))
		w.wait(time.Second)
		w.same(joined(), text(50))
		a.Edit("town", id, text(5))
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{text(5)})
		a.Edit("town", id, text(15))
		w.wait(time.Second)
		w.same(joined(), text(15))
		for n := 5; n < 50; n += 15 {
			a.Edit("town", id, text(n))
			w.wait(time.Second)
			a.Edit("town", id, text(n+10))
			w.wait(time.Second)
			w.same(joined(), text(n+10))
		}
		a.Delete("town", id)
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{})
	})
}

func TestALaterPartThatTurnsUpWhenItIsNotNeededAnyMoreIsDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		posts := 0
		a, b := w.pair(memory.Options{}, memory.Options{MaxText: 100, Settle: 5 * time.Minute, Fault: func(_ context.Context, c memory.Call) error {
			if c.Op != memory.Post || !c.After {
				return nil
			}
			if posts++; posts == 2 {
				return memory.Fails(bridge.Transient) // not true: it was made
			}
			return nil
		}})
		id := a.Say("town", "ann", strings.Repeat("x", 150))
		w.wait(100 * time.Millisecond)
		w.same(len(texts(b, "town")), 2)
		a.Edit("town", id, "short")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"short", strings.Repeat("x", 50)})
		w.wait(time.Hour)
		w.same(texts(b, "town"), []string{"short"})
	})
}

func TestWhatALongTextLeavesOverIsBlankedWhereItCannotBeDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{MaxText: 100, NoDelete: true})
		id := a.Say("town", "ann", strings.Repeat("x", 250))
		w.wait(time.Second)
		a.Edit("town", id, "short")
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"short", "(message deleted)", "(message deleted)"})
		a.Edit("town", id, strings.Repeat("y", 150))
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{strings.Repeat("y", 100), strings.Repeat("y", 50), "(message deleted)"})
	})
}

func TestAPartDeletedByAModeratorStaysDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{MaxText: 100})
		id := a.Say("town", "ann", strings.Repeat("x", 250))
		w.wait(time.Second)
		b.Delete("town", b.Messages("town")[1].ID)
		w.wait(time.Second)
		a.Edit("town", id, strings.Repeat("y", 250))
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{strings.Repeat("y", 100), strings.Repeat("y", 50)})
	})
}

func TestAFileThatCannotCrossIsALineWithSizeAndLink(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{NoFiles: true})
		a.SayDoc("town", "", "ann", richtext.Plain("see"), memory.Upload{Name: "plan.pdf", Data: make([]byte, 12000)})
		a.SayDoc("town", "", "ann", nil, memory.Upload{Name: "x", Data: []byte("1")})
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"see\n📎 plan.pdf (12.0 kB)", "📎 x (1 bytes)"})
		w.same(b.Messages("town")[0].Doc[1].Runs[1].Link, "memory://memory:a/town/f1-1")
	})
}

func TestAReactionIsSetOnceForSeveralPeopleAndGoesWithTheLast(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		there := func() []bridge.Reaction { return w.find(b, "town", "hello").Reactions }
		for _, who := range []bridge.UserID{"ann", "ben", "cyd"} {
			a.React("town", id, who, "👍")
			w.wait(time.Second)
		}
		w.same(there(), []bridge.Reaction{{User: "bot", Emoji: "👍"}})
		w.same(b.Writes(), 2)
		a.Unreact("town", id, "ann", "👍")
		a.Unreact("town", id, "cyd", "👍")
		w.wait(time.Second)
		w.same(there(), []bridge.Reaction{{User: "bot", Emoji: "👍"}})
		a.Unreact("town", id, "ben", "👍")
		w.wait(time.Second)
		w.same(len(there()), 0)
		w.same(b.Writes(), 3)
		w.same(a.Writes(), 0)
	})
}

func TestAReactionRemovedOnOneSideIsNotBroughtBackByTheOther(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		copied := w.find(b, "town", "hello").ID
		b.React("town", copied, "dan", "👍")
		w.wait(time.Second)
		w.same(w.find(a, "town", "hello").Reactions, []bridge.Reaction{{User: "bot", Emoji: "👍"}})
		b.Unreact("town", copied, "dan", "👍")
		w.wait(time.Second)
		a.Edit("town", id, "hello again")
		w.wait(time.Second)
		w.down()
		w.start()
		w.wait(time.Minute)
		w.same(len(w.find(a, "town", "hello again").Reactions), 0)
		w.same(len(w.find(b, "town", "hello again").Reactions), 0)
	})
}

func TestReactionsNeverRewriteAText(t *testing.T) {
	inWorld(t, func(w *world) {
		var edits int
		a, b := w.pair(memory.Options{}, memory.Options{Normalize: memory.CollapseSpaces, Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Edit && !c.After {
				edits++
			}
			return nil
		}})
		id := a.Say("town", "ann", "two  spaces")
		w.wait(time.Second)
		a.React("town", id, "ben", "👍")
		b.React("town", w.find(b, "town", "two spaces").ID, "dan", "🎉")
		w.wait(time.Minute)
		w.same(edits, 0)
		w.same(slices.Sorted(slices.Values(emojiOf(w.find(b, "town", "two spaces"), true))), []string{"👍"})
		w.same(emojiOf(w.find(a, "town", "two  spaces"), true), []string{"🎉"})
	})
}
