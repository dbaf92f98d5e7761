package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"causeway/contrib/e2e/harness"
)

const partStore = "store"

// storePart measures the gateway and its store between two services in memory. Each measurement is a process of its own, as
// memory and the garbage collector remember what was before.
func storePart(tb harness.TB, o options, r *Report) {
	rounds, sizes := o.rounds, []storeJob{{Gateways: 1, Messages: 1000}, {Gateways: 10, Messages: 2000}, {Gateways: 1000, Messages: 4000}}
	if o.quick {
		rounds, sizes = 1, []storeJob{{Gateways: 1, Messages: 50}, {Gateways: 10, Messages: 50}, {Gateways: 50, Messages: 50}}
	}
	dir := harness.Folder(tb)
	for round := range rounds {
		tb.Logf("store, round %d of %d", round+1, rounds)
		for _, job := range sizes {
			for _, who := range rotated([]subject{causeway, bare}, round) {
				job.Subject, job.Folder = who, filepath.Join(dir, fmt.Sprint(round, job.Gateways, who))
				result, err := job.inChild(tb.Context())
				if err != nil {
					tb.Fatalf("%s with %d gateways: %v", who, job.Gateways, err)
				}
				result.report(r, job)
			}
		}
	}
	r.note("store: everything is said at once, evenly in all gateways, and crosses with full durability (SQLite, WAL, synchronous FULL); the services in memory are part of both figures. The bare loop reads one service and writes to the other.")
	r.note("store: a measured fsync writes 4 KiB and makes it durable in the folder of the store, before and after each run.")
}

// storeJob is one measurement.
type storeJob struct {
	Subject            subject
	Gateways, Messages int
	Folder             string // made for it
	Profiles           string // the folder for profiles; empty: none
}

// storeResult is what was measured, without getting ready.
type storeResult struct {
	Seconds      float64
	CPU          float64 // milliseconds
	Allocations  float64
	Allocated    float64 // bytes
	Written      float64 // bytes
	Commits      float64
	FsyncSeconds float64
	Counts       Counts
}

func (s storeResult) report(r *Report, job storeJob) {
	n := float64(job.Messages)
	name := func(what string) string {
		if job.Gateways == 1 {
			return "1 gateway, " + what
		}
		return fmt.Sprintf("%d gateways, %s", job.Gateways, what)
	}
	r.add(partStore, name("rate"), "messages/s", job.Subject, n/s.Seconds)
	r.add(partStore, name("CPU time"), "µs/message", job.Subject, s.CPU*1000/n)
	r.add(partStore, name("allocations"), "per message", job.Subject, s.Allocations/n)
	r.add(partStore, name("allocated"), "KiB/message", job.Subject, s.Allocated/n/1024)
	if job.Subject == causeway {
		r.add(partStore, name("written to disk"), "KiB/message", job.Subject, s.Written/n/1024)
		r.add(partStore, name("commits"), "per message", job.Subject, s.Commits/n)
		r.add(partStore, name("messages in the time of one fsync"), "messages/fsync", job.Subject, n/s.Seconds*s.FsyncSeconds)
	}
	addCounts(r, partStore, name("all of it"), job.Subject, s.Counts)
}

// inChild runs the job in a process of its own, which is this program again.
func (j storeJob) inChild(ctx context.Context) (storeResult, error) {
	var result storeResult
	if err := os.MkdirAll(j.Folder, 0o700); err != nil {
		return result, fmt.Errorf("making a folder: %w", err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return result, fmt.Errorf("writing down what to measure: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return result, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, childFlag, string(text))
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("measuring: %w", err)
	}
	if err := json.Unmarshal(output, &result); err != nil {
		return result, fmt.Errorf("reading what was measured: %w", err)
	}
	return result, nil
}

// childFlag makes this program do a storeJob, print the storeResult as JSON and end.
const childFlag = "-child"

// child does what inChild asked for, and reports whether that was so.
func child(args []string) bool {
	if len(args) != 2 || args[0] != childFlag {
		return false
	}
	var job storeJob
	err := json.Unmarshal([]byte(args[1]), &job)
	if err == nil {
		var result storeResult
		if result, err = job.measure(); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(result)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}
