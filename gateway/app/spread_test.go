package app

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
	"causeway/gateway/store/pgtest"
)

// sixGateways join six channels on the left with six on the right.
func (w *world) sixGateways() string {
	var all strings.Builder
	for n := range 6 {
		for _, s := range []*memory.Service{w.left, w.right} {
			s.AddChannel(bridge.ChannelID(fmt.Sprint("S", n)), fmt.Sprint("team/s", n))
		}
		fmt.Fprintf(&all, "[[gateway]]\nname = \"g%d\"\ninout = [ { account = \"left.one\", channel = \"team/s%d\" }, { account = \"right.two\", channel = \"team/s%d\" } ]\n", n, n, n)
	}
	return all.String()
}

// spoken says something in each channel on both sides, and waits until all of it has arrived.
func (w *world) spoken(what string) {
	w.Helper()
	for n := range 6 {
		c := bridge.ChannelID(fmt.Sprint("S", n))
		w.left.Say(c, "ann", what)
		w.right.Say(c, "ben", what)
	}
	w.until(what+" arrives everywhere", func() bool {
		for n := range 6 {
			c := bridge.ChannelID(fmt.Sprint("S", n))
			if !slices.Contains(texts(w.right, c), "ann: "+what) || !slices.Contains(texts(w.left, c), "ben: "+what) {
				return false
			}
		}
		return true
	})
}

// TestInstancesShareTheWorkEvenly has three instances come and go. Each delivers to as many conversations as the others, and what is said arrives once.
func TestInstancesShareTheWorkEvenly(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	dsn := c.DSN("store", c.Address())
	t.Setenv("CAUSEWAY_DSN", dsn)
	w := newWorld(t, "")
	w.write("config.toml", "[general]\nLogLevel = \"debug\"\n[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+accounts+w.sixGateways())
	one := w.run()
	w.spokenOnceBegun()
	two, three := w.begin(), w.begin()
	given := func() []int { return given(t, dsn) }
	w.until("each delivers to four", func() bool { return slices.Equal(given(), []int{4, 4}) })
	before := posts(one, two, three)
	w.spoken("first")
	for i, n := range posts(one, two, three) {
		if n-before[i] != 4 {
			t.Errorf("instance %d has posted %d of 12 messages, not 4", i+1, n-before[i])
		}
	}
	three.stop()
	w.until("two share", func() bool { return slices.Equal(given(), []int{6}) })
	w.spoken("second")
	three = w.begin()
	w.until("three share again", func() bool { return slices.Equal(given(), []int{4, 4}) })
	one.stopped() // while there is something to be done
	w.spoken("third")
	one.stop()
	w.until("two share again", func() bool { return slices.Equal(given(), []int{6}) })
	w.spoken("fourth")
	c.Exec(dsn, "UPDATE members SET token = 'struck out'")
	w.spoken("fifth")
	w.until("who was struck out is there again", func() bool { return slices.Equal(given(), []int{6}) })
	w.spoken("sixth")
	for n := range 6 {
		for _, s := range []bridge.ChannelID{bridge.ChannelID(fmt.Sprint("S", n))} {
			want := []string{}
			for _, what := range []string{"zeroth", "first", "second", "third", "fourth", "fifth", "sixth"} {
				want = append(want, "ann: "+what, "ben: "+what)
			}
			slices.Sort(want)
			for side, got := range map[string][]string{"left": texts(w.left, s), "right": texts(w.right, s)} {
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s on the %s, want less, got more:\n%s", s, side, diff)
				}
			}
		}
	}
}

// spokenOnceBegun speaks when all channels have been read: what was said before is not carried.
func (w *world) spokenOnceBegun() {
	w.Helper()
	for n := range 6 {
		for _, server := range []bridge.ServerID{"memory:left", "memory:right"} {
			c := bridge.ConversationID{Server: server, Channel: bridge.ChannelID(fmt.Sprint("S", n))}
			w.until("all has been read", func() bool { return w.faults.begun(c) })
		}
	}
	w.spoken("zeroth")
}

// given counts what members were given, sorted; of those that have given up what they are asked for.
func given(t *testing.T, dsn string) (all []int) {
	t.Helper()
	for _, n := range queried(t, dsn, "SELECT count(*) FROM lanes WHERE back = 0 GROUP BY member ORDER BY 1") {
		all = append(all, n)
	}
	if len(queried(t, dsn, "SELECT 1 FROM lanes WHERE back = 1")) > 0 {
		return nil
	}
	return all
}

// posts counts what each has posted.
func posts(all ...*running) (n []int) {
	for _, r := range all {
		n = append(n, strings.Count(r.log.String(), "step=post"))
	}
	return n
}

func TestConversationsAreDividedEvenlyAndNothingMovesWithoutNeed(t *testing.T) {
	name := func(n int) bridge.ConversationID {
		return bridge.ConversationID{Server: "s", Channel: bridge.ChannelID(fmt.Sprintf("%02d", n))}
	}
	random := rand.New(rand.NewPCG(6, 6))
	for range 2000 {
		var all []bridge.ConversationID
		for n := range random.IntN(20) {
			all = append(all, name(n))
		}
		var able []int64
		for n := range random.IntN(4) {
			able = append(able, int64(n+1))
		}
		at := map[bridge.ConversationID]int64{} // some of them to who is not able, and of what is not there
		for n := range 25 {
			if member := int64(random.IntN(6)); member != 0 {
				at[name(n)] = member
			}
		}
		moves := 0
		for round := 0; ; round++ {
			lanes := lanesOf(at)
			give, back := balance(all, lanes, able)
			if len(give) == 0 && len(back) == 0 {
				break
			}
			if round > 5 {
				t.Fatalf("it does not come to rest: %v of %v to %v", at, all, able)
			}
			for _, c := range back {
				delete(at, c)
				moves++
			}
			for member, some := range give {
				for _, c := range some {
					if _, there := at[c]; there || !slices.Contains(able, member) {
						t.Fatalf("%v is given to %d, and %d has it", c, member, at[c])
					}
					at[c] = member
				}
			}
		}
		have := map[int64]int{}
		for _, c := range all {
			have[at[c]]++
		}
		for _, member := range append(slices.Clone(able), 0) {
			if n := have[member]; n < len(all)/(len(able)+1) || n > (len(all)+len(able))/(len(able)+1) {
				t.Fatalf("%d of %d conversations at one of %d", n, len(all), len(able)+1)
			}
		}
		for c := range at {
			if !slices.Contains(all, c) || !slices.Contains(able, at[c]) {
				t.Fatalf("%v is still at %d", c, at[c])
			}
		}
	}
}

func lanesOf(at map[bridge.ConversationID]int64) (all []store.Lane) {
	for _, c := range slices.SortedFunc(maps.Keys(at), func(a, b bridge.ConversationID) int { return strings.Compare(string(a.Channel), string(b.Channel)) }) {
		all = append(all, store.Lane{Conversation: c, Member: at[c]})
	}
	return all
}

// queried gives the numbers in the rows of an answer.
func queried(t *testing.T, dsn, query string) (all []int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if all, err = pgx.CollectRows(rows, pgx.RowTo[int]); err != nil {
		t.Fatal(err)
	}
	return all
}
