package bridgetest

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// prompt is how soon a call has to return when its context has ended.
const prompt = 5 * time.Second

// world is what a law works with: the service, an inbox, and at most one bridge at a time.
type world struct {
	testing.TB
	Service
	ctx      context.Context
	inbox    *inbox
	bridge   bridge.Bridge
	identity bridge.Identity
	run      *running

	before    map[string]bool // goroutines that were there before the bridge
	lastWrite time.Time
	ignored   map[message]bool // not expected in the inbox

	mu     sync.Mutex
	errors []error
	over   bool
}

// running is a Run that is called again and again, as the gateway does.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Prove runs the law; when it does not hold, t fails.
func (l Law) Prove(t testing.TB, s Service) {
	t.Helper()
	if l.needs != nil {
		if missing := l.needs(s.Features()); missing != "" {
			t.Skip(missing)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{TB: t, Service: s, ctx: ctx, inbox: newInbox(), ignored: map[message]bool{}}
	defer cancel()
	defer w.end()
	l.prove(w)
}

// end checks what holds in every law.
func (w *world) end() {
	w.Helper()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
	}()
	w.stop()
	w.search()
}

// search looks for secrets in everything that was said, and reports what the inbox has noted.
func (w *world) search() {
	w.Helper()
	w.inbox.mu.Lock()
	for _, b := range w.inbox.broken {
		w.Error(b)
	}
	for _, all := range w.inbox.troubles {
		for _, err := range all {
			w.note(err)
		}
	}
	w.inbox.mu.Unlock()
	w.leaks("the log", w.Log())
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.errors {
		for ; err != nil; err = errors.Unwrap(err) {
			w.leaks("an error", err.Error())
		}
	}
}

func (w *world) leaks(where, text string) {
	for n, secret := range w.Secrets() {
		if secret == "" {
			w.Fatalf("secret number %d of the handle is empty", n)
		}
		if strings.Contains(text, secret) {
			w.Errorf("secret number %d stands in %s", n, where)
		}
	}
}

// note keeps an error, to be searched for secrets; it gives it back.
func (w *world) note(err error) error {
	if err != nil {
		w.mu.Lock()
		w.errors = append(w.errors, err)
		w.mu.Unlock()
	}
	return err
}

// connect makes a fresh bridge, as a start of the process does.
func (w *world) connect() {
	w.Helper()
	w.before = goroutines()
	w.bridge = w.Bridge()
	ctx, cancel := w.limit()
	defer cancel()
	identity, err := w.bridge.Connect(ctx)
	if w.note(err) != nil {
		w.Fatalf("Connect: %v", err)
	}
	w.identity = identity
}

// start makes a fresh bridge and lets it read these places.
func (w *world) start(places ...Place) {
	w.Helper()
	w.connect()
	w.inbox.watch(places...)
	w.read()
	for _, p := range places {
		w.eventually("the conversation begins", func() string {
			if _, begun := w.inbox.begin(p.ID); begun {
				return ""
			}
			return "no first cursor of " + p.ID.String()
		})
	}
}

// read runs the bridge until stop.
func (w *world) read() {
	ctx, cancel := context.WithCancel(w.ctx)
	w.run = &running{cancel: cancel, done: make(chan struct{})}
	go w.keepRunning(ctx, w.run.done, w.bridge)
}

func (w *world) keepRunning(ctx context.Context, done chan<- struct{}, b bridge.Bridge) {
	defer close(done)
	again := 10 * time.Millisecond
	for {
		err := w.note(b.Run(ctx, w.inbox))
		if ctx.Err() != nil {
			if err != nil {
				w.complain("Run returned %v, want nil when its context has ended", err)
			}
			return
		}
		if err == nil {
			w.complain("Run returned nil although its context has not ended")
		}
		pause(ctx, max(again, bridge.AfterOf(err)))
		again = min(2*again, time.Second)
		for bridge.KindOf(err) == bridge.Unauthorised && ctx.Err() == nil {
			if _, err = b.Connect(ctx); w.note(err) != nil {
				pause(ctx, again)
			}
		}
	}
}

// complain fails the test from another goroutine, which a Run that does not end lets outlive the test.
func (w *world) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.Errorf(format, args...)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// halt ends Run, which has to return promptly.
func (w *world) halt() {
	w.Helper()
	if w.run == nil {
		return
	}
	run := w.run
	w.run = nil
	run.cancel()
	select {
	case <-run.done:
	case <-time.After(prompt):
		w.Fatalf("Run has not returned %s after its context ended", prompt)
	}
}

// stop ends Run and closes the bridge; nothing of it may remain.
func (w *world) stop() {
	w.Helper()
	w.halt()
	if w.bridge == nil {
		return
	}
	b := w.bridge
	w.bridge = nil
	if err := w.note(b.Close()); err != nil {
		w.Errorf("Close: %v", err)
	}
	of := reflect.TypeOf(b)
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	w.eventually("the bridge's goroutines end", func() string { return left(w.before, of.PkgPath()) })
}

// restart is what a stop and a start of the process do.
func (w *world) restart(places ...Place) {
	w.Helper()
	w.stop()
	w.connect()
	w.inbox.watch(places...)
	w.read()
}

// stacks gives the stacks of all goroutines by their ids.
func stacks() map[string]string {
	buffer := make([]byte, 1<<16)
	n := runtime.Stack(buffer, true)
	for ; n == len(buffer); n = runtime.Stack(buffer, true) {
		buffer = make([]byte, 2*len(buffer))
	}
	buffer = buffer[:n]
	all := map[string]string{}
	for stack := range strings.SplitSeq(string(buffer), "\n\n") {
		header, frames, _ := strings.Cut(stack, "\n")
		if fields := strings.Fields(header); len(fields) > 1 {
			all[fields[1]] = frames
		}
	}
	return all
}

func goroutines() map[string]bool {
	all := map[string]bool{}
	for id := range stacks() {
		all[id] = true
	}
	return all
}

// left gives a goroutine that was not there before and runs code of a package; empty: none.
func left(before map[string]bool, pkg string) string {
	for id, frames := range stacks() {
		if before[id] {
			continue
		}
		for frame := range strings.SplitSeq(frames, "\n") {
			if strings.HasPrefix(strings.TrimPrefix(frame, "created by "), pkg+".") {
				return "goroutine " + id + " is left: " + frames
			}
		}
	}
	return ""
}

// limit gives a context for one call.
func (w *world) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.ctx, w.Within())
}

// eventually waits until check gives no complaint; the last one is reported when that takes too long.
func (w *world) eventually(what string, check func() string) {
	w.Helper()
	if complaint := w.wait(check); complaint != "" {
		w.Fatalf("%s: not within %s: %s", what, w.Within(), complaint)
	}
}

func (w *world) wait(check func() string) string {
	deadline := time.NewTimer(w.Within())
	defer deadline.Stop()
	for again := time.Millisecond; ; again = min(2*again, 100*time.Millisecond) {
		complaint := check()
		if complaint == "" {
			return ""
		}
		tick := time.NewTimer(again)
		select {
		case <-w.inbox.news:
		case <-tick.C:
		case <-deadline.C:
			tick.Stop()
			return complaint
		}
		tick.Stop()
	}
}

// settle waits as long as the bridge says that reads may miss what was written.
func (w *world) settle() { pause(w.ctx, w.bridge.Capabilities().Settle) }

// pace waits until the account may write again.
func (w *world) pace() {
	pause(w.ctx, time.Until(w.lastWrite.Add(w.bridge.Capabilities().PostInterval)))
	w.lastWrite = time.Now()
}

// draft is something a stranger said elsewhere.
func (w *world) draft(p Place, text string) bridge.Draft {
	return bridge.Draft{
		Conversation: p.ID,
		Author:       bridge.Author{ID: "stranger-7", Name: "Carla Fremd"},
		Text:         richtext.Plain(text),
		Key:          bridge.Key("law_" + rand.Text()),
	}
}

// write makes one write with its own time limit.
func (w *world) write(do func(ctx context.Context) error) error {
	w.pace()
	ctx, cancel := w.limit()
	defer cancel()
	return w.note(do(ctx))
}

func (w *world) tryPost(d bridge.Draft) (id bridge.MessageID, err error) {
	err = w.write(func(ctx context.Context) error {
		id, err = w.bridge.Post(ctx, d)
		return err
	})
	return id, err
}

// post posts a draft, which must succeed.
func (w *world) post(d bridge.Draft) bridge.MessageID {
	w.Helper()
	id, err := w.tryPost(d)
	if err != nil {
		w.Fatalf("Post: %v", err)
	}
	if id == "" {
		w.Fatal("Post gave no id")
	}
	return id
}

func (w *world) edit(id bridge.MessageID, d bridge.Draft) error {
	return w.write(func(ctx context.Context) error { return w.bridge.Edit(ctx, id, d) })
}

func (w *world) remove(p Place, id bridge.MessageID) error {
	return w.write(func(ctx context.Context) error {
		return w.bridge.Delete(ctx, bridge.Target{Conversation: p.ID, ID: id})
	})
}

func (w *world) react(p Place, id bridge.MessageID, emoji string, on bool) error {
	return w.write(func(ctx context.Context) error {
		return w.bridge.React(ctx, bridge.Target{Conversation: p.ID, ID: id}, emoji, on)
	})
}

// find asks for the posts of a draft, after it has settled; the services' clocks may differ by minutes.
func (w *world) find(d bridge.Draft) ([]bridge.MessageID, error) {
	w.settle()
	ctx, cancel := w.limit()
	defer cancel()
	found, err := w.bridge.Find(ctx, d, time.Now().Add(-10*time.Minute))
	return found, w.note(err)
}

// kind checks an error's kind.
func (w *world) kind(what string, err error, allowed ...bridge.Kind) {
	w.Helper()
	if err == nil {
		w.Fatalf("%s succeeded, want an error of kind %v", what, allowed)
	}
	for _, k := range allowed {
		if bridge.KindOf(err) == k {
			return
		}
	}
	w.Fatalf("%s: %v is %v, want %v", what, err, bridge.KindOf(err), allowed)
}

// must ends the law when err is not nil.
func (w *world) must(what string, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

// Log is the handle's, not the test's.
func (w *world) Log() string { return w.Service.Log() }

// Fail is the handle's, not the test's.
func (w *world) Fail(of Calls, n int) { w.Service.Fail(of, n) }
