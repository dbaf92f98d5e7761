package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

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

// set remembers a change. What was there before the first one counts.
func (r *record) set(name string, before, after any) {
	if r.Settings == nil {
		r.Settings = map[string]change{}
	}
	if first, is := r.Settings[name]; is {
		before = first.Before
	}
	r.Settings[name] = change{before, after}
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
	return r, nil
}

// keepRecord is called before what it tells of is done, so that all of it can be undone whenever this ends.
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
