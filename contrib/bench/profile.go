package main

import (
	"fmt"
	"os"
	"path/filepath"

	"causeway/contrib/bench/profile"
	"causeway/contrib/e2e/harness"
)

// top is how many functions of a profile are printed.
const top = 30

// profiles writes profiles of the parts store, delay and notify, and prints where most goes. Profiling slows the programs down, so nothing else
// is measured meanwhile.
func profiles(tb harness.TB, o options, folder string) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		tb.Fatalf("making a folder for profiles: %v", err)
	}
	z := delaySizes(o)
	messages := 5000
	if o.quick {
		messages = 500
	}
	for _, gateways := range []int{1, 1000} {
		job := storeJob{Subject: causeway, Gateways: gateways, Messages: messages, Folder: harness.Folder(tb), Profiles: filepath.Join(folder, fmt.Sprint("store-", gateways))}
		if _, err := job.inChild(tb.Context()); err != nil {
			tb.Fatalf("profiling the store: %v", err)
		}
		show(tb, job.Profiles, "store")
	}
	for _, way := range []string{"there", "back"} {
		into := filepath.Join(folder, way)
		profileDelay(tb, o, z, way, into)
		show(tb, into, "causeway")
	}
	into := filepath.Join(folder, "notify")
	profileNotifications(tb, o, into)
	show(tb, into, "causeway")
	tb.Logf("the profiles are in %s; look at them with: go tool pprof -http=: FILE", folder)
}

// profileDelay profiles the program between the stand-ins, at rest and then with as much as it can take, one way.
func profileDelay(tb harness.TB, o options, z sizes, way, into string) {
	tb.Helper()
	s := newSims(tb)
	j := s.join(causeway, way)
	at := s.configure(tb, o.programs.profiled(tb), pollInterval, j)
	at.env = []string{"PROFILES=" + into}
	process := harness.StartProcess(tb, at.command("run"))
	j.begin(tb)
	t := map[string]*talk{"there": j.there, "back": j.back}[way]
	if _, err := rest(tb.Context(), s.board, []*talk{t}, min(z.rest, 40), false); err != nil {
		tb.Fatalf("profiling: %v", err)
	}
	sayAndWait(tb, s.board, t, 0, 0, 10*z.burst)
	if code := process.Stop(tb); code != 0 {
		tb.Fatalf("stopping causeway: exit code %d", code)
	}
}

// show prints the head of each profile.
func show(tb harness.TB, folder, program string) {
	tb.Helper()
	for _, kind := range profile.Kinds {
		file := profile.File(folder, program, kind)
		args := []string{"tool", "pprof", "-top", fmt.Sprint("-nodecount=", top)}
		switch kind {
		case "allocs":
			args = append(args, "-sample_index=alloc_space")
		case "cpu":
			args = append(args, "-cum")
		}
		text, err := run(tb.Context(), ".", "go", append(args, file)...)
		if err != nil {
			tb.Fatalf("showing a profile: %v", err)
		}
		fmt.Printf("\n--- %s\n%s", file, text)
	}
}
