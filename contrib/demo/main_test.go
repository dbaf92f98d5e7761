package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnotherPortIsTakenWhenTheUsualOneIsNotFree occupies it, unless somebody else has.
func TestAnotherPortIsTakenWhenTheUsualOneIsNotFree(t *testing.T) {
	if l, err := net.Listen("tcp", usual); err == nil {
		defer l.Close()
	}
	p, err := (&demo{}).open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.URL(), usual) {
		t.Errorf("the page is at %s, which is taken", p.URL())
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := p.Serve(ctx); err != nil {
		t.Error(err)
	}
}

// TestTheDemonstrationStartsAndEnds runs all of it, builds the program, opens the address that it prints, and finds nothing left
// behind.
func TestTheDemonstrationStartsAndEnds(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d, err := parse([]string{"-listen", "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := d.run(ctx, in)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	lines := bufio.NewScanner(out)
	address := ""
	for address == "" && lines.Scan() {
		_, address, _ = strings.Cut(lines.Text(), "Causeway between two stand-ins:")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the pipe
	answer, err := http.Get(strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden { // a client without cookies gets no further than the redirect
		t.Errorf("without a cookie: %s, want 403", answer.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "causeway-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
