package richtexttest

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is how long this thread has been computing; what other programs and the garbage collector do does not count. Whoever compares two of them
// locks their goroutine to its thread.
func CPUTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
