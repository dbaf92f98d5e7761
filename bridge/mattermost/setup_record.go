package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// What setup has changed stands on the server itself, in a preference of the bot: it is there for whoever undoes it, from any machine.
const (
	recordCategory = "causeway"
	recordName     = "setup"
)

// record is what setup has changed, with how it was before the first time. Its JSON stays on servers for years.
type record struct {
	// Made: the bot was made. Disabled: it was there, and disabled.
	Made     bool `json:"made,omitempty"`
	Disabled bool `json:"disabled,omitempty"`
	// Roles are what the bot was given, Granted the permissions that were added to the role restrictedRole.
	Roles   []string `json:"roles,omitempty"`
	Granted []string `json:"granted,omitempty"`
	// Settings by their names, "ServiceSettings.EnableCommands".
	Settings map[string]change `json:"settings,omitempty"`
	// Teams and Channels are those that the bot was added to, Tokens those that were minted for it; by their ids.
	Teams    []string `json:"teams,omitempty"`
	Channels []string `json:"channels,omitempty"`
	Tokens   []string `json:"tokens,omitempty"`
	// App is the id of the OAuth 2.0 app that was made.
	App string `json:"app,omitempty"`
}

// change is of one setting.
type change struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// set remembers a change. What was there before the first one counts, unless others have changed it since.
func (r *record) set(name string, before, after any) {
	if r.Settings == nil {
		r.Settings = map[string]change{}
	}
	switch first, is := r.Settings[name]; {
	case is && before == first.After:
		before = first.Before
	case is && name == trustedHosts:
		now, _ := before.(string)
		before = strings.Join(without(hosts(now), first.hosts()), " ")
	}
	r.Settings[name] = change{before, after}
}

// hosts are those that a change of trustedHosts has added.
func (c change) hosts() []string {
	before, _ := c.Before.(string)
	after, _ := c.After.(string)
	return without(hosts(after), hosts(before))
}

// withoutHosts is the change that takes the hosts of this one, and no others, out of the list of now.
func (c change) withoutHosts(now string) change {
	rest := without(hosts(now), c.hosts())
	switch before, _ := c.Before.(string); {
	case len(rest) == len(hosts(now)):
		return change{now, c.After}
	case slices.Equal(rest, hosts(before)): // as it was written
		return change{before, now}
	}
	return change{strings.Join(rest, " "), now}
}

// believed leaves out what setup never does: the bot may write the record itself, so undoing must not do more for whoever got hold of its token than
// take back what it was given. Of apps and tokens, planUndo asks the server whose they are.
func (r *record) believed() record {
	odd := func(known ...string) func(string) bool {
		return func(one string) bool { return !slices.Contains(known, one) }
	}
	noID := func(id string) bool { return !model.IsValidId(id) }
	b := *r
	b.Roles = slices.DeleteFunc(slices.Clone(r.Roles), odd(restrictedRole, model.SystemAdminRoleId))
	b.Granted = slices.DeleteFunc(slices.Clone(r.Granted), odd(grantable...))
	b.Teams, b.Channels, b.Tokens = slices.DeleteFunc(slices.Clone(r.Teams), noID), slices.DeleteFunc(slices.Clone(r.Channels), noID), slices.DeleteFunc(slices.Clone(r.Tokens), noID)
	if noID(r.App) {
		b.App = ""
	}
	b.Settings = maps.Clone(r.Settings)
	maps.DeleteFunc(b.Settings, func(name string, c change) bool {
		if name == siteURL || name == trustedHosts {
			_, before := c.Before.(string)
			_, after := c.After.(string)
			return !before || !after
		}
		return !slices.ContainsFunc(append(switches(ProfileSimple), switches(ProfileRestricted)...), func(w wantedSetting) bool {
			return w.name == name && c.After == w.value && c.Before == !w.value.(bool)
		})
	})
	return b
}

func added(list *[]string, id string) {
	if !slices.Contains(*list, id) {
		*list = append(*list, id)
	}
}

// readRecord gives what setup has changed before; an empty one when that is nothing.
func (s *setter) readRecord(ctx context.Context, bot string) (record, error) {
	var kept model.Preference
	err := s.client.get(ctx, "/users/"+bot+"/preferences/"+recordCategory+"/name/"+recordName, &kept)
	switch kind := bridge.KindOf(err); {
	case err != nil && (kind == bridge.Gone || kind == bridge.Rejected): // 11.1 answers 400 or 404
		return record{}, nil
	case err != nil:
		return record{}, fmt.Errorf("reading what was set up before: %w", bare(err))
	}
	var r record
	if err := json.Unmarshal([]byte(kept.Value), &r); err != nil {
		return record{}, fmt.Errorf("reading what was set up before: %w: the bot's preference %s/%s is damaged", err, recordCategory, recordName)
	}
	b := r.believed()
	was, _ := json.Marshal(r) // what has been read can be written
	if is, _ := json.Marshal(b); !bytes.Equal(was, is) {
		s.call.Desk.Say(fmt.Sprintf("The bot's preference %s/%s tells of changes that setup never makes; they are left alone. Who has written them holds the bot's token: make another one.", recordCategory, recordName))
	}
	return b, nil
}

// keepRecord is called before what it tells of is done, so that all of it can be undone whenever this ends. The bot, its app and its token can be told of
// only once they are there; of these, planUndo finds the token by its description.
func (s *setter) keepRecord(ctx context.Context) error {
	text, err := json.Marshal(s.found.record)
	if err != nil {
		return err
	}
	all := model.Preferences{{UserId: s.found.bot.Id, Category: recordCategory, Name: recordName, Value: string(text)}}
	_, err = s.client.call(ctx, opChange, http.MethodPut, "/users/"+s.found.bot.Id+"/preferences", all, nil)
	return wrap("keeping what is changed", err)
}

func (s *setter) dropRecord(ctx context.Context) error {
	all := model.Preferences{{UserId: s.found.bot.Id, Category: recordCategory, Name: recordName}}
	_, err := s.client.call(ctx, opChange, http.MethodPost, "/users/"+s.found.bot.Id+"/preferences/delete", all, nil)
	return err
}
