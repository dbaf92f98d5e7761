package stage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// MaxTalk is how many messages people say at most when everybody talks.
const MaxTalk = 500

// pace is the mean time between two messages when everybody talks.
const pace = 120 * time.Millisecond

// ErrTalking says that everybody talks already.
var ErrTalking = errors.New("everybody talks already")

// ErrNotOpen says that the demonstration is still being set up.
var ErrNotOpen = errors.New("the demonstration is still being set up")

// talk is one time that everybody talks.
type talk struct {
	total  int
	cancel context.CancelFunc
	failed error
	done   bool
}

// Talk lets everybody say n messages, and things go wrong meanwhile if trouble is set: Causeway is killed and started again, and each
// fault comes and goes. It returns at once.
func (s *Stage) Talk(n int, trouble bool) error {
	if n < 1 || n > MaxTalk {
		return fmt.Errorf("between 1 and %d messages, not %d", MaxTalk, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != Open { // what is said before Causeway reads is not carried
		return ErrNotOpen
	}
	if s.talk != nil && !s.talk.done {
		return ErrTalking
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &talk{total: n, cancel: cancel}
	s.talk = t
	s.talks.Go(func() {
		defer cancel()
		err := s.perform(ctx, n, trouble)
		s.mu.Lock()
		t.done, t.failed = true, err
		s.mu.Unlock()
		s.Town.Changed.Ring()
	})
	return nil
}

// StopTalk lets everybody be silent.
func (s *Stage) StopTalk() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.talk != nil {
		s.talk.cancel()
	}
}

// Talking gives how many messages everybody is saying, 0 when nobody does, and what went wrong the last time.
func (s *Stage) Talking() (total int, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.talk == nil {
		return 0, nil
	}
	if s.talk.done {
		return 0, s.talk.failed
	}
	return s.talk.total, nil
}

func (s *Stage) perform(ctx context.Context, n int, trouble bool) error {
	var both sync.WaitGroup
	var talked, troubled error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	both.Go(func() {
		talked = s.Town.Talk(ctx, n, pace, rand.Uint64())
		stop()
	})
	if trouble {
		both.Go(func() { troubled = s.upset(ctx, time.Duration(n)*pace) })
	}
	both.Wait()
	return errors.Join(talked, troubled)
}

// upset lets one thing after the other go wrong within the given time, and puts all of it right at the end.
func (s *Stage) upset(ctx context.Context, within time.Duration) (err error) {
	acts := []func(on bool) error{func(on bool) error {
		if on {
			s.Kill()
			return nil
		}
		return s.Start()
	}}
	for _, f := range s.faults {
		acts = append(acts, func(on bool) error { return s.SetFault(f.Name, on) })
	}
	share := within / time.Duration(len(acts)) // of each, and half of it is trouble
	for _, act := range acts {
		if !pause(ctx, share/2) {
			return nil
		}
		err := act(true)
		pause(ctx, min(share/2, 5*time.Second))
		if err := errors.Join(err, act(false)); err != nil {
			return err
		}
	}
	return nil
}
