package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway/store/pgtest"
)

// joined opens a store of which another process holds the other half.
func joined(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, testKeys(t), Options{Member: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// shared gives a store that one process holds and another one delivers from, and what is said in the conversation called here is to go there.
func shared(t *testing.T, server *pgtest.Cluster) (holder, member *Store, dsn string) {
	t.Helper()
	dsn = server.DSN(t.Name(), server.Address())
	holder = opened(t, dsn)
	member = joined(t, dsn)
	fine(t, member.Able(t.Context(), "fit"))
	return holder, member, dsn
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lanesOf is who delivers where, without what is wrong.
func lanesOf(t *testing.T, lanes func(context.Context) ([]Lane, error)) (all []string) {
	t.Helper()
	found, err := lanes(t.Context())
	fine(t, err)
	for _, l := range found {
		all = append(all, fmt.Sprint(l.Conversation.Channel, " ", l.Back, " ", l.Trouble))
	}
	return all
}

func TestConversationsAreGivenToAMemberAndBack(t *testing.T) {
	holder, member, _ := shared(t, postgresql(t))
	members, err := holder.Members(t.Context())
	fine(t, err)
	want := []Member{{Number: member.number(), Name: members[0].Name, Fit: "fit", Present: true}}
	if diff := cmp.Diff(want, members); diff != "" || !strings.HasPrefix(members[0].Name, "causeway ") {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	other := bridge.ConversationID{Server: there.Server, Channel: "other"}
	fine(t, holder.Give(t.Context(), member.number(), []bridge.ConversationID{there, other}))
	fine(t, holder.CallBack(t.Context(), []bridge.ConversationID{other}))
	fine(t, member.Troubled(t.Context(), there, "something"))
	fine(t, member.Troubled(t.Context(), here, "it was never given that"))
	both := []string{string(there.Channel) + " false something", "other true "}
	if diff := cmp.Diff([][]string{both, both}, [][]string{lanesOf(t, holder.Lanes), lanesOf(t, member.Given)}); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	fine(t, member.GiveBack(t.Context(), []bridge.ConversationID{other}))
	if got := lanesOf(t, holder.Lanes); len(got) != 1 {
		t.Errorf("one was given back, and there are %q", got)
	}
	// Who delivers stores it, and what the holder takes in it sees.
	put(t, holder, batch(state("m1", 1, "hello")))
	if steps := deliver(t, member, there); len(steps) != 1 || steps[0].Op != Post {
		t.Errorf("it did %+v", steps)
	}
	if steps := deliver(t, holder, there); len(steps) != 0 {
		t.Errorf("the holder still found %+v", steps)
	}
	fine(t, member.Resign(t.Context()))
	fine(t, holder.Give(t.Context(), member.number(), []bridge.ConversationID{there})) // too late: it can do nothing more
	if got := lanesOf(t, holder.Lanes); len(got) != 0 {
		t.Errorf("it has given everything back, and there are %q", got)
	}
	fine(t, member.Close())
	if members, err := holder.Members(t.Context()); err != nil || len(members) != 0 {
		t.Errorf("it has left, and there are %+v %v", members, err)
	}
}

func TestAMemberThatIsStruckOutStoresNothing(t *testing.T) {
	holder, member, dsn := shared(t, postgresql(t))
	put(t, holder, batch(state("m1", 1, "hello")))
	fine(t, holder.Give(t.Context(), member.number(), []bridge.ConversationID{there}))
	had, err := holder.Expel(t.Context(), member.number())
	if err != nil || len(had) != 1 || had[0] != there {
		t.Errorf("it had %v %v", had, err)
	}
	if _, err := member.Given(t.Context()); !errors.Is(err, errStruck) {
		t.Errorf("it is not told: %v", err)
	}
	if _, err := member.Advance(t.Context(), there, nil, 1, simplePlan); !errors.Is(err, ErrElsewhere) {
		t.Errorf("it goes on: %v", err)
	}
	if err := member.Able(t.Context(), "fit"); !errors.Is(err, errStruck) || !errors.Is(err, ErrClosed) {
		t.Errorf("it stored: %v", err)
	}
	if n := query[int](t, holder, "SELECT count(*) FROM parts WHERE intent IS NOT NULL"); n != 0 {
		t.Errorf("it has begun %d posts", n)
	}
	// Nor does one come back whose connection was lost meanwhile.
	second := joined(t, dsn)
	if _, err := holder.Expel(t.Context(), second.number()); err != nil {
		t.Fatal(err)
	}
	if _, err := direct(t, dsn).ExecContext(t.Context(), "SELECT pg_terminate_backend($1)", second.engine.(*postgres).pid); err != nil {
		t.Fatal(err)
	}
	select {
	case <-second.Done():
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	if !errors.Is(second.Err(), errStruck) {
		t.Errorf("it has ended because of %v", second.Err())
	}
}

// TestAMemberFindsOutWhetherACommitTookEffect cuts its connection at every other commit.
func TestAMemberFindsOutWhetherACommitTookEffect(t *testing.T) {
	server := postgresql(t)
	for name, at := range map[string]int64{"before": before, "after": after, "silent": silent} {
		t.Run(name, func(t *testing.T) {
			holder, _, _ := shared(t, server)
			c := newCutter(t, server.Address())
			member := joined(t, server.DSN(t.Name(), c.listener.Addr().String()))
			const calls = 6
			for n := range calls {
				put(t, holder, batch(state(fmt.Sprint("m", n), n, "hello"))) // between them others write
				if n%2 == 0 {
					c.at.Store(at)
				}
				fine(t, member.do(t.Context(), func(t *tx) error { return t.exec("UPDATE conversations SET begins = begins + 1") }))
			}
			sum := query[int](t, holder, "SELECT begins FROM conversations WHERE server = 'memory:a'") - int(began.UnixMilli())
			if sum != calls || c.cuts.Load() != calls/2 {
				t.Errorf("%d calls were stored, %d cuts: want %d and %d", sum, c.cuts.Load(), calls, calls/2)
			}
		})
	}
}

// A member whose commits are not there any more ends, and what is posted next is looked for first. So does each of several where a replica has taken over: what it has stored is
// there, but what others have may not be.
func TestAMemberOfAStoreThatWentBackEnds(t *testing.T) {
	server := postgresql(t)
	for name, went := range map[string]func(t *testing.T, dsn string, s *Store){
		"its own commits": func(t *testing.T, dsn string, _ *Store) {
			_, err := direct(t, dsn).ExecContext(t.Context(), "UPDATE members SET commits = commits - 1")
			fine(t, err)
		},
		"another history": func(_ *testing.T, _ string, s *Store) { s.engine.(*postgres).lineage = "another" },
	} {
		for _, who := range []string{"member", "holder"} {
			if who == "holder" && name != "another history" {
				continue
			}
			t.Run(name+" "+who, func(t *testing.T) {
				c := newCutter(t, server.Address())
				dsn := server.DSN(t.Name(), server.Address())
				cut := server.DSN(t.Name(), c.listener.Addr().String())
				holder := opened(t, map[string]string{"holder": cut, "member": dsn}[who])
				member := joined(t, map[string]string{"holder": dsn, "member": cut}[who])
				fine(t, member.Able(t.Context(), "fit"))
				one := map[string]*Store{"holder": holder, "member": member}[who]
				went(t, dsn, one)
				c.at.Store(before)
				if err := one.do(t.Context(), func(t *tx) error { return t.exec("UPDATE conversations SET begins = begins + 1") }); !errors.Is(err, errRewound) {
					t.Errorf("got %v", err)
				}
				var n int
				fine(t, direct(t, dsn).QueryRowContext(t.Context(), "SELECT count(*) FROM moments WHERE what = 'restored'").Scan(&n))
				if n != 1 {
					t.Error("it is not marked as restored")
				}
			})
		}
	}
}

// A newer version that is begun beside an older one strikes out those members that would write what it does not understand, or not understand what it writes.
func TestANewerVersionStrikesOutMembers(t *testing.T) {
	holder, member, dsn := shared(t, postgresql(t))
	fine(t, holder.Close())
	migrations = append(migrations, "CREATE TABLE newer (id INTEGER PRIMARY KEY)")
	t.Cleanup(func() { migrations = migrations[:len(migrations)-1] })
	newer := open(t, dsn, Options{})
	if err := member.Able(t.Context(), "fit"); !errors.Is(err, errStruck) {
		t.Errorf("it stored: %v", err)
	}
	migrations = migrations[:len(migrations)-1]
	if _, err := Open(t.Context(), dsn, testKeys(t), Options{Member: true}); !errors.Is(err, errNoMember) {
		t.Errorf("an older one joins: %v", err)
	}
	migrations = append(migrations, "")
	if members, err := newer.Members(t.Context()); err != nil || len(members) != 0 {
		t.Errorf("there are %+v %v", members, err)
	}
}

// A member that says nothing has its session ended, which lets others write if it was about to.
func TestASilentMemberIsEnded(t *testing.T) {
	t.Parallel()
	server := postgresql(t)
	holder, member, dsn := shared(t, server)
	paused, err := direct(t, dsn).Conn(t.Context())
	fine(t, err)
	const number = 42
	for _, statement := range []string{
		fmt.Sprintf("INSERT INTO members (number, token, name) VALUES (%d, 'x', 'paused')", number), fmt.Sprintf("SELECT pg_advisory_lock(%d, %d)", helping, number),
		fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d, %d)", writing, holder.engine.(*postgres).place),
	} {
		_, err := paused.ExecContext(t.Context(), statement)
		fine(t, err)
	}
	since := time.Now()
	for {
		members, err := holder.Members(t.Context())
		fine(t, err)
		there := map[int64]bool{}
		for _, m := range members {
			there[m.Number] = m.Present
		}
		if !there[member.number()] {
			t.Fatal("one that has nothing to do is ended")
		}
		if !there[number] {
			break
		}
		if time.Since(since) > time.Minute {
			t.Fatal("the silent one has its session after a minute")
		}
		time.Sleep(watchPause)
	}
	if alive := time.Since(since); alive < silence {
		t.Errorf("it is ended after %v", alive)
	}
	put(t, holder, batch(state("m1", 1, "hello"))) // it does not hold up the others
	fine(t, member.Able(t.Context(), "still fit"))
}

func TestProcessesTellEachOther(t *testing.T) {
	holder, member, _ := shared(t, postgresql(t))
	one, two := holder.Peers(), member.Peers()
	t.Cleanup(func() { _ = errors.Join(one.Close(), two.Close()) })
	var all []Hint // more than fits into one notification
	for n := range 300 {
		all = append(all, Hint{Conversation: bridge.ConversationID{Server: "memory:a", Channel: bridge.ChannelID(fmt.Sprintf("a channel with a long name %d", n))}})
	}
	all = append(all, Hint{Conversation: here, Posted: "m1"})
	heard := make(chan []Hint)
	ctx, stop := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	listening.Go(func() { _ = two.Listen(ctx, func(h []Hint) { heard <- h }) })
	if first := <-heard; first != nil {
		t.Errorf("it begins with %v", first)
	}
	go func() { _ = errors.Join(one.Tell(ctx, all), one.Tell(ctx, nil)) }()
	var got []Hint
	for {
		h := <-heard
		if h == nil {
			t.Error("it is told to begin anew")
		}
		if len(h) == 0 {
			break
		}
		got = append(got, h...)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	stop()
	listening.Wait()
}

func TestWritersTakeTurnsAcrossProcesses(t *testing.T) {
	holder, member, _ := shared(t, postgresql(t))
	one, two := holder.Peers(), member.Peers()
	t.Cleanup(func() { _ = errors.Join(one.Close(), two.Close()) })
	const every = time.Hour // no machine is that slow
	for n := range 4 {
		peers := []*Peers{one, two}[n%2]
		wait, err := peers.Turn(t.Context(), "account ben", every)
		if err != nil || (wait-time.Duration(n)*every).Abs() > time.Minute {
			t.Errorf("turn %d comes after %v %v", n, wait, err)
		}
	}
	if wait, err := two.Turn(t.Context(), "account", every); err != nil || wait != 0 {
		t.Errorf("another writer waits %v %v", wait, err)
	}
}

func TestSQLiteHasNoMembers(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	members, err := s.Members(t.Context())
	if err != nil || members != nil || s.Peers() != nil {
		t.Errorf("%v %v", members, err)
	}
	if _, err := Open(t.Context(), path, testKeys(t), Options{Member: true}); err == nil {
		t.Error("somebody joins")
	}
}

// A member that does not go by the table of the holder may not judge what is to become of what was stored by it.
func TestAMemberAdvancesNothingByAnotherTable(t *testing.T) {
	holder, member, dsn := shared(t, postgresql(t))
	fine(t, holder.Give(t.Context(), member.number(), []bridge.ConversationID{there}))
	advances := func() error {
		_, err := member.Advance(t.Context(), there, nil, 1, func(*Work) Step { return Step{Op: Refuse, Reason: "why"} })
		return err
	}
	differs := func() bool {
		differ, err := member.RoutesDiffer(t.Context())
		fine(t, err)
		return differ
	}
	holder.SetRoutes("old")
	fine(t, holder.StoreRoutes(t.Context()))
	member.SetRoutes("old")
	if err := advances(); err != nil || differs() {
		t.Errorf("by the same table: %v, differs %v", err, differs())
	}
	holder.SetRoutes("new")
	put(t, holder, batch(state("m1", 1, "hello"))) // which stores by which table
	if err := advances(); !errors.Is(err, ErrElsewhere) || !differs() {
		t.Errorf("by another table: %v, differs %v", err, differs())
	}
	member.SetRoutes("new")
	if err := advances(); err != nil {
		t.Errorf("by the same table again: %v", err)
	}
	// Whoever leads next says by which table it goes before anybody delivers.
	fine(t, holder.Close())
	open(t, dsn, Options{})
	if err := advances(); !errors.Is(err, ErrElsewhere) {
		t.Errorf("of another holder nothing is known: %v", err)
	}
}
