package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/dashboard"
	"causeway/gateway/store"
)

// messagesShown is how many messages a link or an id may lead to.
const messagesShown = 20

// message is `causeway message LINK`: what has become of a message. It reads the store alone, and works whether or not Causeway runs.
func (c *call) message(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	unknown := errors.New("no such message was read: see that the channel is in a gateway, and that the message was said after Causeway had begun to read it; " +
		"paste its link (Copy link, in either program) or its id")
	if !storeExists(cfg.Storage) {
		return unknown
	}
	opened, err := openStore(ctx, cfg.Storage)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	found, err := opened.ByID(ctx, dashboard.Candidates(c.args[0]), messagesShown)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return unknown
	}
	links, err := opened.ChannelLinks(ctx)
	if err != nil {
		return err
	}
	named, err := c.names(ctx, linked(cfg, links), opened)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, one := range found {
		j, ok, err := opened.Journey(ctx, one.ID)
		if err != nil {
			return err
		}
		if !ok {
			continue // it has just been forgotten
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		writeJourney(&b, j, named)
	}
	_, err = io.WriteString(c.out, b.String())
	return err
}

// writeJourney tells what has become of a message, without its text.
func writeJourney(b *strings.Builder, j store.Journey, named func(bridge.ConversationID) string) {
	at := func(t time.Time) string { return t.Local().Format(time.DateTime) }
	fmt.Fprintf(b, "Message %d: %s\n  said by %s at %s, version %d", j.ID, gateway.SightingState(j.Sighting), oneLine(string(j.Author)), at(j.Created), j.Version)
	if !j.Edited.IsZero() {
		fmt.Fprintf(b, ", changed at %s", at(j.Edited))
	}
	if j.RootID != "" {
		fmt.Fprintf(b, ", answers %s", oneLine(string(j.RootID)))
	}
	b.WriteByte('\n')
	for _, s := range j.Stops {
		fmt.Fprintf(b, "  %s: %s\n", named(s.Conversation), gateway.StopState(s))
		if s.Reason != "" {
			fmt.Fprintf(b, "    since %s: %s\n    → causeway quarantine retry %d, when the cause is mended; or drop %[3]d\n", at(s.Quarantined), oneLine(s.Reason), s.ID)
		}
		for _, p := range s.Posts {
			fmt.Fprintf(b, "    post %s\n", postLine(p, s.IsOrigin, at))
		}
		for _, line := range gateway.FailureLines(s.Failed) {
			fmt.Fprintf(b, "    failed %s\n", oneLine(line))
		}
	}
}

// postLine tells of one post: its id, as whom it was written, and when.
func postLine(p store.Posting, origin bool, at func(time.Time) string) string {
	text := oneLine(string(p.ID))
	if text == "" {
		text = "whose id is not known"
	}
	switch {
	case origin:
	case p.Writer != "":
		text += " as " + oneLine(string(p.Writer))
	default:
		text += " as the relay"
	}
	if !p.Tried.IsZero() {
		text += ", tried last at " + at(p.Tried)
	}
	text += fmt.Sprintf(", shows version %d", p.Version)
	if p.Deleted {
		text += ", deleted"
	}
	return text
}
