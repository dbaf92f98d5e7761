package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"causeway/contrib/e2e/harness"
)

var _ harness.TB = (*ownTB)(nil)

// ownTB lets the harness, which is made for tests, start servers for a program.
type ownTB struct {
	ctx context.Context
	out io.Writer

	mu       sync.Mutex
	failures []error
	cleanups []func()
}

// failure is what Fatalf panics with.
type failure struct{ err error }

func newTB(ctx context.Context, out io.Writer) *ownTB { return &ownTB{ctx: ctx, out: out} }

func (t *ownTB) Context() context.Context { return t.ctx }
func (t *ownTB) Helper()                  {}
func (t *ownTB) Name() string             { return "demo" }

func (t *ownTB) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *ownTB) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.failures) > 0 && t.ctx.Err() == nil
}

func (t *ownTB) Logf(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

func (t *ownTB) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, fmt.Errorf(format, args...))
}

func (t *ownTB) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// try runs f and returns what it gave to Fatalf.
func (t *ownTB) try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r.err
			t.Errorf("%w", r.err)
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// end runs the clean-ups, the last one first, and returns what went wrong in them.
func (t *ownTB) end() error {
	t.mu.Lock()
	before := len(t.failures)
	t.mu.Unlock()
	for {
		t.mu.Lock()
		last := len(t.cleanups) - 1
		if last < 0 {
			defer t.mu.Unlock()
			return errors.Join(t.failures[before:]...)
		}
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		t.mu.Unlock()
		_ = t.try(f) // noted
	}
}
