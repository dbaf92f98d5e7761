package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// side is one of the two columns.
type side int

const (
	left  side = iota // Mattermost
	right             // Teams
)

func (s side) other() side { return 1 - s }

func (s side) String() string { return [...]string{"Mattermost", "Teams"}[s] }

const (
	clockWidth = 10 // "15:04:05  "
	gap        = 2  // between the columns
)

// screen prints a log of two columns.
type screen struct {
	mutex  sync.Mutex
	out    io.Writer
	column int // width of each
}

func newScreen(out io.Writer, width int) *screen {
	return &screen{out: out, column: max(24, (width-clockWidth-gap)/2)}
}

// heading prints a line that begins a part.
func (s *screen) heading(text string) {
	s.print("\n" + text + "\n" + strings.Repeat("─", min(utf8.RuneCountInString(text), 2*s.column)) + "\n")
}

// note prints a line across both columns.
func (s *screen) note(text string) { s.print(text + "\n") }

// quote prints what a program has printed.
func (s *screen) quote(text string) {
	for line := range strings.Lines(text) {
		s.print("    " + strings.TrimRight(line, "\n") + "\n")
	}
}

// titles prints the head of the columns.
func (s *screen) titles() {
	s.print(fmt.Sprintf("\n%*s%-*s%*s%s\n", clockWidth, "", s.column, left, gap, "", right))
}

// say prints into a column what happened there.
func (s *screen) say(at time.Time, where side, text string) {
	var b strings.Builder
	clock := at.Format("15:04:05")
	for _, line := range wrap(text, s.column) {
		indent := 0
		if where == right {
			indent = s.column + gap
		}
		fmt.Fprintf(&b, "%-*s%*s%s\n", clockWidth, clock, indent, "", line)
		clock = ""
	}
	s.print(b.String())
}

func (s *screen) print(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, _ = io.WriteString(s.out, text) // a terminal that is gone ends the demo by a signal
}

// wrap breaks a text into lines of at most width runes, at spaces where it can; further lines are indented.
func wrap(text string, width int) []string {
	const indent = "  "
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), indent+word
		}
		for runes := []rune(line); len(runes) > width; runes = []rune(line) {
			lines, line = append(lines, string(runes[:width])), indent+string(runes[width:])
		}
	}
	return append(lines, line)
}
