package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every architecture that Go runs on (proc(5)).
const tick = time.Second / 100

// cpuOf gives the CPU time that a process has used, its ended threads included (proc_pid_stat(5)).
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	return parseStat(string(text))
}

// parseStat takes utime and stime, the 14th and 15th fields; the 2nd is a name in parentheses that may hold anything.
func parseStat(text string) (time.Duration, error) {
	const utime, stime = 14 - 3, 15 - 3
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	if end < 0 || len(fields) <= stime {
		return 0, fmt.Errorf("reading CPU time: %q is not understood", text)
	}
	var ticks int64
	for _, field := range []string{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// busyProcessors gives the CPU time that all processes and the kernel have used since the machine was started (proc_stat(5)).
func busyProcessors() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading how busy the processors are: %w", err)
	}
	return parseBusy(string(text))
}

// parseBusy adds up user, nice, system, irq, softirq and steal, thus all but idle and iowait; what guests use is in user.
func parseBusy(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("reading how busy the processors are: %q is not understood", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading how busy the processors are: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// footprint is memory, in bytes.
type footprint struct{ resident, peak float64 }

const mebi = 1 << 20

// memoryOf gives what a process holds in memory, and the most that it has held (proc_pid_status(5)).
func memoryOf(pid int) (m footprint, err error) {
	if m.resident, err = procValue(pid, "status", "VmRSS", 1024); err != nil {
		return m, err
	}
	m.peak, err = procValue(pid, "status", "VmHWM", 1024)
	return m, err
}

// writtenBy gives the bytes that a process has caused to be written to disks (write_bytes in proc_pid_io(5)).
func writtenBy(pid int) (float64, error) { return procValue(pid, "io", "write_bytes", 1) }

// procValue gives a value of a file of lines "name: value", in units of so many bytes.
func procValue(pid int, file, name string, unit float64) (float64, error) {
	text, err := os.ReadFile(procFile(pid, file))
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			fields := strings.Fields(value)
			if len(fields) == 0 {
				break
			}
			v, err := strconv.ParseFloat(fields[0], 64)
			if err != nil {
				return 0, fmt.Errorf("reading %s: %w", name, err)
			}
			return v * unit, nil
		}
	}
	return 0, fmt.Errorf("reading %s: /proc does not tell", name)
}

func procFile(pid int, file string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), file)
}
