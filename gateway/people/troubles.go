package people

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// troubles logs a failure when it changes, and recovery once.
type troubles struct {
	mutex sync.Mutex
	last  map[string]string
}

// report notes how the thing called key went; doing is what failed or works again.
func (f *troubles) report(key string, log *logrus.Entry, doing string, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	before, failed := f.last[key]
	switch {
	case err == nil && failed:
		delete(f.last, key)
		log.Infof("%s works again", doing)
	case err == nil:
	case !failed || before != bridge.Cause(err):
		if f.last == nil {
			f.last = map[string]string{}
		}
		f.last[key] = bridge.Cause(err)
		log.WithError(err).Warnf("%s failed; trying again", doing)
	}
}

// pause waits; it reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(max(0, d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

// guarded turns a panic into an error: what is asked of a service about one person must not end what is done for all.
func guarded(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	return do()
}
