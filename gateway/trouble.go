package gateway

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// troubles logs a failure when it changes, and recovery once, and tells what fails now.
type troubles struct {
	mutex sync.Mutex
	last  map[string]failure
}

// failure is something that goes on.
type failure struct {
	err   error
	since time.Time
}

// report notes how the thing called key went; doing is what failed or works again.
func (t *troubles) report(key string, log *logrus.Entry, doing string, err error) {
	switch changed := t.note(key, err); {
	case changed && err == nil:
		log.Infof("%s works again", doing)
	case changed:
		log.WithError(err).Warnf("%s failed; trying again", doing)
	}
}

// note is report without a log: it tells whether there is something new.
func (t *troubles) note(key string, err error) (changed bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	before, failing := t.last[key]
	if err == nil {
		delete(t.last, key)
		return failing
	}
	if failing && bridge.Cause(before.err) == bridge.Cause(err) {
		return false
	}
	if !failing {
		before.since = time.Now()
	}
	if t.last == nil {
		t.last = map[string]failure{}
	}
	t.last[key] = failure{err, before.since}
	return true
}

// now gives what fails under one of the keys, the first that does; nil when none does.
func (t *troubles) now(account bridge.AccountName, keys ...string) *Trouble {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, key := range keys {
		if f, failing := t.last[key]; failing {
			return newTrouble(account, f)
		}
	}
	return nil
}

func newTrouble(account bridge.AccountName, f failure) *Trouble {
	text := bridge.Cause(f.err)
	var known *bridge.Error
	if errors.As(f.err, &known) && known.Hint != "" {
		text = strings.ReplaceAll(text, " ("+known.Hint+")", "")
	}
	return &Trouble{Text: text, Next: NextStep(account, f.err), Since: f.since}
}

// NextStep says what an operator can do about an error of an account: what it says itself, or what follows from its kind.
func NextStep(account bridge.AccountName, err error) string {
	var known *bridge.Error
	if errors.As(err, &known) && known.Hint != "" {
		return known.Hint
	}
	switch bridge.KindOf(err) {
	case bridge.Throttled:
		return "nothing: it goes on when the service allows it"
	case bridge.Unauthorised:
		return "look at the account's keys in the config and at its permissions"
	case bridge.Gone:
		return "`causeway channels " + string(account) + "` lists what the account can see"
	case bridge.Rejected, bridge.Unsupported:
		return "`causeway check` may tell more"
	default:
		return "is the service up, and can it be reached from here?"
	}
}
