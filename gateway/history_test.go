package gateway

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// history is everything that happened in a play, in order: what people did, the calls of the accounts and what became of
// them, and what was put. It is written out only for a play that went wrong.
type history struct {
	mutex  sync.Mutex
	began  time.Time
	events []event
}

type event struct {
	at     time.Duration
	format string
	args   []any
}

// add notes an event. What args point to must not change any more.
func (h *history) add(format string, args ...any) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.events = append(h.events, event{time.Since(h.began), format, args})
}

func (h *history) String() string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	var b strings.Builder
	for _, e := range h.events {
		fmt.Fprintf(&b, "%14.9f ", e.at.Seconds())
		fmt.Fprintf(&b, e.format+"\n", e.args...)
	}
	return b.String()
}

// Levels and Fire make it a hook of the log.
func (h *history) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (h *history) Fire(e *logrus.Entry) error {
	h.add("log: %s %v", e.Message, e.Data)
	return nil
}

// overheard is a bridge whose feed and writes are noted.
type overheard struct {
	bridge.Bridge
	name string
	play *play
}

func (o overheard) Run(ctx context.Context, inbox bridge.Inbox) error {
	err := o.Bridge.Run(ctx, overheardInbox{inbox, o})
	o.play.add("%s: the feed ended: %v", o.name, err)
	return err
}

func (o overheard) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	o.play.add("%s %s: post as %q below %q key %s: %.30q", o.name, d.Conversation.Channel, d.As, d.Root, d.Key, memory.Text(d.Text))
	id, err := o.Bridge.Post(ctx, d)
	o.play.add("%s %s: posted %q: %v", o.name, d.Conversation.Channel, id, err)
	return id, err
}

func (o overheard) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	ids, err := o.Bridge.Find(ctx, d, since)
	o.play.add("%s %s: found of key %s: %q: %v", o.name, d.Conversation.Channel, d.Key, ids, err)
	return ids, err
}

func (o overheard) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	o.play.add("%s %s: edit %s as %q: %.30q", o.name, d.Conversation.Channel, id, d.As, memory.Text(d.Text))
	err := o.Bridge.Edit(ctx, id, d)
	o.play.add("%s %s: edited %s: %v", o.name, d.Conversation.Channel, id, err)
	return err
}

func (o overheard) Delete(ctx context.Context, t bridge.Target) error {
	o.play.add("%s %s: delete %s as %q", o.name, t.Conversation.Channel, t.ID, t.As)
	err := o.Bridge.Delete(ctx, t)
	o.play.add("%s %s: deleted %s: %v", o.name, t.Conversation.Channel, t.ID, err)
	return err
}

func (o overheard) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	o.play.add("%s %s: react to %s as %q %s %v", o.name, t.Conversation.Channel, t.ID, t.As, emoji, on)
	err := o.Bridge.React(ctx, t, emoji, on)
	o.play.add("%s %s: reacted to %s %s %v: %v", o.name, t.Conversation.Channel, t.ID, emoji, on, err)
	return err
}

type overheardInbox struct {
	bridge.Inbox
	overheard
}

func (i overheardInbox) Put(ctx context.Context, b bridge.Batch) error {
	if !i.play.moment(ctx, "put", b.Conversation, b.Cursor) {
		return ctx.Err()
	}
	err := i.Inbox.Put(ctx, b)
	for _, s := range b.States {
		i.play.add("%s %s: put %s rev %d deleted=%v key=%s reactions=%v %.30q: cursor %q: %v",
			i.name, b.Conversation.Channel, s.ID, s.Revision, s.Deleted, s.Key, s.Reactions, memory.Text(s.Text), b.Cursor, err)
	}
	return err
}

// dump writes out what the store holds.
func dump(path string) (string, error) {
	driver, address := "sqlite", "file:"+path+"?vfs=memdb"
	if cluster != nil {
		driver, address = "pgx", placed(path, new(store.Options))
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var b bytes.Buffer
	for _, table := range []string{
		"conversations", "messages", "instances", "parts", "reactions", "own_reactions", "orphans", "strays", "notices", "identities",
	} {
		if err := dumpTable(&b, db, table); err != nil {
			return "", fmt.Errorf("dumping %s: %w", table, err)
		}
	}
	return b.String(), nil
}

// text shows a column's value.
func text(value any) string {
	if raw, ok := value.([]byte); ok {
		return string(raw)
	}
	return fmt.Sprint(value)
}

func dumpTable(b *bytes.Buffer, db *sql.DB, table string) error {
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		b.WriteString(table)
		for i, name := range columns {
			fmt.Fprintf(b, " %s=%.60s", name, text(values[i]))
		}
		b.WriteByte('\n')
	}
	return rows.Err()
}
