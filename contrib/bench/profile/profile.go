// Package profile writes profiles of the running process.
package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"
)

const (
	// allocations are sampled every so many bytes, eight times as often as Go does by itself.
	allocationRate = 64 << 10
	// blocking is sampled so that one event of this length is expected to be seen.
	blockRate = 10 * time.Microsecond
)

// Kinds are the profiles, by the middle of their names.
var Kinds = []string{"cpu", "allocs", "block"}

// File is where the profile of a program is.
func File(folder, program, kind string) string {
	return filepath.Join(folder, program+"."+kind+".pprof")
}

// Start begins to profile; finish ends it and writes a file of each kind. What was allocated before Start is not in full.
func Start(folder, program string) (finish func() error, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder for profiles: %w", err)
	}
	cpu, err := os.Create(File(folder, program, "cpu"))
	if err != nil {
		return nil, fmt.Errorf("writing a profile: %w", err)
	}
	runtime.MemProfileRate = allocationRate
	runtime.SetBlockProfileRate(int(blockRate))
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(fmt.Errorf("profiling: %w", err), cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		runtime.SetBlockProfileRate(0)
		return errors.Join(cpu.Close(), write(folder, program, "allocs"), write(folder, program, "block"))
	}, nil
}

func write(folder, program, kind string) error {
	f, err := os.Create(File(folder, program, kind))
	if err == nil {
		err = errors.Join(pprof.Lookup(kind).WriteTo(f, 0), f.Close())
	}
	if err != nil {
		return fmt.Errorf("writing a profile: %w", err)
	}
	return nil
}
