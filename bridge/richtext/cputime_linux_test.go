package richtext_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is how long this thread has been computing; what other programs and the garbage collector do does not count.
func cpuTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
