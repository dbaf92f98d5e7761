package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// Person is a human known on more than one account.
type Person struct {
	ID int64
	// Preferred is the account on which they want to be notified; empty: they have not chosen.
	Preferred bridge.AccountName
	// Observe: they agreed that Causeway keeps a connection in their name.
	Observe bool
	// Since is when they connected first.
	Since time.Time
	// Identities are at most one on each server, ordered by account.
	Identities []Identity
}

// On gives who the person is on an account.
func (p Person) On(a bridge.AccountName) (Identity, bool) {
	i := slices.IndexFunc(p.Identities, func(i Identity) bool { return i.Account == a })
	if i < 0 {
		return Identity{}, false
	}
	return p.Identities[i], true
}

// Identity is who a person is on one server.
type Identity struct {
	Account bridge.AccountName
	Server  bridge.ServerID
	User    bridge.UserID
	// Name, Username and Email as they were when they connected, or last looked at.
	Name, Username, Email string
	State                 IdentityState
	// Reason says why it was lost.
	Reason string
	// Verified is when Causeway last made sure that it can act as them.
	Verified time.Time
	// Since is when they connected, or did so again after they had disconnected.
	Since time.Time
}

// IdentityState says whether Causeway can act as somebody.
type IdentityState int

const (
	// Connected: it can.
	Connected IdentityState = iota
	// Lost: it could, until its token was refused; the person has to connect again.
	Lost
	// Kept: they have disconnected; who they are is remembered.
	Kept
	// Leaving: they are disconnecting. Nothing new is written as them, and what must be undone is being undone.
	Leaving
)

var identityStateNames = [...]string{"connected", "lost", "kept", "leaving"}

// String gives the state's name in logs and lists.
func (s IdentityState) String() string { return identityStateNames[s] }

// Errors of [Store.Connect].
var (
	// ErrConnectedElsewhere: one of the identities belongs to another person.
	ErrConnectedElsewhere = errors.New("connected with somebody else already")
	// ErrTooMany: as many people are connected as may be.
	ErrTooMany = errors.New("as many people are connected as the limit allows")
	// ErrRenewed: what is kept to act as one of them is not what [End].Kept says any more.
	ErrRenewed = errors.New("what is kept to act as them has been renewed meanwhile")
)

// End is one end of a connection to be stored.
type End struct {
	Identity
	// Grant is what the account keeps to act as them, see [bridge.PersonGrant]; it is sealed.
	Grant []byte
	// Kept is what was kept before, when Grant was made; nil: nothing. It counts where a walk has led here.
	Kept []byte
}

// Connect stores that two users are one person, together with the grants, and ends the walk that led there. Where one of
// them is a person already, the other one is added, unless that person is somebody else on its server. limit is how many people
// may be connected; 0: any number. ErrNoWalk: the walk has ended meanwhile; "" is a connection without one. Who asked for a walk gets a letter. After an
// error nothing is stored.
func (s *Store) Connect(ctx context.Context, walk string, ends [2]End, limit int) (Person, error) {
	var person Person
	err := s.do(ctx, func(t *tx) error {
		if err := t.finish(walk, ends); err != nil {
			return err
		}
		if err := t.staying(ends); err != nil {
			return err
		}
		if err := t.unkeep(ends); err != nil {
			return err
		}
		id, err := t.joined(ends, limit)
		if err != nil {
			return err
		}
		if walk != "" {
			if err := t.unrenewed(ends); err != nil {
				return err
			}
		}
		for _, e := range ends {
			if err := t.identify(id, e); err != nil {
				return err
			}
		}
		if err := t.unmatch(id); err != nil {
			return err
		}
		for _, e := range ends {
			if err := t.settleInvitation(e.Server, e.User, Accepted, time.Now()); err != nil {
				return err
			}
		}
		person, err = t.person(id)
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("storing a connection: %w", err)
	}
	return person, nil
}

// unrenewed makes sure that no grant takes the place of one that is newer than it.
func (t *tx) unrenewed(ends [2]End) error {
	for _, e := range ends {
		name := bridge.PersonGrant(e.User)
		var sealed, kept []byte
		found, err := t.found("SELECT sealed FROM vault WHERE account = $1 AND name = $2", []any{string(e.Account), name}, &sealed)
		if err != nil {
			return err
		}
		if found { // what cannot be opened is good for nothing
			kept, _ = t.keys.opened(string(e.Account), name, sealed)
		}
		if !bytes.Equal(kept, e.Kept) {
			return ErrRenewed
		}
	}
	return nil
}

// joined finds or makes the person whom both ends are.
func (t *tx) joined(ends [2]End, limit int) (int64, error) {
	var ids [2]int64
	for i, e := range ends {
		if _, err := t.found("SELECT person FROM identities WHERE server = $1 AND uid = $2", []any{string(e.Server), string(e.User)}, &ids[i]); err != nil {
			return 0, err
		}
	}
	if ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1] {
		return 0, ErrConnectedElsewhere
	}
	id := max(ids[0], ids[1])
	if err := t.room(id, limit); err != nil {
		return 0, err
	}
	if id == 0 {
		return t.insert("INSERT INTO people (since) VALUES ($1) RETURNING id", time.Now().UnixMilli())
	}
	for _, e := range ends {
		var other string
		found, err := t.found("SELECT uid FROM identities WHERE person = $1 AND server = $2", []any{id, string(e.Server)}, &other)
		if err != nil {
			return 0, err
		}
		if found && other != string(e.User) {
			return 0, ErrConnectedElsewhere
		}
	}
	return id, nil
}

// room makes sure that one more may be connected, unless the person is already. Whoever has disconnected takes no place, remembered or not.
func (t *tx) room(person int64, limit int) error {
	if limit <= 0 {
		return nil
	}
	var connected, others int
	if err := t.row(`SELECT COUNT(CASE person WHEN $1 THEN 1 END), COUNT(DISTINCT CASE person WHEN $1 THEN NULL ELSE person END)
		FROM identities WHERE state <> $2`, person, int(Kept)).Scan(&connected, &others); err != nil {
		return err
	}
	if connected == 0 && others >= limit {
		return ErrTooMany
	}
	return nil
}

func (t *tx) identify(person int64, e End) error {
	if err := t.exec(`INSERT INTO identities (server, uid, person, account, name, username, email, state, verified, since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
		ON CONFLICT (server, uid) DO UPDATE SET account = excluded.account, name = excluded.name, username = excluded.username, email = excluded.email,
			since = CASE WHEN identities.state IN (0, 1) THEN identities.since ELSE excluded.since END, state = excluded.state, reason = '', told = 0, verified = excluded.verified`,
		string(e.Server), string(e.User), person, string(e.Account), e.Name, e.Username, e.Email, int(Connected), time.Now().UnixMilli()); err != nil {
		return err
	}
	name := bridge.PersonGrant(e.User)
	return t.exec(`INSERT INTO vault (account, name, sealed) VALUES ($1, $2, $3) ON CONFLICT (account, name) DO UPDATE SET sealed = excluded.sealed`,
		string(e.Account), name, t.keys.sealed(string(e.Account), name, e.Grant))
}

const identityColumns = "person, server, uid, account, name, username, email, state, reason, verified, since"

func scanIdentity(rows *sql.Rows) (person int64, i Identity, err error) {
	var verified, since int64
	err = rows.Scan(&person, (*string)(&i.Server), (*string)(&i.User), (*string)(&i.Account), &i.Name, &i.Username, &i.Email, (*int)(&i.State), &i.Reason, &verified, &since)
	i.Verified, i.Since = time.UnixMilli(verified), time.UnixMilli(since)
	return person, i, err
}

func (t *tx) person(id int64) (Person, error) {
	p := Person{ID: id}
	var since int64
	if err := t.row("SELECT preferred, observe, since FROM people WHERE id = $1", id).Scan((*string)(&p.Preferred), &p.Observe, &since); err != nil {
		return Person{}, err
	}
	p.Since = time.UnixMilli(since)
	err := t.each("SELECT "+identityColumns+" FROM identities WHERE person = $1 ORDER BY account", []any{id}, func(rows *sql.Rows) error {
		_, i, err := scanIdentity(rows)
		p.Identities = append(p.Identities, i)
		return err
	})
	return p, err
}

// PersonOf gives the person who is a user of a server; ok is false when nobody is known to be.
func (s *Store) PersonOf(ctx context.Context, server bridge.ServerID, u bridge.UserID) (p Person, ok bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		p = Person{}
		var id int64
		if ok, err = t.found("SELECT person FROM identities WHERE server = $1 AND uid = $2", []any{string(server), string(u)}, &id); err != nil || !ok {
			return err
		}
		p, err = t.person(id)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking up a person: %w", err)
	}
	return p, ok, err
}

// People gives everybody, oldest first.
func (s *Store) People(ctx context.Context) ([]Person, error) {
	var all []Person
	err := s.do(ctx, func(t *tx) error {
		all = nil
		at := map[int64]int{}
		err := t.each("SELECT id, preferred, observe, since FROM people ORDER BY id", nil, func(rows *sql.Rows) error {
			var p Person
			var since int64
			err := rows.Scan(&p.ID, (*string)(&p.Preferred), &p.Observe, &since)
			p.Since = time.UnixMilli(since)
			at[p.ID] = len(all)
			all = append(all, p)
			return err
		})
		if err != nil {
			return err
		}
		return t.each("SELECT "+identityColumns+" FROM identities ORDER BY account", nil, func(rows *sql.Rows) error {
			id, i, err := scanIdentity(rows)
			if err == nil {
				all[at[id]].Identities = append(all[at[id]].Identities, i)
			}
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("listing people: %w", err)
	}
	return all, err
}

// Prefer stores on which account a person wants to be notified, and whether Causeway may keep a connection in their name.
func (s *Store) Prefer(ctx context.Context, person int64, account bridge.AccountName, observe bool) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("UPDATE people SET preferred = $1, observe = $2 WHERE id = $3", string(account), observe, person)
	})
	if err != nil {
		err = fmt.Errorf("storing a preferred platform: %w", err)
	}
	return err
}

// Turn moves an identity from one state to another; it reports whether it was in the first.
func (s *Store) Turn(ctx context.Context, server bridge.ServerID, u bridge.UserID, from, to IdentityState, reason string) (bool, error) {
	var changed int64
	err := s.do(ctx, func(t *tx) (err error) {
		changed, err = t.change("UPDATE identities SET state = $1, reason = $2 WHERE server = $3 AND uid = $4 AND state = $5",
			int(to), reason, string(server), string(u), int(from))
		return err
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody is %s: %w", to, err)
	}
	return changed > 0, err
}

// Verified stores that Causeway has just made sure that it can act as a user, and what the user is called now.
func (s *Store) Verified(ctx context.Context, p bridge.Profile, server bridge.ServerID, at time.Time) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("UPDATE identities SET verified = $1, name = $2, username = $3, email = $4 WHERE server = $5 AND uid = $6",
			at.UnixMilli(), p.Name, p.Username, p.Email, string(server), string(p.ID))
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody is still connected: %w", err)
	}
	return err
}

// Forget deletes what is kept to act as a user. With keep, who they are stays known. With their last identity the person is gone. tell are letters about it.
func (s *Store) Forget(ctx context.Context, server bridge.ServerID, u bridge.UserID, keep bool, tell ...Letter) error {
	err := s.do(ctx, func(t *tx) error {
		var person int64
		var account string
		found, err := t.found("SELECT person, account FROM identities WHERE server = $1 AND uid = $2", []any{string(server), string(u)}, &person, &account)
		if err != nil || !found {
			return err
		}
		if err := t.exec("DELETE FROM vault WHERE account = $1 AND name = $2", account, bridge.PersonGrant(u)); err != nil {
			return err
		}
		if err := t.settleInvitation(server, u, NotNow, time.Now()); err != nil {
			return err
		}
		if err := t.write(tell...); err != nil {
			return err
		}
		if keep {
			return t.exec("UPDATE identities SET state = $1, reason = '' WHERE server = $2 AND uid = $3", int(Kept), string(server), string(u))
		}
		if err := t.exec("DELETE FROM identities WHERE server = $1 AND uid = $2", string(server), string(u)); err != nil {
			return err
		}
		return t.exec("DELETE FROM people WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM identities WHERE person = $1)", person)
	})
	if err != nil {
		err = fmt.Errorf("forgetting somebody: %w", err)
	}
	return err
}

// Lose notes that acting as a user was refused, unless they have connected anew since that was tried; it reports whether they were
// connected. What was tried in the very millisecond of a connection may have been tried before it, and does not count: if they are
// refused indeed, so is the next try.
func (s *Store) Lose(ctx context.Context, server bridge.ServerID, u bridge.UserID, tried time.Time, reason string) (bool, error) {
	var changed int64
	err := s.do(ctx, func(t *tx) (err error) {
		changed, err = t.change("UPDATE identities SET state = $1, reason = $2 WHERE server = $3 AND uid = $4 AND state = $5 AND verified < $6",
			int(Lost), reason, string(server), string(u), int(Connected), tried.UnixMilli())
		return err
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody is %s: %w", Lost, err)
	}
	return changed > 0, err
}

// Waiting counts the messages of a user that have not arrived everywhere yet. It goes through all that is waiting, beside the writer, and holds up nothing.
func (s *Store) Waiting(ctx context.Context, server bridge.ServerID, u bridge.UserID) (int, error) {
	var n int
	err := s.beside(ctx, `SELECT COUNT(DISTINCT m.id) FROM instances i INDEXED BY instances_lacking JOIN messages m ON m.id = i.message
		JOIN conversations o ON o.id = m.origin WHERE i.rank IS NOT NULL AND i.origin = 0 AND m.author = $1 AND o.server = $2`, string(u), string(server)).Scan(&n)
	if err != nil {
		err = fmt.Errorf("counting what is waiting: %w", err)
	}
	return n, err
}
