package harness

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TB is the part of testing.TB that the harness needs. It is an interface of its own because a shared server must
// outlive the test that happens to start it, and only the testing package can make a testing.TB.
type TB interface {
	Cleanup(func())
	Context() context.Context
	Errorf(format string, args ...any)
	Failed() bool
	Fatalf(format string, args ...any)
	Helper()
	Logf(format string, args ...any)
	Name() string
}

var _ TB = testing.TB(nil)

// names numbers what is made in this process, so that no two tests, nor two calls in one test, choose the same name.
var names atomic.Int64

// Name returns a name that nothing else in this process has, valid as the name of a team, a channel or a user:
// lower-case letters, digits and dashes, beginning with word and ending in a number. The test's name stands between, so that a
// log line says where a channel comes from.
func Name(tb TB, word string) string {
	// Mattermost takes at most 64 characters, PostgreSQL 63.
	const longest = 40
	var name strings.Builder
	for _, r := range strings.ToLower(word + "-" + strings.TrimPrefix(tb.Name(), "Test")) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			r = '-'
		}
		name.WriteRune(r)
	}
	head := name.String()
	head = strings.Trim(head[:min(len(head), longest)], "-")
	return fmt.Sprintf("%s-%d", head, names.Add(1))
}

// mainTB is the TB of everything that is shared: it ends when the last test has ended.
type mainTB struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

// mainFailure is what mainTB.Fatalf panics with; try turns it into an error.
type mainFailure struct{ text string }

func newMainTB() *mainTB {
	m := &mainTB{}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

func (m *mainTB) Context() context.Context { return m.ctx }
func (m *mainTB) Helper()                  {}
func (m *mainTB) Name() string             { return "main" }

func (m *mainTB) Cleanup(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cleanups = append(m.cleanups, f)
}

func (m *mainTB) Failed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

func (m *mainTB) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "harness: "+format+"\n", args...)
}

func (m *mainTB) Errorf(format string, args ...any) {
	m.mu.Lock()
	m.failed = true
	m.mu.Unlock()
	m.Logf(format, args...)
}

func (m *mainTB) Fatalf(format string, args ...any) {
	m.mu.Lock()
	m.failed = true
	m.mu.Unlock()
	panic(mainFailure{fmt.Sprintf(format, args...)})
}

// try runs f and returns what it gave to Fatalf.
func (m *mainTB) try(f func()) (err error) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case mainFailure:
			err = fmt.Errorf("%s", failure.text)
		default:
			panic(failure)
		}
	}()
	f()
	return nil
}

// end runs the clean-ups, the last one first, and says whether everything went well.
func (m *mainTB) end() bool {
	m.cancel()
	for {
		m.mu.Lock()
		last := len(m.cleanups) - 1
		if last < 0 {
			ok := !m.failed
			m.mu.Unlock()
			return ok
		}
		cleanup := m.cleanups[last]
		m.cleanups = m.cleanups[:last]
		m.mu.Unlock()
		if err := m.try(cleanup); err != nil {
			m.Logf("cleaning up: %v", err)
		}
	}
}
