package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain is also the process whose clock jumps.
func TestMain(m *testing.M) {
	if os.Getenv("TELL_THE_TIME") == "" {
		os.Exit(m.Run())
	}
	began := time.Now()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		now := time.Now()
		fmt.Println(now.Unix(), int64(now.Sub(began).Seconds()))
	}
}

// TestAClockJumpsThereAndBack in an unchanged program, and its monotonic clock goes on.
func TestAClockJumpsThereAndBack(t *testing.T) {
	if !clocksCanJump {
		if _, err := newJumper(os.Getpid()); err == nil {
			t.Error("it jumps nevertheless")
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self)
	other.Env = append(os.Environ(), "TELL_THE_TIME=1")
	ask, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answers)
	tells := func() (wrong, lasted int64) {
		t.Helper()
		fmt.Fprintln(ask)
		if !lines.Scan() {
			t.Fatal("it has ended")
		}
		var at int64
		if _, err := fmt.Sscan(lines.Text(), &at, &lasted); err != nil {
			t.Fatal(err)
		}
		return at - time.Now().Unix(), lasted
	}
	tells()
	j, err := newJumper(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []time.Duration{0, time.Hour, -time.Hour, 0} {
		if err := j.jumps(by); err != nil {
			t.Fatal(err)
		}
		wrong, lasted := tells()
		if d := wrong - int64(by.Seconds()); d < -60 || d > 60 || lasted < 0 || lasted > 60 {
			t.Errorf("after a jump of %v the clock is %d s wrong, and the process has lasted %d s", by, wrong, lasted)
		}
	}
	ask.Close()
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}
