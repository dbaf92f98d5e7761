//go:build !linux

package richtexttest

import "time"

var start = time.Now()

// CPUTime is what the clock says where threads have none of their own.
func CPUTime() time.Duration { return time.Since(start) }
