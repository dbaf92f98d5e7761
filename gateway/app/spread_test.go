package app

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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
	w.begin()
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
		s := bridge.ChannelID(fmt.Sprint("S", n))
		want := []string{}
		for _, what := range []string{"zeroth", "first", "second", "third", "fourth", "fifth", "sixth"} {
			want = append(want, "ann: "+what, "ben: "+what)
		}
		slices.Sort(want)
		for side, got := range map[string][]string{"left": texts(w.left, s), "right": texts(w.right, s)} {
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on the %s (-want +got):\n%s", s, side, diff)
			}
		}
	}
}

// twoOnPostgreSQL has two instances share six gateways, and gives the address of their store.
func twoOnPostgreSQL(t *testing.T, second string) (w *world, c *pgtest.Cluster, dsn string, one, two *running) {
	t.Helper()
	c = pgtest.Start(false)
	t.Cleanup(c.Stop)
	dsn = c.DSN("store", c.Address())
	t.Setenv("CAUSEWAY_DSN", dsn)
	w = newWorld(t, "")
	config := "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n" + accounts + w.sixGateways()
	w.write("config.toml", config)
	w.write("two.toml", second+config)
	one = w.run()
	w.spokenOnceBegun()
	return w, c, dsn, one, w.beginWith("two.toml")
}

// TestWhoseConfigSaysOtherwiseDeliversNothing: what arrives must not depend on who delivers it.
func TestWhoseConfigSaysOtherwiseDeliversNothing(t *testing.T) {
	other := "[general]\nNoticeAfter = \"1m\"\n"
	w, _, dsn, _, _ := twoOnPostgreSQL(t, other)
	joined := func() bool { return len(queried(t, dsn, "SELECT 1 FROM members WHERE fit <> ''")) == 1 }
	w.until("the other one has joined", joined)
	w.spoken("first")
	time.Sleep(3 * membersEvery) // as long as it takes to share
	if got := given(t, dsn); len(got) > 0 {
		t.Errorf("it was given %v", got)
	}
	text, err := os.ReadFile(w.path("two.toml"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("two.toml", strings.TrimPrefix(string(text), other))
	w.until("it has the same config", func() bool { return slices.Equal(given(t, dsn), []int{6}) })
	w.spoken("second")
	w.write("two.toml", string(text))
	w.until("it has another one again", func() bool { return len(queried(t, dsn, "SELECT 1 FROM lanes")) == 0 && joined() })
	w.spoken("third")
}

// TestNothingIsLostWhereTheOtherOneGoesByAnotherTable: the one that leads takes up another config, by which more is carried, and the other one delivers by the former one still.
func TestNothingIsLostWhereTheOtherOneGoesByAnotherTable(t *testing.T) {
	w, _, dsn, one, _ := twoOnPostgreSQL(t, "")
	general := "[[gateway]]\nname = \"general\"\ninout = [ { account = \"left.one\", channel = \"team/general\" }, { account = \"right.two\", channel = \"team/general\" } ]\n"
	extra := "[[gateway]]\nname = \"extra\"\nin = [ { account = \"left.one\", channel = \"team/general\" } ]\nout = ["
	for n := range 6 {
		extra += fmt.Sprintf(" { account = \"right.two\", channel = \"team/s%d\" },", n)
	}
	text, err := os.ReadFile(w.path("config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.toml", "two.toml"} {
		w.write(name, string(text)+general)
	}
	w.until("both have the channel in common", func() bool {
		return slices.Equal(given(t, dsn), []int{7}) && w.faults.begun(bridge.ConversationID{Server: "memory:left", Channel: "C1"})
	})
	w.write("config.toml", string(text)+general+extra+" ]\n")
	w.until("the one that leads carries more", func() bool { return strings.Contains(one.log.String(), "gateway extra: added") })
	var want []string
	for n := range 50 {
		w.left.Say("C1", "ann", fmt.Sprint("more ", n))
		want = append(want, fmt.Sprint("ann: more ", n))
		time.Sleep(10 * time.Millisecond)
	}
	for n := range 6 {
		c := bridge.ChannelID(fmt.Sprint("S", n))
		w.until("all of it arrives", func() bool { return slices.Contains(texts(w.right, c), want[len(want)-1]) })
		if diff := cmp.Diff(want, slices.DeleteFunc(texts(w.right, c), func(text string) bool { return !strings.HasPrefix(text, "ann: more") })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c, diff)
		}
	}
}

// TestWhoIsGoneForAMomentStays: the connection of one that delivers is lost, and there again; and another one is gone for good, without a word.
func TestWhoIsGoneForAMomentStays(t *testing.T) {
	w, c, dsn, one, two := twoOnPostgreSQL(t, "")
	w.until("they share", func() bool { return slices.Equal(given(t, dsn), []int{6}) })
	member := func() []int { return queried(t, dsn, "SELECT number FROM members") }
	before := member()
	c.Exec(dsn, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1667331447")
	w.spoken("first")
	time.Sleep(3 * membersEvery)
	if after := member(); !slices.Equal(after, before) || strings.Contains(one.log.String(), "is gone") {
		t.Errorf("it was taken for gone: %v, and before %v\n%s", after, before, one.log)
	}
	two.stop()
	w.until("it has given everything back", func() bool { return len(queried(t, dsn, "SELECT 1 FROM lanes")) == 0 && len(member()) == 0 })
	c.Exec(dsn, "INSERT INTO members (number, token, name) VALUES (7, 'x', 'the seventh')")
	c.Exec(dsn, "INSERT INTO lanes (conversation, member) SELECT id, 7 FROM conversations")
	w.until("who is gone is found out", func() bool { return strings.Contains(one.log.String(), "another instance is gone; what it delivered") })
	w.spoken("second")
	if got := texts(w.right, "S0"); len(got) != 6 {
		t.Errorf("%q", got)
	}
}

// TestWhoIsFrozenWhileItWritesHoldsUpNobodyForLong: nobody else can write as long as its transaction is open.
func TestWhoIsFrozenWhileItWritesHoldsUpNobodyForLong(t *testing.T) {
	w, _, dsn, _, _ := twoOnPostgreSQL(t, "")
	w.until("they share", func() bool { return slices.Equal(given(t, dsn), []int{6}) })
	frozen, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close(context.WithoutCancel(t.Context()))
	for _, statement := range []string{"INSERT INTO members (number, token, name) VALUES (7, 'x', 'the seventh')", "SELECT pg_advisory_lock(1667331447, 7)", "BEGIN",
		"SELECT pg_advisory_xact_lock(1667331444, current_schema()::regnamespace::oid::int4)"} {
		if _, err := frozen.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	w.spoken("meanwhile") // which waits for less than PostgreSQL would let it write nothing
	if err := frozen.Ping(t.Context()); err == nil {
		t.Error("its session was not ended")
	}
}

// TestTheLastWordsOfOneThatStopsAreHeard: what it could not deliver, its author is told by the one that leads.
func TestTheLastWordsOfOneThatStopsAreHeard(t *testing.T) {
	w, _, dsn, _, two := twoOnPostgreSQL(t, "")
	w.until("they share", func() bool { return slices.Equal(given(t, dsn), []int{6}) })
	apart := func(n int) bool { // the one that helps delivers on the right, the one that leads on the left
		where := func(server string) int {
			return len(queried(t, dsn, fmt.Sprintf("SELECT 1 FROM lanes l JOIN conversations c ON c.id = l.conversation WHERE c.server = 'memory:%s' AND c.channel = 'S%d'", server, n)))
		}
		return where("right") == 1 && where("left") == 0
	}
	n := slices.IndexFunc([]int{0, 1, 2, 3, 4, 5}, apart)
	if n < 0 {
		t.Fatal("no pair of channels is divided between the two")
	}
	there := bridge.ConversationID{Server: "memory:right", Channel: bridge.ChannelID(fmt.Sprint("S", n))}
	posting := make(chan struct{}, 1)
	w.faults.set(func(ctx context.Context, c memory.Call) error {
		if c.Op != memory.Post || c.After || c.Conversation != there {
			return nil
		}
		posting <- struct{}{}
		time.Sleep(500 * time.Millisecond) // it has been told to stop by then
		return memory.Fails(bridge.Rejected)
	})
	w.left.Say(there.Channel, "ann", "refused")
	<-posting
	two.stopped()
	w.until("the author is told", func() bool {
		return slices.ContainsFunc(w.left.Notices(), func(n bridge.Notice) bool {
			return n.User == "ann" && strings.Contains(n.Text.PlainText(), "was not delivered")
		})
	})
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
	all = queried(t, dsn, "SELECT count(*) FROM lanes WHERE back = 0 GROUP BY member ORDER BY 1")
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
		need := leastMoves(all, at, able)
		moves := 0
		var asked []bridge.ConversationID
		for round := 0; ; round++ {
			lanes := lanesOf(at)
			for i := range lanes { // asked for, and not given back yet
				lanes[i].Back = slices.Contains(asked, lanes[i].Conversation)
			}
			give, back := balance(all, lanes, able)
			if len(give) == 0 && len(back) == 0 && len(asked) == 0 {
				break
			}
			if round > 200 {
				t.Fatalf("it does not come to rest: %v of %v to %v", at, all, able)
			}
			moves += len(back)
			asked = append(asked, back...)
			for len(asked) > 0 && (len(back) == 0 && len(give) == 0 || random.IntN(3) > 0) { // some take their time
				delete(at, asked[0])
				asked = asked[1:]
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
		if moves != need {
			t.Fatalf("%d conversations were asked for, where %d need be", moves, need)
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

// leastMoves counts what must be asked for: what is not there any more, or at somebody who is not able, and what members have more than their share, of which the first ones
// among those who have most may have one more where it cannot be divided.
func leastMoves(all []bridge.ConversationID, at map[bridge.ConversationID]int64, able []int64) (n int) {
	have := map[int64]int{}
	for c, member := range at {
		if !slices.Contains(all, c) || !slices.Contains(able, member) {
			n++
		} else {
			have[member]++
		}
	}
	var sorted []int
	for _, member := range able {
		sorted = append(sorted, have[member])
	}
	slices.Sort(sorted)
	slices.Reverse(sorted)
	for i, h := range sorted {
		share := len(all) / (len(able) + 1)
		if i < len(all)%(len(able)+1) {
			share++
		}
		n += max(0, h-share)
	}
	return n
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
