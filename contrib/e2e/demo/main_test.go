package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/contrib/e2e/harness"
)

// TestTheDemonstrationWithARealServer starts all of it, opens the page, waits until people's first words have crossed, tries the
// command that is offered for logging in, and ends it.
func TestTheDemonstrationWithARealServer(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 4*harness.Patience)
	defer stop()
	tb := newTB(ctx, t.Output())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := tb.try(func() { perform(tb, "127.0.0.1:0", in) })
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	var address, login, folder string
	for lines := bufio.NewScanner(out); lines.Scan() && folder == ""; {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "http://") {
			address = line
		}
		if _, command, ok := strings.Cut(line, "for example:"); ok {
			login = command
		}
		if _, path, ok := strings.Cut(line, "config, store and log are in "); ok {
			folder = path
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the pipe
	if address == "" || folder == "" {
		stop()
		t.Fatalf("no address: %v", <-ended)
	}
	awaitWords(ctx, t, address)
	if _, err := os.Stat(filepath.Join(folder, "config.toml")); err != nil {
		t.Error(err)
	}
	_, login, _ = strings.Cut(login, "'")
	credentials, where, _ := strings.Cut(login, "' ")
	answer, err := http.Post(where, "application/json", strings.NewReader(credentials))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("logging in as is printed (%s): %v %v", login, answer, err)
	} else {
		_ = answer.Body.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := tb.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("%s is left behind", folder)
	}
}

// awaitWords opens the page and waits until it says that all is on both sides.
func awaitWords(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	origin, _, _ := strings.Cut(address, "/?")
	for _, url := range []string{address, origin + "/api/events"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", url, answer, err)
		}
		defer answer.Body.Close()
		if url == address {
			continue
		}
		lines := bufio.NewReader(answer.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("waiting for the first words to cross: %v", err)
			}
			if strings.Contains(line, `"open":true`) && strings.Contains(line, `"said":7,"arrived":7`) {
				return
			}
		}
	}
}
