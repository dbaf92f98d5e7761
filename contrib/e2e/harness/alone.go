package harness

import (
	"context"
	"errors"
)

// Alone runs f outside of `go test`, for programs that need servers of the harness. What f started is gone when Alone returns, also
// after a failure and when ctx has ended. It returns what went wrong; f and all that it calls may use tb in the
// goroutine of f only, as with a testing.TB.
func Alone(ctx context.Context, f func(tb TB)) error {
	tb := newMainTB()
	defer context.AfterFunc(ctx, tb.cancel)()
	err := tb.try(func() { f(tb) })
	ok := tb.end()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && !ok:
		return errors.New("something was reported as an error above")
	}
	return err
}

// Folder makes a folder that is removed when tb is over, and, when this process is killed, at the next start of
// anything that uses the harness.
func Folder(tb TB) string {
	tb.Helper()
	return folder(tb)
}

// FreePort gives an address on the loopback interface, host:port, on which nobody listens. It is below the range from
// which connections get their ports, so that it is still free when a program is started again.
func FreePort(tb TB) string {
	tb.Helper()
	address, err := freePort()
	if err != nil {
		tb.Fatalf("finding an address to listen on: %v", err)
	}
	return address
}
