package mattermost

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/mattermost/server/public/model"
)

// resumed dials again for the event after the last one seen.
func (w *town) resumed(k *wire, next int64) *wire {
	w.t.Helper()
	again := w.dial(w.botToken, fmt.Sprintf("?connection_id=%s&sequence_number=%d", k.id, next))
	again.id = k.id
	return again
}

func (w *town) posts(n int) {
	for i := range n {
		w.post(fmt.Sprint(i))
	}
}

// takes reads n posts numbered from seq on, with status events between them
// left out of the count of posts but not of the numbers.
func (k *wire) takes(seq int64, n int) int64 {
	k.t.Helper()
	for n > 0 {
		f := k.read()
		if f.Seq != seq {
			k.t.Fatalf("event %s has number %d, want %d", f.Event, f.Seq, seq)
		}
		seq++
		if f.Event == "posted" {
			n--
		} else if f.Event != "status_change" {
			k.t.Fatalf("unexpected event %+v", f)
		}
	}
	return seq
}

func TestResumeLosesNothing(t *testing.T) {
	for _, gap := range []int{1, 5, 120, 250} {
		t.Run(fmt.Sprint(gap), func(t *testing.T) {
			w := newTown(t, Options{})
			k := w.connect(w.botToken)
			w.posts(3)
			next := k.takes(2, 3)
			w.CutWebsockets(true)
			w.posts(gap)
			w.resumed(k, next).takes(next, gap)
		})
	}
}

func TestResumeReplaysWhatWasSent(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	w.posts(200)
	next := k.takes(2, 200)
	w.CutWebsockets(true)
	again := w.resumed(k, next-3)
	after := again.takes(next-3, 3)
	w.posts(1)
	again.takes(after, 1)
}

func TestResumeFailsWithAFreshHello(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(*town)
		next func(int64) int64
	}{
		"gap too big":         {func(w *town) { w.posts(300) }, nil},
		"restart":             {func(w *town) { w.Restart() }, nil},
		"forgotten":           {func(w *town) { w.ForgetConnections() }, nil},
		"unknown number":      {nil, func(n int64) int64 { return n + 7 }},
		"reaper":              {func(w *town) { w.add(10 * time.Minute) }, nil},
		"cut without resume":  {func(w *town) { w.CutWebsocketsOf("bridge", false) }, nil},
		"too far in the past": {nil, func(int64) int64 { return 1 << 40 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, Options{})
			k := w.connect(w.botToken)
			w.posts(1)
			next := k.takes(2, 1)
			w.CutWebsockets(true)
			if c.lose != nil {
				c.lose(w)
			}
			if c.next != nil {
				next = c.next(next)
			}
			f := w.resumed(k, next).read()
			if f.Event != "hello" || f.Seq != 0 || f.Data["connection_id"] == k.id {
				t.Fatalf("after a failed resume: %+v", f)
			}
		})
	}
}

func TestTheReaperSparesFreshConnections(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	w.CutWebsockets(true)
	w.add(4 * time.Minute) // no run yet
	w.posts(1)
	next := w.resumed(k, 2).takes(2, 1)
	w.add(8 * time.Minute)
	w.CutWebsockets(true)
	w.add(2 * time.Minute) // the run at 15 minutes is still to come
	w.posts(1)
	w.resumed(k, next).takes(next, 1)
}

func TestResumeWhileTheSocketIsOpen(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	if f := w.resumed(k, 2).read(); f.Event != "hello" || f.Data["connection_id"] == k.id {
		t.Fatalf("the open connection was taken over: %+v", f)
	}
}

func TestNonsenseResumesAreDropped(t *testing.T) {
	w := newTown(t, Options{})
	for _, query := range []string{"?connection_id=nonsense&sequence_number=1", "?connection_id=" + model.NewId(),
		"?connection_id=" + model.NewId() + "&sequence_number=x"} {
		if f, err := w.dial(w.botToken, query).try(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			t.Errorf("%s: got %+v, %v", query, f, err)
		}
	}
}

// kept says whether the server still has a connection.
func (w *town) kept() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns) > 0
}

func TestSlowReadersAreClosed(t *testing.T) {
	w := newTown(t, Options{SocketWriteBuffer: 1 << 16})
	k := w.connect(w.botToken)
	big := model.StringInterface{"x": string(slices.Repeat([]byte("x"), 50000))}
	seen := 0
	for w.kept() && seen < 2000 {
		_, err := w.PostWith("alice", w.channel, &model.Post{Message: "x", Props: big})
		check(t, err)
		seen++
	}
	if seen == 2000 {
		t.Fatal("a reader that does not read was kept")
	}
	got := 0
	for {
		if _, err := k.try(); err != nil {
			break
		}
		got++
	}
	if got >= seen {
		t.Fatalf("%d of %d events arrived", got, seen)
	}
	if f := w.resumed(k, int64(got)+2).read(); f.Event != "hello" {
		t.Fatalf("a slow reader could resume: %+v", f)
	}
}

func TestSlowReadersMissTypingFirst(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	w.CutWebsockets(true)
	w.Typing("alice", w.channel)
	w.posts(sendSlowMark)
	w.Typing("alice", w.channel)
	again := w.resumed(k, 2)
	typing := 0
	for _, kind := range again.kinds() {
		if kind == "typing" {
			typing++
		}
	}
	same(t, "typing events kept", typing, 1)
}

func TestRealClientsWork(t *testing.T) {
	w := newTown(t, Options{})
	// With the challenge, as NewWebSocketClient4 does.
	c, err := model.NewWebSocketClient4(w.WebsocketURL(), w.botToken)
	check(t, err)
	defer c.Close()
	c.Listen()
	next := func(c *model.WebSocketClient, kind model.WebsocketEventType) *model.WebSocketEvent {
		t.Helper()
		for {
			select {
			case e := <-c.EventChannel:
				if e == nil {
					t.Fatalf("socket ended: %v", c.ListenError)
				}
				if e.EventType() == kind {
					return e
				}
			case <-c.ResponseChannel:
			case <-time.After(20 * time.Second):
				t.Fatalf("no %s", kind)
			}
		}
	}
	next(c, model.WebsocketEventHello)
	w.post("x")
	next(c, model.WebsocketEventPosted)

	// With the header, reliably.
	r, err := model.NewReliableWebSocketClientWithDialer(websocket.DefaultDialer, w.WebsocketURL(), w.adminToken, "", 0, true)
	check(t, err)
	r.Listen()
	id := next(r, model.WebsocketEventHello).GetData()["connection_id"].(string)
	w.post("y")
	seq := next(r, model.WebsocketEventPosted).GetSequence()
	w.CutWebsocketsOf("root", true)
	for range r.EventChannel {
		continue // until it is closed
	}
	r.Close()
	w.post("z")
	r, err = model.NewReliableWebSocketClientWithDialer(websocket.DefaultDialer, w.WebsocketURL(), w.adminToken, id, int(seq)+1, true)
	check(t, err)
	defer r.Close()
	r.Listen()
	if e := next(r, model.WebsocketEventPosted); e.GetSequence() != seq+2 { // the own status_change lies between
		t.Fatalf("resumed at %d after %d", e.GetSequence(), seq)
	}
}

func TestEventsReachTheHook(t *testing.T) {
	var w *town
	var kinds []model.WebsocketEventType
	w = newTown(t, Options{OnEvent: func(e *model.WebSocketEvent) {
		kinds = append(kinds, e.EventType())
		if e.EventType() == model.WebsocketEventPostEdited { // a hook may use the server
			_ = w.Posts(w.channel)
		}
	}})
	kinds = nil
	id := w.post("x")
	check(t, w.Edit("alice", id, "y"))
	same(t, "events", kinds, []model.WebsocketEventType{"posted", "post_edited"})
}
