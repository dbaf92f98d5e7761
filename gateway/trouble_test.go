package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

func TestAnAccountWhoseTokenIsRevokedIsParkedAndResumesByItself(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.service("a", memory.Options{}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"), inout("c", "town"))
		w.start()
		b.Revoke("bot")
		for n := range 50 {
			a.Say("town", "ann", fmt.Sprint("from a ", n))
			b.Say("town", "ben", fmt.Sprint("from b ", n))
			w.wait(2 * time.Minute)
		}
		w.same(len(live(c, "town", true)), 50)
		w.crossed(a, "town", c, "town")
		b.Grant("bot")
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		w.crossed(b, "town", a, "town")
		w.same(len(live(c, "town", true)), 100)
		w.same(len(w.held()), 0)
		// Reading, connecting and perhaps delivering say so, each once.
		if n := strings.Count(w.log.String(), "the token of bot is not valid"); n < 1 || n > 3 {
			w.t.Errorf("an outage of 100 minutes is in the log %d times", n)
		}
	})
}

func TestAConversationThatIsShutIsParkedAloneAndLosesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		a.AddChannel("hall", "team/hall")
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		b.Shut("town")
		for n := range 50 {
			a.Say("town", "ann", fmt.Sprint("waits ", n))
			b.Say("town", "ben", fmt.Sprint("unread ", n))
			a.Say("hall", "ann", fmt.Sprint("goes on ", n))
			w.wait(2 * time.Minute)
		}
		w.crossed(a, "hall", b, "hall")
		w.same(len(live(b, "hall", true)), 50)
		w.same(len(w.held()), 0)
		b.Reopen("town")
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		w.crossed(b, "town", a, "town")
		w.same(len(live(b, "town", true)), 50)
	})
}

func TestThrottlingIsHonouredByWhatItHoldsFor(t *testing.T) {
	for _, scope := range []bridge.Scope{bridge.ScopeConversation, bridge.ScopeAccount} {
		t.Run(fmt.Sprint("scope ", scope), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var once atomic.Bool
				a := w.service("a", memory.Options{})
				b := w.service("b", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
					if c.Op == memory.Post && c.Conversation.Channel == "town" && once.CompareAndSwap(false, true) {
						return memory.Throttles(scope, 30*time.Second)
					}
					return nil
				}})
				a.AddChannel("hall", "team/hall")
				b.AddChannel("hall", "team/hall")
				w.route(inout("a", "town"), inout("b", "town"))
				w.route(inout("a", "hall"), inout("b", "hall"))
				w.start()
				a.Say("town", "ann", "waits")
				w.wait(time.Second)
				a.Say("hall", "ann", "other")
				w.wait(time.Second)
				free := len(texts(b, "hall"))
				w.same(free == 1, scope == bridge.ScopeConversation)
				w.wait(27 * time.Second)
				w.same(texts(b, "town"), []string{})
				w.wait(2 * time.Second)
				w.same(texts(b, "town"), []string{"waits"})
				w.same(texts(b, "hall"), []string{"other"})
				w.same(b.Violations(), 0)
			})
		})
	}
}

func TestAThrottledConversationIsNeverQuarantined(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: s.fault})
		a.AddChannel("hall", "team/hall")
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && c.Conversation.Channel == "town" {
				return memory.Throttles(bridge.ScopeConversation, 4*time.Minute)
			}
			return nil
		})
		a.Say("town", "ann", "waits")
		for range 60 {
			a.Say("hall", "ann", "goes on")
			w.wait(2 * time.Minute)
		}
		w.same(len(w.held()), 0)
		s.off()
		w.wait(10 * time.Minute)
		w.same(texts(b, "town"), []string{"waits"})
		w.same(b.Violations(), 0)
	})
}

func TestAServiceThatSaysNoTimeIsNotHurried(t *testing.T) {
	faults := map[string]func() error{
		"throttled conversation": func() error { return memory.Throttles(bridge.ScopeConversation, 0) },
		"throttled account":      func() error { return memory.Throttles(bridge.ScopeAccount, 0) },
		"transient":              func() error { return memory.Fails(bridge.Transient) },
		"uncertain":              memory.LostAnswer,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.pair(memory.Options{}, memory.Options{Fault: s.fault})
				s.on(before(memory.Post, fault))
				a.Say("town", "ann", "hello")
				w.wait(10 * time.Minute)
				if n := b.Writes(); n < 5 || n > 20 {
					w.t.Errorf("%d writes in ten minutes of outage", n)
				}
				s.off()
				w.wait(10 * time.Minute)
				w.same(texts(b, "town"), []string{"hello"})
			})
		})
	}
}

// TestAPostThatWasHardToLookForIsMadeSoon: that reading fails says nothing of posting.
func TestAPostThatWasHardToLookForIsMadeSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		posts, looks := 0, 0
		var looked, made time.Time
		a, b := w.pair(memory.Options{}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			switch {
			case c.Op == memory.Post && !c.After:
				if posts++; posts == 1 {
					return memory.LostAnswer()
				}
				made = time.Now()
			case c.Op == memory.Find && !c.After:
				if looks++; looks <= 8 {
					return memory.Fails(bridge.Transient)
				}
				looked = time.Now()
			}
			return nil
		}})
		a.Say("town", "ann", "hello")
		w.wait(time.Hour)
		w.same(texts(b, "town"), []string{"hello"})
		w.same([]int{posts, looks}, []int{2, 9})
		w.same(made.Sub(looked) < 5*time.Second, true)
	})
}

func TestAMessageThatAlwaysFailsIsQuarantinedWhileOthersSucceed(t *testing.T) {
	for name, fault := range map[string]func() error{"transient": func() error { return memory.Fails(bridge.Transient) }, "uncertain": memory.LostAnswer} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: s.fault})
				a.AddChannel("hall", "team/hall")
				b.AddChannel("hall", "team/hall")
				w.route(inout("a", "town"), inout("b", "town"))
				w.route(inout("a", "hall"), inout("b", "hall"))
				w.start()
				var poison atomic.Value
				s.on(func(_ context.Context, c memory.Call) error {
					if c.Op == memory.Post && !c.After && c.Conversation.Channel == "town" {
						poison.CompareAndSwap(nil, c.Key)
						if poison.Load() == c.Key {
							return fault()
						}
					}
					return nil
				})
				a.Say("town", "ann", "poison")
				w.wait(time.Second)
				a.Say("town", "ann", "waits behind it")
				for range 60 {
					a.Say("hall", "ann", "goes on")
					w.wait(2 * time.Minute)
				}
				w.same(texts(b, "town"), []string{"waits behind it"})
				w.same(len(w.held()), 1)
				w.same(len(a.Notices()), 1)
			})
		})
	}
}

func TestThePaceOfAnAccountIsSharedFairly(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{PostInterval: time.Second})
		for _, quiet := range []bridge.ChannelID{"hall", "yard"} {
			a.AddChannel(quiet, "team/"+string(quiet))
			b.AddChannel(quiet, "team/"+string(quiet))
		}
		for _, name := range []string{"town", "hall", "yard"} {
			w.route(inout("a", name), inout("b", name))
		}
		w.start()
		for n := range 200 {
			a.Say("town", "ann", fmt.Sprint("busy ", n))
		}
		w.wait(20 * time.Second)
		a.Say("hall", "ann", "quiet")
		a.Say("yard", "ann", "quiet")
		w.wait(4 * time.Second)
		w.same(texts(b, "hall"), []string{"quiet"})
		w.same(texts(b, "yard"), []string{"quiet"})
		w.wait(180 * time.Second)
		w.crossed(a, "town", b, "town")
		w.same(b.Violations(), 0)
		w.same(b.Writes(), 202)
	})
}

func TestAStoreThatCannotWriteHoldsEverythingUpAndLosesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{BatchSize: 3}, memory.Options{})
		a.Say("town", "ann", "before")
		w.wait(time.Second)
		w.full.Store(true)
		for n := range 20 {
			id := a.Say("town", "ann", fmt.Sprint("full ", n))
			b.Say("town", "ben", fmt.Sprint("there ", n))
			a.React("town", id, "ann", "👍")
			w.wait(time.Minute)
		}
		w.same(texts(b, "town")[:1], []string{"before"})
		w.same(len(live(b, "town", true)), 1)
		w.full.Store(false)
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		w.crossed(b, "town", a, "town")
		w.same(len(w.held()), 0)
		w.same(strings.Contains(w.log.String(), "disk is full"), true)
		w.same(strings.Contains(w.log.String(), "works again"), true)
	})
}

func TestAStoreThatFillsUpBetweenSendingAndNotingDoublesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && c.After {
				w.full.Store(true)
			}
			return nil
		}})
		a.Say("town", "ann", "once")
		w.wait(time.Second)
		w.same(w.full.Load(), true)
		w.down()
		w.full.Store(false)
		w.start()
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"once"})
	})
}

func TestStoppingIsBoundedWhateverIsUnderWay(t *testing.T) {
	for _, op := range []memory.Op{memory.Connect, memory.Resolve, memory.Feeding, memory.Post, memory.React, memory.Find} {
		t.Run(string(op), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.pair(memory.Options{Fault: s.fault}, memory.Options{Fault: s.fault})
				id := a.Say("town", "ann", "first")
				w.wait(time.Second)
				s.on(func(ctx context.Context, c memory.Call) error {
					switch {
					case c.Op == op:
						<-ctx.Done() // as slow as it may be
						return ctx.Err()
					case c.Op == memory.Post && op == memory.Find:
						return memory.LostAnswer()
					}
					return nil
				})
				a.React("town", id, "ann", "👍")
				a.Say("town", "ann", "second")
				b.Cut()
				w.wait(10 * time.Second)
				began := time.Now()
				w.down()
				if took := time.Since(began); took > 10*time.Second {
					w.t.Errorf("stopping took %v", took)
				}
				s.off()
				w.start()
				w.wait(10 * time.Minute)
				w.crossed(a, "town", b, "town")
			})
		})
	}
}

func TestAStoreThatIsGoneEndsTheRun(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.pair(memory.Options{}, memory.Options{})
		w.gone = true
		w.same(w.store.Close(), nil)
		a.Say("town", "ann", "nobody is there to note it")
		synctest.Wait()
		select {
		case <-w.stopped:
		default:
			w.t.Error("it still runs")
		}
	})
}

func TestEveryCallThatFailsInEveryWayIsSettled(t *testing.T) {
	for _, op := range []memory.Op{memory.Post, memory.Edit, memory.Delete, memory.React} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(op, " after=", after), func(t *testing.T) {
				inWorld(t, func(w *world) {
					failed := map[string]int{}
					a, b := w.pair(memory.Options{}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
						key := fmt.Sprint(c.Op, c.Key, c.ID)
						if c.Op == op && c.After == after && failed[key] < 2 {
							failed[key]++
							return &bridge.Error{Kind: bridge.Uncertain, Err: errors.New("nobody knows")}
						}
						return nil
					}})
					id := a.Say("town", "ann", "hello")
					w.wait(time.Minute)
					a.Edit("town", id, "hello again")
					a.React("town", id, "ann", "👍")
					gone := a.Say("town", "ann", "to be deleted")
					w.wait(time.Minute)
					a.Delete("town", gone)
					w.wait(10 * time.Minute)
					w.same(live(b, "town", true), []shown{{By: "ann", Text: "hello again", Emoji: []string{"👍"}}})
					w.same(len(failed) > 0, true)
				})
			})
		}
	}
}

func TestNothingIsReadFromAnAccountThatHasNotConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		var early atomic.Int32
		a, b := w.service("a", memory.Options{Fault: s.fault}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		old := a.Say("town", "ann", "before the beginning")
		time.Sleep(time.Minute)
		w.start()
		b.Revoke("bot") // the answer waits
		a.Reply("town", old, "ann", "an answer")
		w.wait(time.Minute)
		w.down()
		b.Grant("bot")
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Read {
				early.Add(1)
			}
			if c.Op == memory.Connect {
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		w.start()
		w.wait(10 * time.Second)
		w.same(early.Load(), int32(0))
		s.off()
		w.wait(10 * time.Minute)
		w.same(texts(b, "town"), []string{"ann: before the beginning\nan answer"})
	})
}

func TestAfterAnOutageALaneDoesNotSleepOn(t *testing.T) {
	inWorld(t, func(w *world) {
		var outage switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: outage.fault})
		outage.on(func(_ context.Context, c memory.Call) error { return memory.Fails(bridge.Transient) })
		b.Cut()
		a.Say("town", "ann", "hello")
		w.wait(20 * time.Minute) // lane and feed wait for minutes by now
		var over atomic.Int64    // when the account connected again
		outage.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Connect && !c.After {
				over.Store(time.Now().UnixNano())
			}
			return nil
		})
		for len(texts(b, "town")) == 0 {
			w.wait(time.Second)
		}
		w.same(texts(b, "town"), []string{"hello"})
		w.same(time.Since(time.Unix(0, over.Load())) < 10*time.Second, true)
	})
}
