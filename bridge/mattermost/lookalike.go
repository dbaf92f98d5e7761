package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"
	"go.mau.fi/util/confusable"
	"golang.org/x/text/unicode/norm"

	"causeway/bridge"
	"causeway/bridge/names"
)

const (
	// knownNames bounds the names of authors that are remembered, nameLife how long: the hot path asks the server once per name
	// in that time.
	knownNames = 10_000
	nameLife   = 10 * time.Minute
)

// lookalikes remembers which names of authors from elsewhere are those of users here. They are kept as they are written: of two that look alike
// only one may be found.
type lookalikes struct {
	names *lru.Cache[string, nameAnswer]
}

type nameAnswer struct {
	// shape is the name's; see [names.Shape].
	shape string
	// by are the users who have the name; somebody, where the bot may not ask.
	by    []string
	until time.Time
}

// somebody is a user of whom nothing is known.
const somebody = ""

func newLookalikes() *lookalikes {
	known, err := lru.New[string, nameAnswer](knownNames)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &lookalikes{names: known}
}

// latin gives a name with Latin letters in the place of those that look like them.
func latin(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(name) {
		shape := names.Unadorned(confusable.GetReplacement(r))
		if r > unicode.MaxASCII && shape != "" && !strings.ContainsFunc(shape, func(r rune) bool { return r > unicode.MaxASCII }) {
			b.WriteString(shape)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// misread gives a name as it is read where characters of ASCII look like others: "AIice" as "Alice", "lan" as "Ian", "B0b" as "Bob".
func misread(name string) string {
	var b strings.Builder
	before := ' '
	for _, r := range name {
		begins := unicode.IsSpace(before)
		switch {
		case (r == 'I' || r == '1' || r == '|') && !begins:
			r = 'l'
		case (r == 'l' || r == '1' || r == '|') && begins:
			r = 'I'
		case r == '0':
			r = 'o'
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// terms are the names of users for whom somebody of this name could be taken, as far as they can be searched for: the server compares letters without case
// only, from the beginning of a word.
func terms(name string) (all []string) {
	for _, term := range []string{name, names.Unadorned(name), latin(name), misread(name), misread(latin(name)), strings.Replace(name, "rn", "m", 1), strings.Replace(name, "m", "rn", 1)} {
		if term != "" && !slices.ContainsFunc(all, func(other string) bool { return strings.EqualFold(other, term) }) {
			all = append(all, term)
		}
	}
	return all
}

// forget makes a user's names be asked for again.
func (l *lookalikes) forget(u *model.User) {
	var shapes []string
	for _, name := range namesOf(u) {
		shapes = append(shapes, names.Shape(name))
	}
	for _, name := range l.names.Keys() {
		if known, ok := l.names.Peek(name); ok && slices.Contains(shapes, known.shape) {
			l.names.Remove(name)
		}
	}
}

// namesOf are the names by which clients show a user.
func namesOf(u *model.User) []string {
	return []string{u.Username, u.Nickname, u.GetFullName(), u.GetDisplayName(model.ShowNicknameFullName)}
}

// shownAs gives the name under which the relay shows an author: nobody may look like a user of this server but that user, who the
// author is known to be (same), under the name that everybody sees here. A failure of the server is an error; where the bot may not search,
// every other name is told apart.
func (a *account) shownAs(ctx context.Context, author bridge.Author, same bridge.UserID) (string, error) {
	key := names.Shape(author.Name)
	if key == "" {
		return author.Name, nil
	}
	if same != "" {
		who, err := a.LookUp(ctx, same)
		switch {
		case err == nil && names.Shape(who.Name) == key:
			return author.Name, nil
		case err != nil && bridge.KindOf(err) != bridge.Gone:
			return "", fmt.Errorf("asking how the author is called here: %w", err)
		}
	}
	known, ok := a.names.names.Get(author.Name)
	if !ok || time.Now().After(known.until) {
		by := []string{somebody}
		if !names.Mixed(author.Name) {
			var err error
			if by, err = a.takenBy(ctx, author.Name, key); err != nil {
				return "", err
			}
		}
		known = nameAnswer{shape: key, by: by, until: time.Now().Add(nameLife)}
		a.names.names.Add(author.Name, known)
	}
	if slices.ContainsFunc(known.by, func(u string) bool { return u == somebody || u != string(same) }) {
		return names.Apart(author, protocol, isOurs), nil
	}
	return author.Name, nil
}

// isOurs tells whether an id has the form of those that Mattermost gives.
func isOurs(u bridge.UserID) bool { return model.IsValidId(string(u)) }

// takenBy searches for users of that name, deactivated ones, too.
func (a *account) takenBy(ctx context.Context, name, key string) (by []string, err error) {
	for _, term := range terms(name) {
		var users []*model.User
		search := model.UserSearch{Term: term, AllowInactive: true, Limit: model.UserSearchMaxLimit}
		_, err := a.client.call(ctx, opRead, http.MethodPost, "/users/search", search, &users)
		switch {
		case forbidden(err):
			return []string{somebody}, nil
		case bridge.KindOf(err) == bridge.Rejected && err != nil:
			continue // the server cannot search for such a name, so nobody has it
		case err != nil:
			return nil, fmt.Errorf("asking whether somebody here is called like the author: %w", err)
		}
		for _, u := range users {
			if slices.ContainsFunc(namesOf(u), func(other string) bool { return names.Shape(other) == key }) {
				by = append(by, u.Id)
			}
		}
	}
	return by, nil
}
