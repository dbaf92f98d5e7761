package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/gateway"
)

// patiently asks again where the service said when, as long as ctx allows that.
func patiently(ctx context.Context, ask func() error) error {
	for {
		err := guarded(ask)
		if err == nil || bridge.KindOf(err) != bridge.Throttled {
			return err
		}
		after := max(bridge.AfterOf(err), time.Second)
		if ends, ok := ctx.Deadline(); ok && time.Until(ends) < after {
			return err
		}
		timer := time.NewTimer(after)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// withNextStep adds what to do to an error of an account that does not say it.
func withNextStep(ctx context.Context, account string, patience time.Duration, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &stepError{fmt.Errorf("%w: no answer within %v", err, patience), "is the service up, and can it be reached from here?"}
	}
	var known *bridge.Error
	if errors.As(err, &known) && known.Hint != "" {
		return err
	}
	step := gateway.NextStep(bridge.AccountName(account), err)
	switch bridge.KindOf(err) {
	case bridge.Throttled: // a command does not wait so long
		step = fmt.Sprintf("try again in %v", max(bridge.AfterOf(err), time.Second))
	case bridge.Rejected, bridge.Unsupported:
		return err
	}
	return &stepError{err, step}
}

// stepError is an error and what to do about it.
type stepError struct {
	error
	next string
}

func (e *stepError) Error() string { return e.error.Error() + ": " + e.next }

func (e *stepError) Unwrap() error { return e.error }
