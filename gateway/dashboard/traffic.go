package dashboard

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causeway/gateway"
)

const (
	hours = 24
	// countAgain is how long counts are good: counting costs as much as was said within a day.
	countAgain = 30 * time.Second
)

// counts are what was said in the last 24 hours, by conversation in its form for logs.
type counts struct {
	at time.Time
	// from is when the first hour began.
	from time.Time
	by   map[string]*said24
	sum  int
	// last is when something was said last, however long ago.
	last map[string]time.Time
}

// said24 is what was said in one conversation.
type said24 struct {
	Sum  int
	Last time.Time
	by   [hours]int
}

// counts gives them as they were half a minute ago at most.
func (d *Dashboard) counts(ctx context.Context, now time.Time) (counts, error) {
	d.counting.Lock()
	defer d.counting.Unlock()
	if now.Sub(d.counted.at) < countAgain {
		return d.counted, nil
	}
	c := counts{at: now, from: now.Truncate(time.Hour).Add(-(hours - 1) * time.Hour), by: map[string]*said24{}, last: map[string]time.Time{}}
	all, err := d.o.Store.Traffic(ctx, c.from)
	if err != nil {
		return counts{}, err
	}
	for _, t := range all {
		key := t.Origin.String()
		one := c.by[key]
		if one == nil {
			one = &said24{}
			c.by[key] = one
		}
		if t.Last.After(one.Last) {
			one.Last = t.Last
		}
		one.by[min(hours-1, max(0, int(t.Hour.Sub(c.from)/time.Hour)))] += t.Messages // a service's clock may be ahead
		one.Sum += t.Messages
		c.sum += t.Messages
	}
	long, err := d.o.Store.Last(ctx)
	if err != nil {
		return counts{}, err
	}
	for conversation, at := range long {
		c.last[conversation.String()] = at
	}
	for key, one := range c.by { // what is on its way has not left
		if one.Last.After(c.last[key]) {
			c.last[key] = one.Last
		}
	}
	d.counted = c
	return c, nil
}

// The bars of a spark line, in its own units.
const (
	barWidth, barGap, sparkHeight = 3, 1, 24
	sparkWidth                    = hours * (barWidth + barGap)
)

// spark is a spark line: a bar for each hour, the tallest as high as the line.
type spark struct {
	Path          string
	Width, Height int
	// Label says the same in words.
	Label string
}

func newSpark(s *said24, from time.Time) spark {
	line := spark{Width: sparkWidth, Height: sparkHeight, Label: "nothing was said in 24 hours"}
	if s == nil || s.Sum == 0 {
		return line
	}
	most := 0
	for i, n := range s.by {
		if n > s.by[most] {
			most = i
		}
	}
	var b strings.Builder
	for i, n := range s.by {
		if n > 0 {
			height := max(2, n*sparkHeight/s.by[most])
			fmt.Fprintf(&b, "M%d %dv-%dh%dv%dz", i*(barWidth+barGap), sparkHeight, height, barWidth, height)
		}
	}
	line.Path = b.String()
	line.Label = fmt.Sprintf("%s in 24 hours, most of them, %d, from %s on", gateway.Count(s.Sum, "message"), s.by[most], from.Add(time.Duration(most)*time.Hour).Local().Format("15:04"))
	return line
}
