package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
)

// Letter is something that somebody is told where people connect. It is stored together with what it is about, and stays until it was told, so that
// they are told even if the process ends in between.
type Letter struct {
	To   User
	Kind LetterKind
	// About are the accounts that it is about.
	About []bridge.AccountName
}

// LetterKind says what a letter tells. It is stored.
type LetterKind string

const (
	// Welcome: they are connected with an account now.
	Welcome LetterKind = "welcome"
	// Farewell: they are not connected with accounts any more.
	Farewell LetterKind = "farewell"
)

// write stores letters. What is still to be told of the same kind becomes one letter with them.
func (t *tx) write(letters ...Letter) error {
	for _, l := range letters {
		about := l.About
		was, found, err := t.letter(l.To, l.Kind)
		if err != nil {
			return err
		}
		if found {
			about = append(was.About, about...)
			slices.Sort(about)
			about = slices.Compact(about)
		}
		if err := t.exec(`INSERT INTO letters (server, uid, what, about) VALUES ($1, $2, $3, $4) ON CONFLICT (server, uid, what) DO UPDATE SET about = excluded.about`,
			string(l.To.Server), string(l.To.User), string(l.Kind), abouts(about)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) letter(to User, kind LetterKind) (l Letter, found bool, err error) {
	err = t.each(letterQuery+" WHERE server = $1 AND uid = $2 AND what = $3", []any{string(to.Server), string(to.User), string(kind)}, func(rows *sql.Rows) error {
		found = true
		l, err = scanLetter(rows)
		return err
	})
	return l, found, err
}

const letterQuery = "SELECT server, uid, what, about FROM letters"

func scanLetter(rows *sql.Rows) (l Letter, err error) {
	var about string
	err = rows.Scan((*string)(&l.To.Server), (*string)(&l.To.User), (*string)(&l.Kind), &about)
	for _, a := range strings.Fields(about) {
		l.About = append(l.About, bridge.AccountName(a))
	}
	return l, err
}

func abouts(all []bridge.AccountName) string {
	var b []string
	for _, a := range all {
		b = append(b, string(a))
	}
	return strings.Join(b, " ")
}

// Letters gives those that have not been told yet.
func (s *Store) Letters(ctx context.Context) (all []Letter, err error) {
	err = s.do(ctx, func(t *tx) error {
		all = nil
		return t.each(letterQuery+" ORDER BY server, uid, what DESC", nil, func(rows *sql.Rows) error {
			l, err := scanLetter(rows)
			all = append(all, l)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("looking who is to be told something: %w", err)
	}
	return all, err
}

// Sent notes that a letter was told, unless it has grown meanwhile.
func (s *Store) Sent(ctx context.Context, l Letter) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM letters WHERE server = $1 AND uid = $2 AND what = $3 AND about = $4",
			string(l.To.Server), string(l.To.User), string(l.Kind), abouts(l.About))
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody was told something: %w", err)
	}
	return err
}
