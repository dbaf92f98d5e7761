package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// fileOfSize makes a file of which no two blocks are alike.
func fileOfSize(name string, size int) memory.Upload {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i>>13) ^ byte(i*7)
	}
	return memory.Upload{Name: name, Type: "application/octet-stream", Data: data}
}

// carried is what can be seen of a message with files.
type carried struct {
	Text  string
	Files []string // name, type and size; "damaged" where the content is not the origin's
}

func carriedIn(s *memory.Service, in bridge.ChannelID, originals ...memory.Upload) []carried {
	var all []carried
	for _, m := range s.Messages(in) {
		if m.Deleted {
			continue
		}
		c := carried{Text: m.Text}
		for _, f := range m.Files {
			state := "damaged"
			for _, o := range originals {
				if o.Name == f.Name && o.Type == f.Type && bytes.Equal(o.Data, f.Data) {
					state = fmt.Sprint(f.Type, " ", len(f.Data))
				}
			}
			c.Files = append(c.Files, f.Name+" "+state)
		}
		all = append(all, c)
	}
	return all
}

func TestFilesCrossWholeInTheirOrderBeforeTheMessageThatShowsThem(t *testing.T) {
	for _, hide := range []bool{false, true} {
		inWorld(t, func(w *world) {
			a, b := w.pair(memory.Options{HideSizes: hide}, memory.Options{})
			one, two, empty := fileOfSize("z.bin", 300_000), fileOfSize("a.bin", 5), memory.Upload{Name: "empty.txt", Type: "text/plain"}
			a.SayDoc("town", "", "ann", richtext.Plain("see"), one, two)
			a.SayDoc("town", "", "ann", nil, empty)
			a.Say("town", "ann", "behind")
			w.wait(time.Second)
			w.same(carriedIn(b, "town", one, two, empty), []carried{
				{"see", []string{"z.bin application/octet-stream 300000", "a.bin application/octet-stream 5"}},
				{"", []string{"empty.txt text/plain 0"}}, {"behind", nil}})
			w.same(len(a.Messages("town")), 3)
		})
	}
}

func TestAnUploadThatWasCutGoesOnAndTheMessageKeepsItsPlace(t *testing.T) {
	inWorld(t, func(w *world) {
		calls, cut := 0, true
		a, b := w.pair(memory.Options{}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Uploading && !c.After {
				if calls++; cut && calls > 4 {
					return memory.Fails(bridge.Transient)
				}
			}
			return nil
		}})
		file := fileOfSize("big.bin", 10*64<<10)
		a.SayDoc("town", "", "ann", richtext.Plain("one"), file)
		a.Say("town", "ann", "two")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{})
		w.down()
		calls, cut = 0, false
		w.start()
		w.wait(time.Minute)
		w.same(carriedIn(b, "town", file), []carried{{"one", []string{"big.bin application/octet-stream 655360"}}, {"two", nil}})
		w.same(b.Files("town"), []string{"big.bin"})
		w.same(calls, 1+7) // three of ten chunks were there
	})
}

func TestMoreFilesThanAPostCanShowGoOnInReplies(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{FilesPerPost: 2})
		var files []memory.Upload
		for n := range 5 {
			files = append(files, fileOfSize(fmt.Sprint(n), 10+n))
		}
		id := a.SayDoc("town", "", "ann", richtext.Plain("five"), files...)
		w.wait(time.Second)
		const kind = " application/octet-stream "
		w.same(carriedIn(b, "town", files...), []carried{{"five", []string{"0" + kind + "10", "1" + kind + "11"}}, {"", []string{"2" + kind + "12", "3" + kind + "13"}}, {"", []string{"4" + kind + "14"}}})
		w.same(b.Messages("town")[2].Root, b.Messages("town")[0].ID)
		a.Attach("town", id, files[1:4]...)
		w.wait(time.Second)
		w.same(len(b.Messages("town")[0].Files), 2)
		w.same(b.Files("town"), []string{"1", "2", "3"})
		a.Delete("town", id)
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{})
		w.same(len(b.Files("town")), 0)
	})
}

func TestEditsAddAndRemoveFilesAndADeletedMessageTakesItsCopiesAlong(t *testing.T) {
	for _, keep := range []bool{false, true} {
		inWorld(t, func(w *world) {
			a, b := w.pair(memory.Options{}, memory.Options{KeepFiles: keep})
			one, two := fileOfSize("one", 10), fileOfSize("two", 20)
			id := a.SayDoc("town", "", "ann", richtext.Plain("see"), one)
			w.wait(time.Second)
			a.Attach("town", id, one, two)
			w.wait(time.Second)
			const kind = " application/octet-stream "
			w.same(carriedIn(b, "town", one, two), []carried{{"see", []string{"one" + kind + "10", "two" + kind + "20"}}})
			a.Attach("town", id, two)
			w.wait(time.Second)
			w.same(carriedIn(b, "town", one, two), []carried{{"see", []string{"two" + kind + "20"}}})
			w.same(b.Files("town"), []string{"two"})
			a.Edit("town", id, "look")
			w.wait(time.Second)
			w.same(carriedIn(b, "town", one, two), []carried{{"look", []string{"two" + kind + "20"}}})
			a.Delete("town", id)
			w.wait(time.Second)
			w.same(len(b.Files("town")), 0)
			w.same(texts(b, "town"), []string{})
		})
	}
}

func TestAFileThatDoesNotCrossLeavesALineAndItsAuthorIsTold(t *testing.T) {
	const link = "memory://memory:a/town/f1-1"
	for name, c := range map[string]struct {
		policy FilePolicy
		b      memory.Options
		line   string
		link   string
		told   bool
	}{
		"too large for the service": {b: memory.Options{MaxFile: 5}, line: "📎 plan.PDF (9 bytes): it is too large", link: link, told: true},
		"too large":                 {policy: FilePolicy{MaxSize: 8}, line: "📎 plan.PDF (9 bytes): it is larger than the 8 bytes that are carried here", link: link, told: true},
		"blocked ending":            {policy: FilePolicy{Blocked: []string{".pdf"}}, line: "📎 plan.PDF (9 bytes): files of this type are not carried here", link: link, told: true},
		"blocked type":              {policy: FilePolicy{Blocked: []string{"application/*"}}, line: "📎 plan.PDF (9 bytes): files of this type are not carried here", link: link, told: true},
		"not allowed":               {policy: FilePolicy{Allowed: []string{"image/png", ".txt"}}, line: "📎 plan.PDF (9 bytes): files of this type are not carried here", link: link, told: true},
		"off":                       {policy: FilePolicy{Mode: NoFiles}, line: "📎 plan.PDF (9 bytes): files are not carried here", told: true},
		"link":                      {policy: FilePolicy{Mode: LinkFiles}, line: "📎 plan.PDF (9 bytes)", link: link},
		"refused": {b: memory.Options{Fault: before(memory.Uploading, func() error {
			return &bridge.Error{Kind: bridge.Unauthorised, Err: errors.New("no")}
		})}, line: "📎 plan.PDF (9 bytes): Causeway may not store files there", link: link, told: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.service("a", memory.Options{}), w.service("b", c.b)
				w.route(inout("a", "town"), inout("b", "town"))
				w.routes[0].Files = c.policy
				w.start()
				a.SayDoc("town", "", "ann", richtext.Plain("see"), memory.Upload{Name: "plan.PDF", Type: "application/pdf; x=y", Data: []byte("123456789")})
				w.wait(time.Minute)
				w.same(texts(b, "town"), []string{"see\n" + c.line})
				w.same(b.Messages("town")[0].Doc[1].Runs[1].Link, c.link)
				w.same(len(a.Notices()) == 1, c.told)
				w.same(len(b.Files("town")), 0)
				w.same(len(w.held()), 0)
			})
		})
	}
}

func TestAFileThatIsGoneAtItsOriginOrCannotBeReadDoesNotHoldUpItsMessageForEver(t *testing.T) {
	for kind, want := range map[bridge.Kind]string{
		bridge.Gone: "it is not there any more", bridge.Unauthorised: "Causeway may not read it", bridge.Transient: "it could not be read", bridge.Throttled: "it could not be read",
	} {
		inWorld(t, func(w *world) {
			a, b := w.pair(memory.Options{Fault: before(memory.Open, func() error { return memory.Fails(kind) })}, memory.Options{})
			a.SayDoc("town", "", "ann", richtext.Plain("see"), fileOfSize("x", 3))
			w.wait(2 * time.Hour)
			w.same(texts(b, "town"), []string{"see\n📎 x (3 bytes): " + want})
		})
	}
}

func TestAFileIsUploadedAsWhoPostsIt(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		file := fileOfSize("x", 3)
		a.SayDoc("town", "", "alice", richtext.Plain("mine"), file)
		w.wait(time.Second)
		w.same(carriedIn(b, "town", file), []carried{{"mine", []string{"x application/octet-stream 3"}}})
		w.same(b.Messages("town")[0].Author.ID, bridge.UserID("ally"))
	})
}

func TestAFileThatVanishedBeforeItWasShownIsCarriedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		var b *memory.Service
		posts := 0
		a := w.service("a", memory.Options{})
		b = w.service("b", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && !c.After {
				if posts++; posts == 1 {
					b.LoseFiles("town")
				}
			}
			return nil
		}})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		file := fileOfSize("x", 3)
		a.SayDoc("town", "", "ann", richtext.Plain("see"), file)
		w.wait(time.Minute)
		w.same(carriedIn(b, "town", file), []carried{{"see", []string{"x application/octet-stream 3"}}})
		w.same(posts, 2)
	})
}

func TestAFileOfARestoredMessageIsCarriedAnew(t *testing.T) {
	for _, keep := range []bool{false, true} {
		inWorld(t, func(w *world) {
			a, b := w.pair(memory.Options{}, memory.Options{KeepFiles: keep})
			file := fileOfSize("x", 3)
			id := a.SayDoc("town", "", "ann", richtext.Plain("see"), file)
			w.wait(time.Second)
			a.Delete("town", id)
			w.wait(time.Second)
			a.Undelete("town", id)
			w.wait(time.Minute)
			w.same(texts(b, "town"), []string{"see\n📎 x (3 bytes): it is not there any more"}) // the origin has deleted it
			w.same(len(b.Files("town")), 0)
		})
	}
}

func TestAFileThatStandsStillIsTriedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		var hangs switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: hangs.fault})
		hangs.on(func(ctx context.Context, c memory.Call) error {
			if c.Op != memory.Uploading || c.After {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		file := fileOfSize("x", 3)
		a.SayDoc("town", "", "ann", richtext.Plain("see"), file)
		w.wait(time.Minute)
		hangs.off()
		w.wait(stalled)
		w.same(carriedIn(b, "town", file), []carried{{"see", []string{"x application/octet-stream 3"}}})
	})
}
