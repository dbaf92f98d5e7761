package main

import (
	"fmt"
	"strings"
)

// recovered is how figures of a recovery end.
const recovered = ", until a message said after it arrives"

// marks are judged one by one.
type marks struct {
	report *Report
	lines  []string
}

// firstMarks compares the report with the first marks that Causeway is to reach. What was not measured at all is passed over; what
// was measured of one side only is not judged.
func (r *Report) firstMarks() []string {
	m := &marks{report: r}
	for _, where := range []struct{ part, way string }{{partDelay, there}, {partDelay, back}, {partMatterbridge, across}} {
		m.value("delay added at rest under 5 ms, the fsync included: "+where.part+", "+where.way, where.part, where.way+", added at rest, median", " ms",
			func(got float64) bool { return got < 5 })
	}
	for _, where := range []struct{ part, name string }{
		{partDelay, there + ", sustained rate"}, {partDelay, back + ", rate of a burst"}, {partMatterbridge, across + ", sustained rate"},
	} {
		m.ratio("rate at least half the bare relay's: "+where.part+", "+where.name, where.part, where.name, bare, func(got float64) bool { return got >= 0.5 })
	}
	for _, mark := range notifyMarks {
		m.value(mark.text, partNotify, mark.name, mark.unit, func(got float64) bool { return got >= mark.least && got <= mark.most })
	}
	m.ratio("rate ahead of Matterbridge's", partMatterbridge, across+", sustained rate", matterbridge, func(got float64) bool { return got > 1 })
	for _, f := range r.measured() {
		switch {
		case f.Part != partMatterbridge:
		case f.Unit == "messages":
			m.against(f, "no more than", func(ours, theirs float64) bool { return ours <= theirs })
		case strings.HasSuffix(f.Name, ", delivered"):
			m.against(f, "no less than", func(ours, theirs float64) bool { return ours >= theirs })
		case strings.HasSuffix(f.Name, recovered):
			m.against(f, "less than", func(ours, theirs float64) bool { return ours < theirs })
		}
	}
	return m.lines
}

func (m *marks) line(verdict, text, why string) {
	m.lines = append(m.lines, fmt.Sprintf("%s: %s (%s)", verdict, text, why))
}

func (m *marks) judge(text, why string, reached bool) {
	if reached {
		m.line("reached", text, why)
	} else {
		m.line("missed", text, why)
	}
}

// value judges the median of Causeway's figure.
func (m *marks) value(text, part, name, unit string, reached func(float64) bool) {
	if got, ok := m.report.value(part, name, causeway); ok {
		m.judge(text, number(got)+unit, reached(got))
	}
}

// ratio judges the median of the ratio to a partner's figure. There is none when the partner has none, or a zero.
func (m *marks) ratio(text, part, name string, to subject, reached func(float64) bool) {
	ours, ok1 := m.report.value(part, name, causeway)
	theirs, ok2 := m.report.value(part, name, to)
	got, ok := m.report.ratio(part, name, to)
	switch {
	case ok:
		m.judge(text, "× "+number(got), reached(got))
	case ok1 && ok2:
		m.line("not judged", text, fmt.Sprintf("%s against %s, and nothing in one round at least", number(ours), number(theirs)))
	case ok1 || ok2:
		m.oneSided(text, ok1, to)
	}
}

// against judges the medians of a figure of Matterbridge's part.
func (m *marks) against(f Figure, than string, reached func(ours, theirs float64) bool) {
	text := fmt.Sprintf("%s, %s Matterbridge's", f.Name, than)
	ours, ok1 := f.Of[causeway]
	theirs, ok2 := f.Of[matterbridge]
	switch {
	case ok1 && ok2:
		m.judge(text, fmt.Sprintf("%s against %s %s", number(ours.Median), number(theirs.Median), f.Unit), reached(ours.Median, theirs.Median))
	case ok1 || ok2:
		m.oneSided(text, ok1, matterbridge)
	}
}

func (m *marks) oneSided(text string, ours bool, partner subject) {
	if ours {
		partner = causeway
	}
	m.line("not judged", text, "there is a figure of "+string(partner)+" only")
}
