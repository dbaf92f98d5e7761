package people

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"causeway/gateway/config"
)

// allowList is a file of e-mail addresses, a line each; # begins a comment. It is read again when it has changed.
type allowList struct {
	path string

	mutex   sync.Mutex
	size    int64
	changed time.Time
	emails  map[string]bool
}

// read makes sure that the list is the one in the file, where it counts.
func (l *allowList) read(prompt string) error {
	if prompt != config.PromptAllowList {
		return nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	info, err := os.Stat(l.path)
	if err != nil {
		return fmt.Errorf("reading AllowListFile: %w", err)
	}
	if l.emails != nil && info.Size() == l.size && info.ModTime().Equal(l.changed) {
		return nil
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		return fmt.Errorf("reading AllowListFile: %w", err)
	}
	l.emails, l.size, l.changed = map[string]bool{}, info.Size(), info.ModTime()
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\uFEFF")) { // some programs begin a file so
		line, _, _ = strings.Cut(line, "#")
		if email := lowered(line); email != "" {
			l.emails[email] = true
		}
	}
	return nil
}

func (l *allowList) has(email string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.emails[lowered(email)]
}

// lowered is an address as it is compared.
func lowered(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
