package gateway

import (
	"sync"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// troubles logs a failure when it changes, and recovery once.
type troubles struct {
	mutex sync.Mutex
	last  map[string]string
}

// report notes how the thing called key went; doing is what failed or works again.
func (t *troubles) report(key string, log *logrus.Entry, doing string, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	before, failing := t.last[key]
	switch {
	case err == nil && failing:
		delete(t.last, key)
		log.Infof("%s works again", doing)
	case err != nil && before != bridge.Cause(err):
		if t.last == nil {
			t.last = map[string]string{}
		}
		t.last[key] = bridge.Cause(err)
		log.WithError(err).Warnf("%s failed; trying again", doing)
	}
}
