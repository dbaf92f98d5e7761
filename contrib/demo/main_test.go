package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"causeway/contrib/demo/operator"
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

// TestTheDemonstrationStartsAndEnds runs all of it, builds the program, opens the address that it prints, waits until Causeway runs,
// and finds nothing left behind, neither files nor the process.
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
	address = strings.TrimSpace(address)
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden { // a client without cookies gets no further than the redirect
		t.Errorf("without a cookie: %s, want 403", answer.Status)
	}
	pid := awaitProcess(t, address)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("Causeway's process %d: %v", pid, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("Causeway's process %d is still there (%v)", pid, err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "causeway-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// awaitProcess follows the page's events until Causeway runs, and gives the id of its process.
func awaitProcess(t *testing.T, address string) int {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	origin, _, _ := strings.Cut(address, "/?")
	for _, url := range []string{address, origin + "/api/events"} {
		answer, err := client.Get(url)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", url, answer, err)
		}
		defer answer.Body.Close()
		if url == address {
			continue
		}
		for lines := bufio.NewReader(answer.Body); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("waiting until Causeway runs: %v", err)
			}
			var news struct{ Causeway operator.State }
			data, ok := strings.CutPrefix(line, "data: ")
			if ok && json.Unmarshal([]byte(data), &news) == nil && news.Causeway.Running {
				return news.Causeway.PID
			}
		}
	}
	return 0
}
