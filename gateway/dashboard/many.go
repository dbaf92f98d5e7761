package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/gateway"
	"causeway/gateway/store"
)

// many is which of those in quarantine are meant: all that go to a conversation, or whose reason holds a text, or both.
type many struct {
	to, reason string
	// before is when they were counted: what has come into quarantine later nobody has seen, so it is not meant.
	before time.Time
}

// manyFields are what the page sends of them.
var manyFields = []string{"to", "reason", "before"}

// chosen reads what the page has sent. Without a time, all that are there now are meant.
func chosen(f url.Values, now time.Time) (many, error) {
	m := many{to: strings.TrimSpace(f.Get("to")), reason: strings.TrimSpace(f.Get("reason")), before: now}
	if m.to == "" && m.reason == "" {
		return m, errors.New("choose a conversation, or type what the reason holds, or both")
	}
	if text := f.Get("before"); text != "" {
		var err error
		if m.before, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return m, fmt.Errorf("%q is not a time: open the page anew, and press there", text)
		}
	}
	return m, nil
}

// words say in a sentence which are meant.
func (m many) words() string {
	text := ""
	if m.to != "" {
		text = " to " + m.to
	}
	if m.reason != "" {
		text += fmt.Sprintf(" whose reason holds “%s”", m.reason)
	}
	return text
}

// meant calls do with each that is meant, the oldest first, until one fails.
func (d *Dashboard) meant(ctx context.Context, m many, do func(q store.Stuck) error) error {
	n := newNames(d.o.Gateway.Status(ctx))
	for after := int64(0); ; {
		all, err := d.o.Store.QuarantineAfter(ctx, after, pageRows)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, q := range all {
			after = q.ID
			if q.Since.After(m.before) || m.to != "" && !strings.EqualFold(m.to, n.conversation(q.Target)) || !strings.Contains(strings.ToLower(q.Reason), strings.ToLower(m.reason)) {
				continue
			}
			if err := do(q); err != nil {
				return err
			}
		}
	}
}

// errNoneMeant: nothing is as was asked for.
var errNoneMeant = errors.New("nothing in quarantine is like that")

// counted asks with how many there are, and has the press mean just those.
func counted(title string) func(*Dashboard, context.Context, []field) (string, []field, error) {
	return func(d *Dashboard, ctx context.Context, fields []field) (string, []field, error) {
		f := url.Values{}
		for _, one := range fields {
			f.Set(one.Name, one.Value)
		}
		m, err := chosen(f, time.Now())
		if err != nil {
			return "", nil, err
		}
		found := 0
		if err := d.meant(ctx, m, func(store.Stuck) error { found++; return nil }); err != nil {
			return "", nil, err
		}
		if found == 0 {
			return "", nil, errNoneMeant
		}
		return fmt.Sprintf(title, gateway.Count(found, "message")+m.words()), []field{{"to", m.to}, {"reason", m.reason}, {"before", m.before.UTC().Format(time.RFC3339Nano)}}, nil
	}
}

// releasedMany is retry and drop of all that are meant. What somebody else has released meanwhile is passed by.
func releasedMany(name, one, more string) func(*Dashboard, context.Context, guest, url.Values) (note, error) {
	return func(d *Dashboard, ctx context.Context, g guest, f url.Values) (note, error) {
		change := d.o.Gateway.Retry
		if name == "drop" {
			change = d.o.Gateway.Drop
		}
		m, err := chosen(f, time.Now())
		done := 0
		if err == nil {
			err = d.meant(ctx, m, func(q store.Stuck) error {
				_, err := change(ctx, q.ID)
				if errors.Is(err, store.ErrNotQuarantined) {
					return nil
				}
				if err == nil {
					done++
				}
				return err
			})
		}
		var n note
		switch said := gateway.Count(done, "message") + " " + map[bool]string{true: one, false: more}[done == 1]; {
		case err == nil && done == 0:
			err = errNoneMeant
		case err == nil:
			n.Text = []string{said + "."}
		case done > 0:
			err = fmt.Errorf("%s, then: %w", said, err)
		}
		return d.record(ctx, g, name, "messages"+m.words(), n, err)
	}
}

// choices are what the form for many offers: where those of a page should go, and why they do not, as much of that as can be typed.
func choices(rows []stuck) (to, reasons []string) {
	for _, one := range rows {
		to, reasons = append(to, one.To), append(reasons, typed(one.Reason))
	}
	for _, list := range []*[]string{&to, &reasons} {
		slices.SortFunc(*list, func(a, b string) int {
			return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
		})
		*list = slices.Compact(*list)
	}
	return to, reasons
}

// typed gives as much of the beginning of a text as a form may send: a line, and no more than mostTyped.
func typed(text string) string {
	text = strings.TrimSpace(text)
	if end := strings.IndexAny(text, "\r\n\x00"); end >= 0 {
		text = text[:end]
	}
	if len(text) > mostTyped {
		text = strings.ToValidUTF8(text[:mostTyped], "") // what was cut in two is left out
	}
	return text
}
