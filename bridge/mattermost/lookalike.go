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
	"golang.org/x/text/cases"
	textrunes "golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"causeway/bridge"
)

const (
	// knownNames bounds the names of authors that are remembered, nameLife how long: the hot path asks the server once per name
	// in that time.
	knownNames = 10_000
	nameLife   = 10 * time.Minute
)

// lookalikes remembers which names of authors from elsewhere are those of users here.
type lookalikes struct {
	names *lru.Cache[string, nameAnswer]
}

type nameAnswer struct {
	// by are the users who have the name; somebody, where the bot may not ask.
	by    []string
	until time.Time
}

// somebody is a user of whom nothing is known.
const somebody = ""

func newLookalikes() *lookalikes {
	names, err := lru.New[string, nameAnswer](knownNames)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &lookalikes{names: names}
}

// folded is what two names share that people cannot tell apart at a glance: letters without case, width and accents, without characters
// that are not shown, white space as one space.
func folded(name string) string {
	plain := transform.Chain(norm.NFKD, textrunes.Remove(textrunes.In(unicode.Mn)), textrunes.Remove(textrunes.In(unicode.Cf)), cases.Fold(), norm.NFKC)
	out, _, err := transform.String(plain, name)
	if err != nil {
		out = strings.ToLower(name)
	}
	return strings.Join(strings.Fields(out), " ")
}

// forget makes a user's names be asked for again.
func (l *lookalikes) forget(u *model.User) {
	for _, name := range namesOf(u) {
		l.names.Remove(folded(name))
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
	key := folded(author.Name)
	if key == "" {
		return author.Name, nil
	}
	if same != "" {
		who, err := a.LookUp(ctx, same)
		switch {
		case err == nil && folded(who.Name) == key:
			return author.Name, nil
		case err != nil && bridge.KindOf(err) != bridge.Gone:
			return "", fmt.Errorf("asking how the author is called here: %w", err)
		}
	}
	known, ok := a.names.names.Get(key)
	if !ok || time.Now().After(known.until) {
		by, err := a.takenBy(ctx, author.Name, key)
		if err != nil {
			return "", err
		}
		known = nameAnswer{by: by, until: time.Now().Add(nameLife)}
		a.names.names.Add(key, known)
	}
	if slices.ContainsFunc(known.by, func(u string) bool { return u == somebody || u != string(same) }) {
		return author.Name + " (" + elsewhere(author, bridge.Protocols()) + ")", nil
	}
	return author.Name, nil
}

// takenBy searches for users of that name, deactivated ones, too. The server compares letters without case only, so it is asked for the
// folded name as well, where that is another one.
func (a *account) takenBy(ctx context.Context, name, key string) (by []string, err error) {
	terms := []string{name}
	if !strings.EqualFold(name, key) {
		terms = append(terms, key)
	}
	for _, term := range terms {
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
			if slices.ContainsFunc(namesOf(u), func(other string) bool { return folded(other) == key }) {
				by = append(by, u.Id)
			}
		}
	}
	return by, nil
}

// elsewhere says where an author comes from: another Mattermost server, whose ids are known by their form; the one other service that this
// program knows; else just somewhere else.
func elsewhere(author bridge.Author, known []bridge.Protocol) string {
	var others []string
	for _, p := range known {
		if p.Name != protocol {
			others = append(others, p.Title)
		} else if model.IsValidId(string(author.ID)) {
			return p.Title
		}
	}
	if len(others) == 1 && author.ID != "" {
		return others[0]
	}
	return "elsewhere"
}
