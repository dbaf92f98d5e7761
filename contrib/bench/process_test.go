package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCPUTimeOfAProcess(t *testing.T) {
	// A name with blanks and parentheses must not shift the fields.
	text := "1234 (a ) (b) S 1 1234 1234 0 -1 4194304 500 0 0 0 150 25 7 9 20 0 12 0 100 1000 200"
	got, err := parseStat(text)
	if want := 1750 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, broken := range []string{"", "1 (a) S 1", "1 (a) S 1 1 1 0 -1 0 0 0 0 0 x 25 0"} {
		if got, err := parseStat(broken); err == nil {
			t.Errorf("%q gave %v", broken, got)
		}
	}
}

func TestBusyProcessors(t *testing.T) {
	got, err := parseBusy("cpu  100 20 30 5000 400 5 6 7 80 90\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
	if want := 1680 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, broken := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 x 4 5 6 7 8"} {
		if got, err := parseBusy(broken); err == nil {
			t.Errorf("%q gave %v", broken, got)
		}
	}
	first, err1 := busyProcessors()
	second, err2 := busyProcessors()
	if err1 != nil || err2 != nil || first <= 0 || second < first {
		t.Errorf("now %v (%v), then %v (%v)", first, err1, second, err2)
	}
}

func TestThisProcessIsMeasured(t *testing.T) {
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var after time.Duration
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		if after, err = cpuOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if after-before >= 5*tick {
			break
		}
	}
	if after-before < 5*tick {
		t.Errorf("CPU time went from %v to %v in ten busy seconds", before, after)
	}
	m, err := memoryOf(os.Getpid())
	if err != nil || m.resident < mebi || m.peak < m.resident/2 {
		t.Errorf("memory %+v, %v", m, err)
	}
}

func TestWrittenBytesAreCounted(t *testing.T) {
	before, err := writtenBy(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "written"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, mebi)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	after, err := writtenBy(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// A file system in memory writes nothing, and then the figure of the benchmark is a plain 0.
	if got := after - before; got != 0 && got < mebi {
		t.Errorf("%v bytes for a mebibyte", got)
	}
}

func TestUnknownProcess(t *testing.T) {
	if _, err := cpuOf(1 << 30); err == nil {
		t.Error("CPU time of a process that does not exist")
	}
	if _, err := memoryOf(1 << 30); err == nil {
		t.Error("memory of a process that does not exist")
	}
}
