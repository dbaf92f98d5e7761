package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

const (
	// handleLife is how long it is remembered whose a user name is, or that it is nobody's.
	handleLife = 10 * time.Minute
	// mostHandles is how many names of a post are asked for; further ones are words.
	mostHandles = 100
)

// special are the names that call everybody in a channel, as the server reads them (its mention parser).
var special = map[string]bool{"channel": true, "all": true, "here": true}

// handles are users by their user names in lower case; "": nobody.
type handles map[string]string

func (h handles) who(name string) (string, bool) {
	if special[name] {
		return richtext.Everybody, true
	}
	id := h[name]
	return id, id != ""
}

// handle is what is remembered of a user name.
type handle struct {
	id    string // "": nobody's
	until time.Time
}

// namedIn gives whom the posts may mention. It asks the server once for all names that are not known.
func (a *account) namedIn(ctx context.Context, posts []*model.Post) (handles, error) {
	named := handles{}
	var strangers []string
	now := time.Now()
	for _, p := range posts {
		if !carried(p) || p.DeleteAt != 0 {
			continue
		}
		for name := range namesIn(p) {
			if _, met := named[name]; met {
				continue
			}
			known, ok := a.handles.Get(name)
			if named[name] = known.id; (!ok || now.After(known.until)) && model.IsValidUsername(name) {
				strangers = append(strangers, name)
			}
		}
	}
	slices.Sort(strangers)
	for len(strangers) > 0 {
		some := strangers[:min(len(strangers), pageSize)]
		strangers = strangers[len(some):]
		var users []*model.User
		if _, err := a.client.call(ctx, opRead, http.MethodPost, "/users/usernames", some, &users); err != nil {
			return nil, fmt.Errorf("asking who is mentioned: %w", err)
		}
		found := map[string]string{}
		for _, u := range users {
			found[u.Username] = u.Id
		}
		for _, name := range some {
			named[name] = found[name]
			a.handles.Add(name, handle{found[name], now.Add(handleLife)})
		}
	}
	return named, nil
}

// namesIn gives what may be user names behind an "@" in a post, in lower case: with, and without, what may belong to the sentence.
func namesIn(p *model.Post) map[string]bool {
	all := map[string]bool{}
	texts := []string{p.Message}
	if p.MessageSource != "" {
		texts = append(texts, p.MessageSource)
	}
	for _, at := range attachments(p) {
		texts = append(texts, richtext.Doc{at}.PlainText())
	}
	for _, text := range texts {
		for range mostHandles {
			_, rest, found := strings.Cut(text, "@")
			if !found {
				break
			}
			text = rest
			end := strings.IndexFunc(rest, func(r rune) bool {
				return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_", r)
			})
			if end < 0 {
				end = len(rest)
			}
			for name := strings.ToLower(rest[:min(end, model.UserNameMaxLength+1)]); name != ""; name = name[:len(name)-1] {
				all[name] = true
				if !strings.ContainsRune(".-_", rune(name[len(name)-1])) {
					break
				}
			}
		}
	}
	return all
}

// usernames are the names by which users are called, by their ids.
type usernames map[string]string

func (u usernames) of(mention richtext.Run) string { return u[mention.Who] }

// called gives how those whom a text mentions are called. Who is not there any more is a name in the text.
func (a *account) called(ctx context.Context, text richtext.Doc) (usernames, error) {
	var names usernames
	for _, who := range text.Mentions() {
		name := "channel"
		if who != richtext.Everybody {
			u, err := a.LookUp(ctx, bridge.UserID(who))
			if err != nil && bridge.KindOf(err) != bridge.Gone {
				return nil, fmt.Errorf("asking for the user name of somebody who is mentioned: %w", err)
			}
			if name = u.Username; special[name] {
				name = ""
			}
		}
		if name != "" {
			if names == nil {
				names = usernames{}
			}
			names[who] = name
		}
	}
	return names, nil
}

// longestNames stands for the names of those whom a text mentions before they are known.
func longestNames(text richtext.Doc) usernames {
	names := usernames{}
	for _, who := range text.Mentions() {
		names[who] = strings.Repeat("x", model.UserNameMaxLength)
	}
	return names
}

// renamed makes a user's names be asked for again.
func (a *account) renamed(u *model.User) {
	for _, name := range a.handles.Keys() {
		if known, ok := a.handles.Peek(name); ok && (known.id == u.Id || name == u.Username) {
			a.handles.Remove(name)
		}
	}
}
