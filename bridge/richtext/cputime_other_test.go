//go:build !linux

package richtext_test

import "time"

var start = time.Now()

// cpuTime is what the clock says where threads have none of their own.
func cpuTime() time.Duration { return time.Since(start) }
