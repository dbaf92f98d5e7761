package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// playing is a demo without pauses, and what it prints.
func playing(t *testing.T, program string, typed string) (*demo, *bytes.Buffer) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	d := &demo{program: program, width: 200, patience: time.Minute, out: &out}
	if typed != "" {
		d.in = strings.NewReader(typed)
	}
	return d, &out
}

// TestScriptCrosses plays all of it with the real program, also what may be typed.
func TestScriptCrosses(t *testing.T) {
	d, out := playing(t, "", "m alice hello from the prompt\nt bob /reply good evening\nm alice /edit hello again\nt bob /react 👍\nm nobody hi\nnonsense\nquit\n")
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
	for _, want := range []string{
		"0 lost, 0 twice, 0 out of order",
		"alice (Mattermost): Counting from Mattermost: three",
		"Bob Kahn (Teams): Counting from Teams: three",
		`there is no "nobody" in Mattermost`,
		"! write for example: m alice hello",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "causeway-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFailureIsTold runs a program that is not Causeway.
func TestFailureIsTold(t *testing.T) {
	for name, script := range map[string]string{
		"fails at once":   "exit 3",
		"signs nobody in": "exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "causeway")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			d, out := playing(t, program, "")
			if err := d.run(t.Context()); err == nil {
				t.Fatalf("no error\n%s", out)
			}
		})
	}
}
