package main

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
)

// output is what the program wrote; wait gives it once it holds a text.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed *sync.Cond
}

func newOutput() *output {
	o := &output{}
	o.changed = sync.NewCond(&o.mu)
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.changed.Broadcast()
	return o.text.Write(p)
}

func (o *output) wait(text string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !strings.Contains(o.text.String(), text) {
		o.changed.Wait()
	}
	return o.text.String()
}

func TestPeopleTalkFromStandardInput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, keyboard := io.Pipe()
	out := newOutput()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-listen", "127.0.0.1:0"}, in, out) }()
	if text := out.wait("LoginURL"); !strings.Contains(text, "[msteams.demo]") {
		t.Errorf("no config: %s", text)
	}
	for _, step := range []struct{ line, want string }{
		{"ada: hello you\n", "created   Ada Lovelace: hello you"},
		{"nobody: hello\n", `! reading the line`},
		{"login X nobody\n", "! logging in"},
		{"login X ada\n", "! no login waits"},
		{"disable bob\n", ""},
		{"delete nobody\n", `! delete: there is no "nobody"`},
	} {
		io.WriteString(keyboard, step.line)
		out.wait(step.want)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	keyboard.Close()
}

func TestABadAddressIsAnError(t *testing.T) {
	if err := run(t.Context(), []string{"-listen", "256.0.0.1:1"}, strings.NewReader(""), io.Discard); err == nil {
		t.Error("no error")
	}
}
