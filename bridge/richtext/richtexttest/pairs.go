package richtexttest

import (
	"fmt"
	"os"
	"strings"
)

// Pair is what somebody posted on one service, and what stands for it on the other.
type Pair struct {
	Name string
	// Element is what the pair shows, and Verdict what becomes of it, for the table in the README: "kept", "dropped" or
	// "degraded to …". Empty in most.
	Element, Verdict string
	In, Out          string
}

// A file of pairs holds one after the other, each under a line "=====[ name ]=====". What follows in that line, "element: Tables; degraded: lines", makes the
// pair a row of the table in the README.
const (
	pairBegins = "=====[ "
	nameEnds   = " ]====="
	becomes    = "-----[ becomes ]-----\n"
)

// Pairs reads a file of pairs.
func Pairs(path string) ([]Pair, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading pairs: %w", err)
	}
	var all []Pair
	for line := range strings.Lines(string(text)) {
		rest, begins := strings.CutPrefix(line, pairBegins)
		if !begins {
			if len(all) == 0 {
				return nil, fmt.Errorf("reading pairs: %s does not begin with one", path)
			}
			all[len(all)-1].In += line
			continue
		}
		name, note, ok := strings.Cut(strings.TrimSpace(rest), nameEnds)
		if !ok {
			return nil, fmt.Errorf("reading pairs: %s: cannot read %q", path, line)
		}
		one := Pair{Name: name}
		if note != "" {
			element, verdict, _ := strings.Cut(strings.TrimPrefix(note, " element: "), "; ")
			one.Element, one.Verdict = element, strings.Replace(verdict, "degraded: ", "degraded to ", 1)
			if one.Verdict == "" {
				one.Verdict = "kept"
			}
		}
		all = append(all, one)
	}
	for i := range all {
		one := &all[i]
		one.In, one.Out, _ = strings.Cut(one.In, becomes)
		one.In, one.Out = strings.TrimSuffix(one.In, "\n"), strings.TrimSuffix(one.Out, "\n")
	}
	return all, nil
}

// String gives a pair as it stands in a file.
func (p Pair) String() string {
	head := pairBegins + p.Name + nameEnds
	if p.Element != "" {
		head += " element: " + p.Element
		if p.Verdict != "kept" {
			head += "; " + strings.Replace(p.Verdict, "degraded to ", "degraded: ", 1)
		}
	}
	out := p.Out
	if out != "" {
		out += "\n"
	}
	return head + "\n" + p.In + "\n" + becomes + out
}
