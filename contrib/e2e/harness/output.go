package harness

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// outputKept is how many bytes of a process's output stay in memory. A busy server writes more in a long test; its log
// file has everything.
const outputKept = 4 << 20

// Output is what a process has written to its standard output and error, over all its runs. It may be used by any number of
// goroutines.
type Output struct {
	file io.Writer // also gets everything; nil for none

	mu      sync.Mutex
	text    []byte
	dropped int           // bytes that were before text
	changed chan struct{} // closed and replaced by each write
}

func newOutput(file io.Writer) *Output {
	return &Output{file: file, changed: make(chan struct{})}
}

// Write appends to the output.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		if _, err := o.file.Write(p); err != nil {
			return 0, err
		}
	}
	o.text = append(o.text, p...)
	// Half is dropped at once, so that the bytes are not moved at every write.
	if len(o.text) > outputKept {
		half := len(o.text) / 2
		o.dropped += half
		o.text = append([]byte(nil), o.text[half:]...)
	}
	close(o.changed)
	o.changed = make(chan struct{})
	return len(p), nil
}

// Len returns how many bytes have been written so far: a mark for Since.
func (o *Output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped + len(o.text)
}

// String returns what is kept of the output.
func (o *Output) String() string { return o.Since(0) }

// Since returns what was written after the mark, as far as it is still kept.
func (o *Output) Since(mark int) string {
	text, _ := o.since(mark)
	return text
}

// since also returns the channel that is closed when there is more.
func (o *Output) since(mark int) (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := min(max(mark-o.dropped, 0), len(o.text))
	return string(o.text[from:]), o.changed
}

// waitLine returns the first whole line after the mark that contains text. It gives up with the context's cause, or
// when ended is closed and the line is not there.
func (o *Output) waitLine(ctx context.Context, mark int, text string, ended <-chan struct{}) (string, error) {
	for {
		var over bool
		select {
		case <-ended:
			over = true // looked at before reading: what was written before the end is seen
		default:
		}
		written, more := o.since(mark)
		for line := range strings.Lines(written) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, text) {
				return strings.TrimRight(line, "\r\n"), nil
			}
		}
		if over {
			return "", fmt.Errorf("the process ended without writing %q", text)
		}
		select {
		case <-more:
		case <-ended:
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %q: %w", text, context.Cause(ctx))
		}
	}
}

// tail returns the last lines after the mark, and before them the last warnings and errors that they do not show. It
// knows the levels as Mattermost ("error [time] …"), PostgreSQL ("… ERROR: …") and slog ("level=ERROR") write them.
func (o *Output) tail(mark int) string {
	const lastLines, lastTroubles = 40, 25
	lines := strings.SplitAfter(strings.TrimRight(o.Since(mark), "\n"), "\n")
	from := max(len(lines)-lastLines, 0)
	var troubles []string
	for _, line := range lines[:from] {
		if isTrouble(line) {
			troubles = append(troubles, line)
		}
	}
	troubles = troubles[max(len(troubles)-lastTroubles, 0):]
	text := strings.Join(troubles, "")
	if text != "" {
		text += "…\n"
	}
	return text + strings.Join(lines[from:], "")
}

func isTrouble(line string) bool {
	for _, start := range []string{"warn ", "error ", "critical ", "panic: ", "fatal error: "} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	for _, part := range []string{"ERROR:", "FATAL:", "PANIC:", "level=WARN", "level=ERROR"} {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}
