package dashboard

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"causeway/gateway"
)

// moment is a time as pages show it, by this machine's clock.
type moment struct{ time.Time }

// String is empty for no time.
func (m moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Local().Format("2006-01-02 15:04:05")
}

// ISO is the time for machines.
func (m moment) ISO() string { return m.UTC().Format(time.RFC3339) }

// ago is how long something has been so; empty for no time.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return gateway.Span(now.Sub(t))
}

// zone names this machine's time.
func zone(now time.Time) string {
	name, offset := now.Local().Zone()
	return fmt.Sprintf("%s (UTC%+03d:%02d)", name, offset/3600, offset%3600/60)
}

// sentence makes one of what an error says.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
