package harness

import (
	"fmt"
	"strings"
	"testing"
)

func TestOutputKeepsTheEndAndItsMarks(t *testing.T) {
	o := newOutput(nil)
	line := strings.Repeat("x", 1023) + "\n"
	for range 2 * outputKept / len(line) {
		fmt.Fprint(o, line)
	}
	mark := o.Len()
	if want := 2 * outputKept; mark != want {
		t.Errorf("the length is %d, want %d", mark, want)
	}
	fmt.Fprint(o, "the end\n")
	if got := o.Since(mark); got != "the end\n" {
		t.Errorf("since the mark: %q", got)
	}
	if kept := len(o.String()); kept > outputKept {
		t.Errorf("%d bytes are kept, want at most %d", kept, outputKept)
	}
}

func TestTailShowsTroubleThatLiesFurtherBack(t *testing.T) {
	o := newOutput(nil)
	fmt.Fprintln(o, "error [12:00] before the mark")
	mark := o.Len()
	fmt.Fprintln(o, "error [12:01] cannot do it")
	for i := range 50 {
		fmt.Fprintln(o, "debug", i)
	}
	got := strings.Split(o.tail(mark), "\n")
	if len(got) != 42 || got[0] != "error [12:01] cannot do it" || got[1] != "…" || got[2] != "debug 10" || got[41] != "debug 49" {
		t.Errorf("the tail is %q", got)
	}
}

func TestWaitLineWantsWholeLines(t *testing.T) {
	o := newOutput(nil)
	found := make(chan string)
	go func() {
		line, _ := o.waitLine(t.Context(), 0, "port", nil)
		found <- line
	}()
	fmt.Fprint(o, "listening on port 12")
	fmt.Fprint(o, "34\nmore")
	if got, want := <-found, "listening on port 1234"; got != want {
		t.Errorf("the line is %q, want %q", got, want)
	}
}
