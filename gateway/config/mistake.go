package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mistake is one thing that is wrong, or doubtful, in the config. It never holds the value of a secret.
type Mistake struct {
	File string
	// Line counts from 1; 0 when the mistake has no place in the file.
	Line int
	// Table is the header under which it stands, brackets included: "[mattermost.hq]", "[[gateway.inout]]".
	Table string
	// Key is as written by the operator, or as it should have been written when it is missing.
	Key     string
	Problem string
	// Hint is the next step; may be empty.
	Hint string
}

// String reads "config.toml:12: [mattermost.hq] Tokn: unknown key; did you mean Token?".
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d", m.Line)
	}
	b.WriteString(": ")
	if at := strings.TrimSpace(m.Table + " " + m.Key); at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(m.Problem)
	if m.Hint != "" {
		b.WriteString("; " + m.Hint)
	}
	return b.String()
}

// Errors are all mistakes of one config, sorted by line.
type Errors []Mistake

// Error gives one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, m := range e {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

func sortByLine(list []Mistake) {
	slices.SortStableFunc(list, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
}

// shownKey gives a key as it may be printed: quoted when it holds more than TOML's bare key characters.
func shownKey(key string) string {
	for _, r := range key {
		if !isBare(r) {
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

func isBare(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}
