package app

import (
	"context"
	"crypto/sha256"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/sirupsen/logrus"

	"causeway/gateway/config"
)

// calm is how long the config file must not have changed before it is read: editors and tools write it in several steps.
const calm = 500 * time.Millisecond

// absent is how often a file is looked for that is not there.
const absent = 5 * time.Second

// follower has a running App take up what its config file says, at SIGHUP and when the file has changed.
type follower struct {
	path string
	load func() (*config.Config, error)
	// hangups are noticed from the beginning on: until the App runs, and while another one leads, the next reading of the file is still to come.
	hangups chan os.Signal
	// later holds a value when the file is to be looked at again.
	later chan struct{}

	mutex sync.Mutex
	// read is what the file held when it was read last; guarded by mutex.
	read [sha256.Size]byte
}

// newFollower remembers what the file holds now; call it before the file is loaded. Call end when nobody follows any more.
func newFollower(path string, load func() (*config.Config, error)) (f *follower, end func()) {
	f = &follower{path: path, load: load, hangups: make(chan os.Signal, 1), later: make(chan struct{}, 1)}
	f.changed()
	if signal.Ignored(syscall.SIGHUP) { // nohup
		return f, func() {}
	}
	signal.Notify(f.hangups, syscall.SIGHUP)
	return f, func() { signal.Stop(f.hangups) }
}

// changed reports whether the file holds something else than at the last call. Where it cannot be read, it does not.
func (f *follower) changed() bool {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false // it is being replaced, or will be missed by whoever reads it
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	before := f.read
	f.read = sha256.Sum256(text)
	return f.read != before
}

// again has what the file holds taken up later.
func (f *follower) again() {
	f.forget()
	select {
	case f.later <- struct{}{}:
	default:
	}
}

// forget has the file count as changed the next time.
func (f *follower) forget() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.read = [sha256.Size]byte{}
}

// run follows until ctx ends. A nil follower waits for that.
func (f *follower) run(ctx context.Context, a *App) {
	if f == nil {
		<-ctx.Done()
		return
	}
	w := f.watch(a.log)
	defer w.close()
	quiet := time.NewTimer(calm)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.events:
			quiet.Reset(calm)
			continue
		case <-f.later:
			quiet.Reset(absent)
			continue
		case <-quiet.C:
			if !w.aim(f.path) {
				quiet.Reset(absent)
			}
			if !f.changed() {
				continue
			}
		case <-f.hangups:
			f.changed()
		}
		if _, err := a.Reload(ctx); passing(err) { // it logs what is wrong, and shows it in the status
			f.forget()
			quiet.Reset(absent)
		}
	}
}

// watch tells of changes of a file: of the file itself, as its folder may be that of the database, in which something happens with each message.
type watch struct {
	watcher *fsnotify.Watcher
	events  <-chan fsnotify.Event
}

func (f *follower) watch(log *logrus.Entry) watch {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.WithError(err).Warn("changes of the config file are not noticed; `causeway reload` has them taken up")
		return watch{}
	}
	return watch{w, w.Events}
}

// aim watches what has the path now: a file is often replaced by another one. It reports false while there is none.
func (w watch) aim(path string) bool { return w.watcher == nil || w.watcher.Add(path) == nil }

func (w watch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}
