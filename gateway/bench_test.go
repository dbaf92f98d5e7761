//go:build unix

package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// idleEnv makes this test binary run so many idle gateways and say how much memory it holds.
const idleEnv = "CAUSEWAY_IDLE_GATEWAYS"

func TestMain(m *testing.M) {
	if n := os.Getenv(idleEnv); n != "" {
		if err := idle(n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(tests(m))
}

// bench is pairs of channels on two services in memory, joined through a store on disk.
type bench struct {
	sides   [2]*memory.Service
	rooms   []bridge.ChannelID
	commits atomic.Int64
	arrived chan bridge.ChannelID
	gateway *Gateway
	stop    func() error
}

func newBench(folder string, gateways int) (*bench, error) {
	b := &bench{arrived: make(chan bridge.ChannelID, 1024)}
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	options := store.Options{Holder: "a benchmark", AfterCommit: func() error { b.commits.Add(1); return nil }}
	s, err := store.Open(context.Background(), placed(filepath.Join(folder, "causeway.db"), &options), keys, options)
	if err != nil {
		return nil, err
	}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	o := Options{Store: s, Log: logrus.NewEntry(logger)}
	for n := range b.sides {
		b.sides[n] = memory.NewService(bridge.ServerID(fmt.Sprint("memory:", n)), memory.Options{Fault: b.noted})
		name := bridge.AccountName(fmt.Sprint("memory.", n))
		o.Accounts = append(o.Accounts, Account{Name: name, Protocol: "memory", NickFormat: "{NICK}", Bridge: b.sides[n].Account(name, "bot")})
	}
	for n := range gateways {
		room := fmt.Sprint("room", n)
		b.rooms = append(b.rooms, bridge.ChannelID(room))
		for _, side := range b.sides {
			side.AddChannel(bridge.ChannelID(room), "team/"+room)
		}
		o.Routes = append(o.Routes, Route{Name: room, Endpoints: []Endpoint{inout("0", room), inout("1", room)}})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	b.gateway = New(o)
	go func() { done <- b.gateway.Run(ctx) }()
	b.stop = func() error {
		cancel()
		if err := <-done; err != nil {
			return err
		}
		return s.Close()
	}
	return b, b.begun(ctx, s)
}

// noted tells of each message that has arrived.
func (b *bench) noted(_ context.Context, c memory.Call) error {
	if c.Op == memory.Post && c.After {
		b.arrived <- c.Conversation.Channel
	}
	return nil
}

// begun waits until every conversation is read.
func (b *bench) begun(ctx context.Context, s *store.Store) error {
	for n, side := range b.sides {
		for _, room := range b.rooms {
			for {
				cursor, err := s.Cursor(ctx, bridge.ConversationID{Server: side.Server(), Channel: room})
				if err != nil {
					return fmt.Errorf("waiting for side %d: %w", n, err)
				}
				if cursor != "" {
					break
				}
				pause(ctx, time.Millisecond)
			}
		}
	}
	return nil
}

func (b *bench) say(room bridge.ChannelID) {
	b.sides[0].Say(room, "ann", "a message of the usual length, such as people write to each other")
}

// fsyncTime measures what this disk takes to make 4 KiB durable.
func fsyncTime(b *testing.B) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "fsync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	const times = 300
	began := time.Now()
	for range times {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / times
}

// cpuTime gives what this process has used of all processors, which other work on the machine hardly changes.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// written gives how many bytes this process has handed to the system to write.
func written(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "wchar:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		b.Fatal("this system does not say how much was written")
	}
	n, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkCrossing measures messages from one service to the other with full durability. "backlog" has everything said
// at once; in "talk" each conversation waits for its message before it says the next.
func BenchmarkCrossing(b *testing.B) {
	for _, gateways := range []int{1, 10, 100} {
		for _, talk := range []bool{false, true} {
			name := map[bool]string{false: "backlog", true: "talk"}[talk]
			b.Run(fmt.Sprintf("gateways=%d/%s", gateways, name), func(b *testing.B) { crossing(b, gateways, talk) })
		}
	}
}

func crossing(b *testing.B, gateways int, talk bool) {
	sync := fsyncTime(b)
	w, err := newBench(b.TempDir(), gateways)
	if err != nil {
		b.Fatal(err)
	}
	w.commits.Store(0)
	b.ResetTimer()
	cpu, began, wrote := cpuTime(b), time.Now(), written(b)
	said := b.N
	if talk {
		said = min(b.N, gateways)
	}
	for n := range said {
		w.say(w.rooms[n%gateways])
	}
	for range b.N {
		room := <-w.arrived
		if said < b.N {
			said++
			w.say(room)
		}
	}
	took := time.Since(began)
	cpu, wrote = cpuTime(b)-cpu, written(b)-wrote
	b.StopTimer()
	commits := w.commits.Load()
	if err := w.stop(); err != nil {
		b.Fatal(err)
	}
	sync = (sync + fsyncTime(b)) / 2 // before and after: other work on the disk changes it
	b.ReportMetric(float64(b.N)/took.Seconds(), "messages/s")
	b.ReportMetric(float64(b.N)/took.Seconds()*sync.Seconds(), "messages/fsync")
	b.ReportMetric(float64(commits)/float64(b.N), "commits/message")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "µs-cpu/message")
	b.ReportMetric(wrote/float64(b.N), "B-written/message")
	b.ReportMetric(float64(sync.Microseconds()), "µs/fsync")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdleMemory measures what a process with so many idle gateways holds in memory.
func BenchmarkIdleMemory(b *testing.B) {
	for _, gateways := range []int{1, 1000} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) {
			var resident float64
			for b.Loop() {
				child := exec.Command(os.Args[0])
				child.Env = append(os.Environ(), idleEnv+"="+strconv.Itoa(gateways))
				child.Stderr = os.Stderr
				text, err := child.Output()
				if err != nil {
					b.Fatal(err)
				}
				if resident, err = strconv.ParseFloat(string(bytes.TrimSpace(text)), 64); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(resident, "MiB-resident")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// idle lets one message cross each gateway, waits for a while and prints the resident memory in MiB.
func idle(gateways string) error {
	n, err := strconv.Atoi(gateways)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "idle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	w, err := newBench(folder, n)
	if err != nil {
		return err
	}
	for _, room := range w.rooms {
		w.say(room)
	}
	for range w.rooms {
		<-w.arrived
	}
	pause(context.Background(), 3*time.Second)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return fmt.Errorf("this system does not say how much memory is resident")
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return err
	}
	fmt.Println(kib / 1024)
	return w.stop()
}

// BenchmarkStatus asks how 1,000 idle gateways stand.
func BenchmarkStatus(b *testing.B) {
	w, err := newBench(b.TempDir(), 1000)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s := w.gateway.Status(b.Context()); len(s.Gateways) != 1000 || s.Store != nil {
			b.Fatalf("%d gateways, %v", len(s.Gateways), s.Store)
		}
	}
	if err := w.stop(); err != nil {
		b.Fatal(err)
	}
}
