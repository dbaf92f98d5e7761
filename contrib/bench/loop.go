package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/contrib/bench/profile"
	"causeway/gateway"
	"causeway/gateway/store"
)

// loop is pairs of channels on two services in memory, joined by the gateway or by the bare loop.
type loop struct {
	sides   [2]*memory.Service
	rooms   []bridge.ChannelID
	commits atomic.Int64
	arrived atomic.Int64
	news    chan struct{} // holds a value when something has arrived since it was last looked at
	stop    func() error
}

const side0, side1 = bridge.ServerID("memory:0"), bridge.ServerID("memory:1")

func (j storeJob) newLoop() *loop {
	l := &loop{news: make(chan struct{}, 1)}
	for n, server := range []bridge.ServerID{side0, side1} {
		l.sides[n] = memory.NewService(server, memory.Options{Fault: l.noted})
	}
	for n := range j.Gateways {
		room := fmt.Sprint("room", n)
		l.rooms = append(l.rooms, bridge.ChannelID(room))
		for _, side := range l.sides {
			side.AddChannel(bridge.ChannelID(room), "team/"+room)
		}
	}
	return l
}

// noted counts the messages that arrive.
func (l *loop) noted(_ context.Context, c memory.Call) error {
	if c.Op == memory.Post && c.After {
		l.arrived.Add(1)
		select {
		case l.news <- struct{}{}:
		default:
		}
	}
	return nil
}

func (l *loop) account(n int) bridge.Bridge {
	return l.sides[n].Account(bridge.AccountName(fmt.Sprint("memory.", n)), "bot")
}

// gateway joins the rooms through the gateway, with a store on disk.
func (l *loop) gateway(ctx context.Context, folder string) error {
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, filepath.Join(folder, "causeway.db"), keys,
		store.Options{AfterCommit: func() error { l.commits.Add(1); return nil }})
	if err != nil {
		return err
	}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	o := gateway.Options{Store: s, Log: logrus.NewEntry(logger)}
	for n := range l.sides {
		name := bridge.AccountName(fmt.Sprint("memory.", n))
		o.Accounts = append(o.Accounts, gateway.Account{Name: name, Protocol: "memory", NickFormat: "{NICK}", Bridge: l.account(n)})
	}
	for _, room := range l.rooms {
		r := gateway.Route{Name: string(room)}
		for n := range l.sides {
			r.Endpoints = append(r.Endpoints, gateway.Endpoint{
				Account: bridge.AccountName(fmt.Sprint("memory.", n)), Channel: "team/" + string(room), In: true, Out: true,
			})
		}
		o.Routes = append(o.Routes, r)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- gateway.New(o).Run(running) }() // l.stop waits for it
	l.stop = func() error {
		cancel()
		return errors.Join(<-done, s.Close())
	}
	for _, server := range []bridge.ServerID{side0, side1} {
		for _, room := range l.rooms {
			if err := begun(ctx, s, bridge.ConversationID{Server: server, Channel: room}); err != nil {
				return errors.Join(err, l.stop())
			}
		}
	}
	return nil
}

// begun waits until a conversation is read.
func begun(ctx context.Context, s *store.Store, c bridge.ConversationID) error {
	for {
		cursor, err := s.Cursor(ctx, c)
		if err != nil || cursor != "" {
			return err
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("waiting for %s: %w", c, err)
		}
	}
}

// bare joins them by the least that can do it.
func (l *loop) bare(ctx context.Context) error {
	running, cancel := context.WithCancel(ctx)
	in := &bareInbox{to: l.account(1), begun: make(chan struct{}), rooms: len(l.rooms)}
	for _, room := range l.rooms {
		in.watched = append(in.watched, bridge.ConversationID{Server: side0, Channel: room})
	}
	done := make(chan error, 1)
	go func() { done <- l.account(0).Run(running, in) }() // l.stop waits for it
	l.stop = func() error {
		cancel()
		return <-done
	}
	select {
	case <-in.begun:
		return nil
	case err := <-done:
		done <- err
		return errors.Join(errors.New("the bare loop has ended"), l.stop())
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), l.stop())
	}
}

// bareInbox posts what it is given, and remembers nothing.
type bareInbox struct {
	bridge.NoTalks
	to      bridge.Bridge
	watched []bridge.ConversationID
	rooms   int
	ready   atomic.Int64
	begun   chan struct{} // closed when all rooms have begun
}

func (in *bareInbox) Watched() ([]bridge.ConversationID, <-chan struct{}) { return in.watched, nil }

func (in *bareInbox) Cursor(context.Context, bridge.ConversationID) (string, error) { return "", nil }

func (in *bareInbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}

func (in *bareInbox) Trouble(bridge.ConversationID, error) {}

func (in *bareInbox) Put(ctx context.Context, b bridge.Batch) error {
	if !b.Begin.IsZero() && in.ready.Add(1) == int64(in.rooms) {
		close(in.begun)
	}
	for _, s := range b.States {
		draft := bridge.Draft{Conversation: bridge.ConversationID{Server: side1, Channel: b.Conversation.Channel}, Author: s.Author, Text: s.Text}
		if _, err := in.to.Post(ctx, draft); err != nil {
			return err
		}
	}
	return nil
}

// stalled is how long nothing may arrive until a measurement is given up.
const stalled = time.Minute

// measure does the job in this process.
func (j storeJob) measure() (r storeResult, err error) {
	ctx := context.Background()
	before, err := fsyncTime(j.Folder)
	if err != nil {
		return r, err
	}
	l := j.newLoop()
	if j.Subject == causeway {
		err = l.gateway(ctx, j.Folder)
	} else {
		err = l.bare(ctx)
	}
	if err != nil {
		return r, fmt.Errorf("starting: %w", err)
	}
	finish := func() error { return nil }
	if j.Profiles != "" {
		if finish, err = profile.Start(j.Profiles, "store"); err != nil {
			return r, errors.Join(err, l.stop())
		}
	}
	err = j.run(ctx, l, &r)
	if err = errors.Join(err, finish(), l.stop()); err != nil {
		return r, err
	}
	after, err := fsyncTime(j.Folder)
	r.FsyncSeconds = (before + after).Seconds() / 2 // other work on the disk changes it meanwhile
	return r, err
}

// run lets the messages cross.
func (j storeJob) run(ctx context.Context, l *loop, r *storeResult) error {
	l.commits.Store(0)
	at, err := takeUsage()
	if err != nil {
		return err
	}
	began := time.Now()
	said := make([]mark, j.Messages)
	for k := range said {
		room := k % j.Gateways
		said[k] = mark{"s", room, k / j.Gateways}
		l.sides[0].Say(l.rooms[room], "ann", said[k].text())
	}
	timer := time.NewTimer(stalled)
	defer timer.Stop()
	for l.arrived.Load() < int64(j.Messages) {
		select {
		case <-l.news:
			timer.Reset(stalled)
		case <-timer.C:
			return fmt.Errorf("%d of %d messages have arrived, and no more within %v", l.arrived.Load(), j.Messages, stalled)
		}
	}
	r.Seconds = time.Since(began).Seconds()
	now, err := takeUsage()
	if err != nil {
		return err
	}
	r.CPU = milliseconds(now.cpu - at.cpu)
	r.Allocations, r.Allocated = now.allocations-at.allocations, now.allocated-at.allocated
	r.Written, r.Commits = now.written-at.written, float64(l.commits.Load())
	// Doubles would follow soon.
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	var copies []string
	for _, room := range l.rooms {
		for _, m := range l.sides[1].Messages(room) {
			if !m.Deleted {
				copies = append(copies, m.Text)
			}
		}
	}
	r.Counts = count(said, copies)
	return nil
}

// usage is what this process has used so far.
type usage struct {
	cpu                             time.Duration
	allocations, allocated, written float64
}

func takeUsage() (u usage, err error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.allocations, u.allocated = float64(m.Mallocs), float64(m.TotalAlloc)
	// The kernel's count, in microseconds where /proc has hundredths of a second.
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return u, fmt.Errorf("measuring CPU time: %w", err)
	}
	u.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	u.written, err = writtenBy(os.Getpid())
	return u, err
}

// fsyncTime measures what this folder's disk takes to make 4 KiB durable.
func fsyncTime(folder string) (time.Duration, error) {
	f, err := os.CreateTemp(folder, "fsync-*")
	if err != nil {
		return 0, fmt.Errorf("measuring fsync: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	const times = 200
	began := time.Now()
	for range times {
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("measuring fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measuring fsync: %w", err)
		}
	}
	return time.Since(began) / times, nil
}
