package mattermost_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	"causeway/bridge/secret"
	sim "causeway/contrib/sim/mattermost"
)

// The stand-in runs in a process of its own, so that it does not count in what is measured here. It is this program again, with the number of
// people in the environment.
const standInPeople = "CAUSEWAY_TEST_STAND_IN"

// village is what the stand-in tells of itself.
type village struct {
	URL, Bot string
	// People are tokens by the users' ids; each is in the public channel and has a direct channel with themselves.
	People map[string]string
}

func TestMain(m *testing.M) {
	var people int
	if _, err := fmt.Sscan(os.Getenv(standInPeople), &people); err == nil {
		standInAlone(people)
		return
	}
	os.Exit(m.Run())
}

// standInAlone is the stand-in: it tells what there is, posts as many messages into the public channel as it is told by a line, says how many requests
// it had seen, and ends with its input.
func standInAlone(people int) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	s := sim.New(sim.Options{})
	check(s.Start())
	defer s.Close()
	s.AddTeam("acme")
	_, bot := s.AddBot("causeway", "system_admin")
	channel := s.AddChannel("acme", "town", model.ChannelTypeOpen).Id
	v := village{URL: s.URL(), Bot: bot, People: map[string]string{}}
	for n := range people {
		u := s.AddUser(fmt.Sprint("user", n))
		s.AddToTeam("acme", u.Username)
		s.Join(channel, u.Username)
		s.Direct(u.Username, u.Username)
		v.People[u.Id] = s.Token(u.Id)
	}
	check(json.NewEncoder(os.Stdout).Encode(v))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var posts int
		_, err := fmt.Sscan(in.Text(), &posts)
		check(err)
		before := len(s.Requests())
		for n := range posts {
			_, err := s.Post("user0", channel, strings.Repeat("word ", 20))
			check(err)
			if n%20 == 19 {
				time.Sleep(10 * time.Millisecond) // it closes the connections of slow readers
			}
		}
		fmt.Println(before)
	}
}

// visitor is a bridge that observes the people of a stand-in.
type visitor struct {
	*testing.B
	village
	account bridge.Bridge
	inbox   *mmtest.Inbox
	// ask has the stand-in post, and gives how many requests it had seen before.
	ask func(posts int) (requests int)
}

// visit starts a stand-in with so many people, and a bridge that observes nobody yet.
func visit(b *testing.B, people int, settings mattermost.Settings) *visitor {
	b.Helper()
	v := &visitor{B: b, inbox: mmtest.NewInbox()}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprint(standInPeople, "=", people))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = child.Wait()
	})
	lines := bufio.NewReaderSize(out, 1<<20)
	line, err := lines.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &v.village) != nil {
		b.Fatalf("the stand-in says %q (%v)", line, err)
	}
	v.ask = func(posts int) (requests int) {
		fmt.Fprintln(in, posts)
		if _, err := fmt.Fscanln(lines, &requests); err != nil {
			b.Fatal(err)
		}
		return requests
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	vault := &mmtest.Vault{}
	settings.Server, settings.Token, settings.Profile = v.URL, secret.Secret(v.Bot), mattermost.ProfileSimple
	v.account, err = mattermost.New(bridge.Env{Account: "mattermost.hq", Log: logrus.NewEntry(log), Vault: vault}, &settings)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := v.account.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	for id, token := range v.People {
		if err := vault.Save(b.Context(), bridge.PersonGrant(bridge.UserID(id)), fmt.Appendf(nil, `{"access":%q}`, token)); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.account.Run(ctx, v.inbox)
	}()
	b.Cleanup(func() { cancel(); <-done; v.account.Close() })
	return v
}

// observe has the first people observed, and waits until all are listened to where they are to be.
func (v *visitor) observe(people int, listened bool) {
	v.Helper()
	online := 0
	if listened {
		online = people
	}
	v.observeOf(people, online)
}

// observeOf observes so many people of whom some have agreed to a connection, and waits until those are listened to.
func (v *visitor) observeOf(people, online int) {
	v.Helper()
	var all []bridge.Observed
	for n, id := range slices.Sorted(maps.Keys(v.People))[:people] {
		all = append(all, bridge.Observed{User: bridge.UserID(id), Online: n < online})
	}
	v.inbox.Observe(all...)
	for want := fmt.Sprintf("%d people observed by websocket", online); online > 0; time.Sleep(50 * time.Millisecond) {
		if strings.Contains(fmt.Sprint(v.account.Status().Facts), want) {
			return
		}
	}
}

func resident(b *testing.B) int {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	var total, pages int
	if err == nil {
		_, err = fmt.Sscan(string(text), &total, &pages)
	}
	if err != nil {
		b.Skip("the memory of a process cannot be read here")
	}
	return pages * os.Getpagesize()
}

func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What one more person costs who is observed by a connection, once all is quiet.
func BenchmarkMemoryOfAConnection(b *testing.B) {
	const some, all = 100, 600
	v := visit(b, all, mattermost.Settings{Observe: mattermost.ObserveWebsocket})
	rest := func(people int) int {
		v.observe(people, true)
		time.Sleep(3 * time.Second)
		return resident(b)
	}
	before := rest(some)
	after := rest(all)
	for b.Loop() {
	}
	b.ReportMetric(float64(after-before)/(all-some), "resident-B/person")
	b.ReportMetric(0, "ns/op")
}

// What a crowd costs: 2,000 people are connected, 500 of whom have agreed to a connection, while nothing is said. The others are asked for.
func BenchmarkACrowd(b *testing.B) {
	const all, watched, settles = 2000, 500, 45 * time.Second
	v := visit(b, all, mattermost.Settings{Observe: mattermost.ObserveAuto})
	none := resident(b)
	v.observeOf(all, 0)
	time.Sleep(settles)
	asked := resident(b)
	before, cpu := v.ask(0), used(b)
	time.Sleep(time.Minute)
	after, spent := v.ask(0), used(b)-cpu
	v.observeOf(all, watched)
	time.Sleep(settles)
	both := resident(b)
	for b.Loop() {
	}
	b.ReportMetric(float64(asked-none)/all, "resident-B/asked-person")
	b.ReportMetric(float64(both-asked)/watched, "resident-B/watched-person")
	b.ReportMetric(float64(after-before), "requests/minute")
	b.ReportMetric(float64(spent.Milliseconds()), "cpu-ms/minute")
	b.ReportMetric(0, "ns/op")
}

// What it costs that all messages of all channels of a person come on their connection.
func BenchmarkIrrelevantFrames(b *testing.B) {
	const people, posts = 20, 1000
	v := visit(b, people, mattermost.Settings{Observe: mattermost.ObserveWebsocket})
	v.observe(people, true)
	v.ask(100)
	frames := 0
	before := used(b)
	for b.Loop() {
		v.ask(posts)
		frames += posts * people
	}
	b.ReportMetric(float64((used(b)-before).Microseconds())/float64(frames), "cpu-ms/1000-frames")
	b.ReportMetric(0, "ns/op")
}

// What it costs that people's conversations are listed, while nothing is said.
func BenchmarkRequestsOfSweeping(b *testing.B) {
	const people, measured = 200, time.Minute
	v := visit(b, people, mattermost.Settings{Observe: mattermost.ObservePoll})
	v.observe(people, false)
	time.Sleep(30 * time.Second) // until nobody is looked at often any more
	before, cpu := v.ask(0), used(b)
	time.Sleep(measured)
	after, spent := v.ask(0), used(b)-cpu
	for b.Loop() {
	}
	b.ReportMetric(float64(after-before)/people, "requests/minute/person")
	b.ReportMetric(float64(spent.Microseconds())/1000/people, "cpu-ms/minute/person")
	b.ReportMetric(0, "ns/op")
}
