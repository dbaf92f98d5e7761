package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"causeway/bridge"
)

// Peers is how the processes that share the work of a store in PostgreSQL tell each other that there is something to do, by its NOTIFY, and how they take turns where
// a service counts the writes of all. What is told is not kept: whoever listens anew looks at everything.
type Peers struct {
	engine *postgres
	// db does not wait for the disk: what it stores may be lost.
	db *sql.DB
}

// Hint is what they tell: a conversation that lacks something or, where Posted is not empty, in which that was posted.
type Hint struct {
	Conversation bridge.ConversationID
	Posted       bridge.MessageID
}

// peerTime is how long it may take to tell others something, or to take a turn; quietTime how long nothing may be heard until it is looked whether the connection is still there.
const (
	peerTime  = 5 * time.Second
	quietTime = 10 * time.Second
)

// mostTold is how much is told at once, in bytes; PostgreSQL takes less than 8,000.
const mostTold = 7000

// Peers gives what leads to the other processes; nil where there can be none. The caller must close it.
func (s *Store) Peers() *Peers {
	p, ok := s.engine.(*postgres)
	if !ok {
		return nil
	}
	config := p.config.Copy()
	config.RuntimeParams["synchronous_commit"] = "off"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(2)
	return &Peers{engine: p, db: db}
}

// Close gives its connections back.
func (p *Peers) Close() error { return p.db.Close() }

func (p *Peers) channel() string { return fmt.Sprintf("causeway_%d", p.engine.place) }

// Tell tells everybody these hints or, where there are none, to look what they are given, and who there is.
func (p *Peers) Tell(ctx context.Context, all []Hint) error {
	for {
		some, size := all, 0
		for i, h := range all {
			if size += len(h.Conversation.Server) + len(h.Conversation.Channel) + len(h.Posted) + len(`["","",""],`); size > mostTold && i > 0 {
				some = all[:i]
				break
			}
		}
		told := make([][3]string, len(some))
		for i, h := range some {
			told[i] = [3]string{string(h.Conversation.Server), string(h.Conversation.Channel), string(h.Posted)}
		}
		text, err := json.Marshal(told)
		if err == nil {
			err = p.notify(ctx, string(text))
		}
		if err != nil {
			return fmt.Errorf("telling the other instances: %w", err)
		}
		if all = all[len(some):]; len(all) == 0 {
			return nil
		}
	}
}

func (p *Peers) notify(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	_, err := p.db.ExecContext(ctx, "SELECT pg_notify($1, $2)", p.channel(), text)
	return err
}

// Listen tells heard what is told, by this process, too, until ctx ends or the connection is lost. It begins with nil when it listens; where everybody is to look, it
// is empty.
func (p *Peers) Listen(ctx context.Context, heard func([]Hint)) error {
	conn, err := pgx.ConnectConfig(ctx, p.engine.config)
	if err != nil {
		return unreachable(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{p.channel()}.Sanitize()); err != nil {
		return fmt.Errorf("listening to the other instances: %w", err)
	}
	heard(nil)
	for {
		n, err := heardWithin(ctx, conn)
		if err != nil {
			return fmt.Errorf("listening to the other instances: %w", err)
		}
		if n == nil {
			continue
		}
		var told [][3]string
		if err := json.Unmarshal([]byte(n.Payload), &told); err != nil {
			continue // somebody else's
		}
		all := make([]Hint, len(told))
		for i, h := range told {
			all[i] = Hint{bridge.ConversationID{Server: bridge.ServerID(h[0]), Channel: bridge.ChannelID(h[1])}, bridge.MessageID(h[2])}
		}
		heard(all)
	}
}

// heardWithin gives the next notification; nil where there was none for a while, and the connection is there.
func heardWithin(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() != nil || waiting.Err() == nil {
		return n, err
	}
	asking, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	return nil, conn.Ping(asking)
}

// mostTurns is how many turns a writer may be away from its next one: so many processes do not wait for each other. Where there are more, PostgreSQL's clock was set back.
const mostTurns = 20

// Turn takes the next turn of a writer, as whom several processes may write, each a time after the one before, and gives how long it is until then, by PostgreSQL's clock.
func (p *Peers) Turn(ctx context.Context, writer string, every time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	var wait int64
	err := p.db.QueryRowContext(ctx, `WITH now AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms)
		INSERT INTO turns (writer, next) SELECT $1, ms + $2 FROM now
		ON CONFLICT (writer) DO UPDATE SET next = CASE WHEN turns.next > excluded.next + $3 THEN excluded.next ELSE GREATEST(turns.next, excluded.next - $2) + $2 END
		RETURNING next - $2 - (SELECT ms FROM now)`, writer, every.Milliseconds(), mostTurns*every.Milliseconds()).Scan(&wait)
	if err != nil {
		return 0, fmt.Errorf("taking a turn to write: %w", err)
	}
	return time.Duration(max(wait, 0)) * time.Millisecond, nil
}
