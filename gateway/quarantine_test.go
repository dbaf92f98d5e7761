package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// refused gives two services of which the second has refused a message of ann's between two others.
func (w *world) refused() (a, b *memory.Service, id bridge.MessageID, s *switched) {
	s = new(switched)
	a, b = w.pair(memory.Options{}, memory.Options{Fault: s.fault})
	a.Say("town", "ben", "before")
	w.wait(time.Second)
	s.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
	id = a.Say("town", "ann", "refused")
	w.wait(time.Second)
	s.off()
	a.Say("town", "ben", "after")
	w.wait(time.Second)
	return a, b, id, s
}

func TestWhatIsRejectedIsListedToldAndHoldsNobodyUp(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, _, _ := w.refused()
		w.same(texts(b, "town"), []string{"before", "after"})
		held := w.held()
		w.same(len(held), 1)
		w.same([]any{held[0].Author, held[0].Origin, held[0].Target, held[0].Reason}, []any{"ann",
			bridge.ConversationID{Server: "memory:a", Channel: "town"}, bridge.ConversationID{Server: "memory:b", Channel: "town"},
			"post: fault: rejected"})
		told := a.Notices()
		w.same(len(told), 1)
		w.same([]any{told[0].User, memory.Text(told[0].Text)}, []any{bridge.UserID("ann"),
			"Your message “refused” was not delivered to memory: it was refused there. It is kept, and whoever runs Causeway here can see why and try it again."})
		w.same(len(b.Notices()), 0)
	})
}

func TestARetriedMessageIsDelivered(t *testing.T) {
	inWorld(t, func(w *world) {
		_, b, _, _ := w.refused()
		w.down()
		w.start()
		_, err := w.store.Retry(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"before", "after"}) // nothing has woken the lane
		w.down()
		w.start()
		w.same(texts(b, "town"), []string{"before", "after", "(sent 2000-01-01 00:00 UTC) refused"})
		w.same(len(w.held()), 0)
	})
}

func TestARetryByAnotherProcessIsNoticed(t *testing.T) {
	inWorld(t, func(w *world) {
		_, b, _, _ := w.refused()
		other := w.open(store.Options{VFS: "memdb"})
		_, err := other.Retry(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(5 * time.Second)
		w.same(texts(b, "town"), []string{"before", "after", "(sent 2000-01-01 00:00 UTC) refused"})
		w.same(w.noticed.Load() > 0, true) // people who wait for the store are told, too
		w.same(other.Close(), nil)
	})
}

func TestADroppedMessageIsNeverDelivered(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, id, _ := w.refused()
		_, err := w.store.Drop(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		a.React("town", id, "ben", "👍")
		a.Reply("town", id, "ben", "an answer")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"before", "after", "ann: refused\nan answer"})
		w.same(len(w.held()), 0)
		stored, err := dump(w.path)
		w.same(err, nil)
		w.same(strings.Contains(stored, `"refused"`), false) // its text is erased
	})
}

func TestWhatWasCarriedForADroppedMessageGoesWithIt(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.pair(memory.Options{}, memory.Options{KeepFiles: true, Fault: s.fault})
		shown, refused := fileOfSize("shown", 3), fileOfSize("refused", 4)
		a.SayDoc("town", "", "ann", richtext.Plain("before"), shown)
		w.wait(time.Second)
		s.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.SayDoc("town", "", "ann", richtext.Plain("refused"), refused)
		w.wait(time.Second)
		s.off()
		w.same(b.Files("town"), []string{"refused", "shown"})
		_, err := w.gateway.Drop(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(time.Second)
		w.same(b.Files("town"), []string{"shown"})
		w.same(carriedIn(b, "town", shown), []carried{{"before", []string{"shown application/octet-stream 3"}}})
		stored, err := dump(w.path)
		w.same(err, nil)
		w.same(strings.Contains(stored, `"refused"`), false) // its text is erased
	})
}

func TestADroppedChangeLeavesWhatIsShown(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.pair(memory.Options{}, memory.Options{KeepFiles: true, Fault: s.fault})
		file := fileOfSize("shown", 3)
		id := a.SayDoc("town", "", "ann", richtext.Plain("before"), file)
		w.wait(time.Second)
		s.on(before(memory.Edit, func() error { return memory.Fails(bridge.Rejected) }))
		a.Edit("town", id, "refused")
		w.wait(time.Second)
		s.off()
		_, err := w.gateway.Drop(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(time.Second)
		w.same(carriedIn(b, "town", file), []carried{{"before", []string{"shown application/octet-stream 3"}}})
		w.same(b.Files("town"), []string{"shown"})
	})
}

func TestWhatIsInQuarantineForTooLongIsGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{Quarantine: 30 * 24 * time.Hour}
		_, b, _, _ := w.refused()
		w.wait(29 * 24 * time.Hour)
		w.same(len(w.held()), 1)
		held := w.held()[0]
		w.wait(25 * time.Hour)
		w.same(len(w.held()), 0)
		w.same(texts(b, "town"), []string{"before", "after"})
		_, given, _ := strings.Cut(w.log.String(), "given up after its time in quarantine")
		line, _, _ := strings.Cut(given, "\n")
		w.same(strings.Contains(line, fmt.Sprintf(" instance=%d message=2", held.ID)), true)
	})
}

func TestAnEditByItsAuthorRetriesARefusedMessage(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, id, _ := w.refused()
		a.Edit("town", id, "mended")
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"before", "after", "(sent 2000-01-01 00:00 UTC) mended"})
		w.same(len(w.held()), 0)
	})
}

func TestAReplyToARefusedMessageQuotesIt(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, id, _ := w.refused()
		a.Reply("town", id, "ben", "an answer")
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"before", "after", "ann: refused\nan answer"})
	})
}

func TestARefusedMessageThatIsDeletedLeavesTheQuarantine(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, id, _ := w.refused()
		a.Delete("town", id)
		w.wait(time.Second)
		w.same(len(w.held()), 0)
		w.same(texts(b, "town"), []string{"before", "after"})
	})
}

func TestARefusedReactionIsDroppedAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: s.fault})
		id := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		s.on(before(memory.React, func() error { return memory.Fails(bridge.Rejected) }))
		a.React("town", id, "ben", "🛸")
		w.wait(time.Minute)
		s.off()
		a.Edit("town", id, "hello again")
		w.wait(time.Second)
		w.same(len(w.held()), 0)
		w.same(len(a.Notices()), 0)
		w.same(texts(b, "town"), []string{"hello again"})
		w.same(b.Writes(), 3)
	})
}
