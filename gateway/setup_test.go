package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// watchful is an account that notices when it is used after its end, and how often it has connected.
type watchful struct {
	bridge.Bridge
	t        *testing.T
	connects atomic.Int32
	inside   atomic.Int32
	ended    atomic.Bool
}

func (w *watchful) use() func() {
	w.inside.Add(1)
	if w.ended.Load() {
		w.t.Error("an account was used after its end")
	}
	return func() { w.inside.Add(-1) }
}

// over is what closes an account.
func (w *watchful) over() {
	w.ended.Store(true)
	if n := w.inside.Load(); n != 0 {
		w.t.Errorf("%d still use an account that has ended", n)
	}
}

func (w *watchful) Connect(ctx context.Context) (bridge.Identity, error) {
	defer w.use()()
	w.connects.Add(1)
	return w.Bridge.Connect(ctx)
}

func (w *watchful) Run(ctx context.Context, i bridge.Inbox) error {
	defer w.use()()
	return w.Bridge.Run(ctx, i)
}

func (w *watchful) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	defer w.use()()
	return w.Bridge.Post(ctx, d)
}

func (w *watchful) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	defer w.use()()
	return w.Bridge.Find(ctx, d, since)
}

func (w *watchful) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	defer w.use()()
	return w.Bridge.Edit(ctx, id, d)
}

func (w *watchful) Resolve(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
	defer w.use()()
	return w.Bridge.Resolve(ctx, name, need)
}

// changing is a world whose plan changes.
type changing struct {
	*world
	services map[string]*memory.Service
	now      map[string]*watchful
}

// inChanging runs a test with the services a and b, each with the channels town and hall, of which the towns are joined.
func inChanging(t *testing.T, o memory.Options, test func(w *changing)) {
	inWorld(t, func(w *world) {
		c := &changing{world: w, services: map[string]*memory.Service{}, now: map[string]*watchful{}}
		for _, name := range []string{"a", "b"} {
			c.services[name] = w.service(name, o)
			c.services[name].AddChannel("hall", "team/hall")
			w.wrap(name, func(b bridge.Bridge) bridge.Bridge { return c.watch(name, b) })
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		test(c)
	})
}

func (c *changing) watch(name string, b bridge.Bridge) bridge.Bridge {
	c.now[name] = &watchful{Bridge: b, t: c.t}
	return c.now[name]
}

// anew gives an account another bridge, as when its keys in the config have changed. What it gives is told when the change is done.
func (c *changing) anew(name string) (done func()) {
	old := c.now[name]
	account := bridge.AccountName("memory." + name)
	fresh := c.watch(name, c.services[name].Account(account, "bot"))
	c.wrap(name, func(bridge.Bridge) bridge.Bridge { return fresh })
	return old.over
}

// change makes the gateway go by what the world has now.
func (c *changing) change() {
	c.t.Helper()
	p := Plan{Accounts: slices.Clone(c.accounts), Routes: slices.Clone(c.routes), Directs: c.directs}
	if err := c.gateway.Change(c.t.Context(), p); err != nil {
		c.t.Fatal(err)
	}
}

func TestAGatewayIsAddedAndTakenAwayWithoutDroppingAConnection(t *testing.T) {
	inChanging(t, memory.Options{}, func(w *changing) {
		a, b := w.services["a"], w.services["b"]
		a.Say("hall", "ann", "before")
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.change()
		w.wait(time.Second)
		a.Say("hall", "ann", "in the hall")
		b.Say("town", "ben", "in the town")
		w.wait(time.Second)
		w.same(texts(b, "hall"), []string{"in the hall"})
		w.crossed(b, "town", a, "town")

		w.routes = w.routes[:1]
		w.change()
		w.wait(time.Second)
		a.Say("hall", "ann", "among us")
		b.Say("town", "ben", "still here")
		w.wait(time.Minute)
		w.same(texts(b, "hall"), []string{"in the hall"})
		w.crossed(b, "town", a, "town")
		w.same([]int32{w.now["a"].connects.Load(), w.now["b"].connects.Load()}, []int32{1, 1})
		w.same(len(w.gateway.Status(w.t.Context()).Gateways), 1)
	})
}

func TestAccountsAreReplacedWhileTheyAreBusy(t *testing.T) {
	for name, slow := range map[string]memory.Op{"posting": memory.Post, "connecting": memory.Connect} {
		t.Run(name, func(t *testing.T) {
			var hangs atomic.Bool
			inChanging(t, memory.Options{Fault: func(ctx context.Context, c memory.Call) error {
				if c.Op == slow && !c.After && hangs.Load() {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}}, func(w *changing) {
				a, b := w.services["a"], w.services["b"]
				hangs.Store(true)
				if slow == memory.Connect {
					w.down()
					w.start()
				}
				a.Say("town", "ann", "first")
				w.wait(2 * time.Second)
				overA, overB := w.anew("a"), w.anew("b")
				hangs.Store(false) // what hangs does so on
				began := time.Now()
				w.change()
				overA()
				overB()
				if took := time.Since(began); took > writeGrace+time.Second {
					t.Errorf("it took %v", took)
				}
				w.wait(10 * time.Minute)
				w.crossed(a, "town", b, "town")
			})
		})
	}
}

func TestAnAccountComesAndGoes(t *testing.T) {
	inChanging(t, memory.Options{}, func(w *changing) {
		a := w.services["a"]
		before := w.accounts
		c := w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("c", "town"))
		w.change()
		w.wait(time.Second)
		a.Say("town", "ann", "hello c")
		w.wait(time.Second)
		w.same(texts(c, "town"), []string{"hello c"})

		gone := w.routes
		w.accounts, w.routes = before, w.routes[:1]
		w.change()
		a.Say("town", "ann", "without c")
		w.wait(time.Hour)
		w.same(texts(c, "town"), []string{"hello c"})
		w.same(len(w.gateway.Status(w.t.Context()).Accounts), 2)

		w.account("c", c.Account("memory.c", "bot"))
		w.routes = gone
		w.change()
		a.Say("town", "ann", "c again")
		w.wait(time.Minute)
		if all := texts(c, "town"); all[len(all)-1] != "c again" {
			t.Errorf("c shows %q", all)
		}
	})
}

func TestAGatewayThatEndsTakesNoChange(t *testing.T) {
	inChanging(t, memory.Options{}, func(w *changing) {
		g := w.gateway
		w.down()
		if err := g.Change(w.t.Context(), Plan{Accounts: w.accounts, Routes: w.routes}); err == nil {
			t.Error("it was taken")
		}
	})
}

// A thousand changes of all kinds while people talk: nothing is lost, doubled or out of order.
func TestAThousandChangesUnderLoad(t *testing.T) {
	inChanging(t, memory.Options{}, func(w *changing) {
		a, b := w.services["a"], w.services["b"]
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.change()
		w.wait(time.Second)
		all := w.routes
		random := rand.New(rand.NewPCG(1, 2))
		ctx, cancel := context.WithCancel(w.t.Context())
		said := make(chan int)
		go func() { said <- chatter(ctx, a, b) }()
		for range 1000 {
			var over []func()
			w.routes = slices.Clone(all)
			switch random.IntN(5) {
			case 0:
				w.routes = w.routes[:1]
			case 1:
				w.routes[1] = Route{Name: "one way", Endpoints: []Endpoint{in("a", "hall"), out("b", "hall")}}
			case 2:
				over = append(over, w.anew("b"))
			case 3:
				over = append(over, w.anew("a"), w.anew("b"))
			}
			w.change()
			for _, done := range over {
				done()
			}
			time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		}
		w.routes = all
		w.change()
		cancel()
		n := <-said
		w.wait(time.Hour)
		for _, room := range []bridge.ChannelID{"town", "hall"} {
			w.same(plainly(live(b, room, true)), plainly(live(a, room, false)))
		}
		w.same(plainly(live(a, "town", true)), plainly(live(b, "town", false)))
		w.same(len(w.held()), 0)
		t.Logf("%d messages", n)
	})
}

// chatter lets people talk in both rooms until ctx ends. In the hall only those of a do, as it is one-way at times.
func chatter(ctx context.Context, a, b *memory.Service) (n int) {
	for ; pause(ctx, 20*time.Millisecond); n++ {
		switch n % 4 {
		case 0:
			a.Say("town", "ann", fmt.Sprint("ann ", n))
		case 1:
			b.Say("town", "ben", fmt.Sprint("ben ", n))
		default:
			a.Say("hall", "cyd", fmt.Sprint("cyd ", n))
		}
	}
	return n
}

// plainly leaves out when something was said that came late.
func plainly(all []shown) []shown {
	for i := range all {
		if rest, late := strings.CutPrefix(all[i].Text, lateMark); late {
			_, all[i].Text, _ = strings.Cut(rest, ") ")
		}
	}
	return all
}
