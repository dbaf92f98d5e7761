package gateway

import (
	"context"
	"errors"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// silent is a service that cannot tell anybody anything.
type silent struct{ bridge.Bridge }

func (silent) Notify(context.Context, bridge.Notice) error {
	return &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("telling a person: not supported")}
}

// TestWhoCannotBeToldThereIsToldWhereTheyAreConnected of what became of their file; others of that service are not told, and hold up nobody.
func TestWhoCannotBeToldThereIsToldWhereTheyAreConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.routes[0].Files = FilePolicy{Blocked: []string{".exe"}}
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { return silent{inner} })
		w.start()
		w.connect(a, "alice", b, "ally")
		for _, who := range []bridge.UserID{"ally", "bea"} {
			b.SayDoc("town", "", who, richtext.Plain("look"), memory.Upload{Name: "game.exe", Data: []byte("x")})
			w.wait(time.Minute)
		}
		b.Say("town", "bea", "on it goes")
		w.wait(time.Minute)
		told := a.Notices()
		w.same(len(told), 1)
		w.same(told[0].User, bridge.UserID("alice"))
		w.same(told[0].Text.PlainText(), "Your file game.exe did not reach everybody: files of this type are not carried here. The message says so there.")
		w.same(len(b.Notices()), 0)
		w.same(len(texts(a, "town")), 3)
	})
}
