package mattermost

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// builtInTriggers are some of those that the real server has itself.
var builtInTriggers = []string{"away", "header", "help", "invite", "join", "leave", "me", "msg", "mute", "offline", "online", "remove", "search", "shrug"}

func (s *Server) commandsOff(where string) *model.AppError {
	if !s.opts.NoCommands {
		return nil
	}
	return fail(where, "api.command.disabled.app_error", http.StatusNotImplemented)
}

func noCommand() *model.AppError {
	return fail("Context", "store.sql_command.get.missing.app_error", http.StatusNotFound)
}

func (s *Server) commandsOf(team string) []*model.Command {
	out := []*model.Command{}
	for _, k := range s.commands {
		if k.TeamId == team {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Id < out[j].Id })
	return out
}

// getCommands lists the custom commands of a team, with their tokens.
func (s *Server) getCommands(c *call) (any, *model.AppError) {
	team := c.r.URL.Query().Get("team_id")
	switch {
	case team == "":
		return nil, invalidBody()
	case !s.mayInTeam(c.user, team, "view_team"), !s.mayInTeam(c.user, team, "manage_slash_commands"):
		return nil, forbidden()
	}
	if err := s.commandsOff("ListTeamCommands"); err != nil {
		return nil, err
	}
	return s.commandsOf(team), nil
}

func (s *Server) postCommand(c *call) (any, *model.AppError) {
	var k model.Command
	if err := c.decode(&k); err != nil {
		return nil, err
	}
	if !s.mayInTeam(c.user, k.TeamId, "manage_slash_commands") {
		return nil, forbidden()
	}
	if err := s.commandsOff("CreateCommand"); err != nil {
		return nil, err
	}
	k.Trigger = strings.ToLower(k.Trigger)
	for _, other := range s.commandsOf(k.TeamId) {
		if other.Trigger == k.Trigger {
			return nil, fail("CreateCommand", "api.command.duplicate_trigger.app_error", http.StatusBadRequest)
		}
	}
	for _, word := range builtInTriggers {
		if word == k.Trigger {
			return nil, fail("CreateCommand", "api.command.duplicate_trigger.app_error", http.StatusBadRequest)
		}
	}
	k.Id, k.Token, k.CreatorId = "", "", c.user.Id
	k.PreSave()
	k.CreateAt, k.UpdateAt = s.nowMillis(), s.nowMillis()
	if err := k.IsValid(); err != nil {
		return nil, err
	}
	s.commands[k.Id] = &k
	c.status = http.StatusCreated
	shown := k
	return &shown, nil
}

// ownCommand finds the command of the path. Who may not manage those of its team does not learn that it exists.
func (c *call) ownCommand() (*model.Command, *model.AppError) {
	s := c.s
	k := s.commands[c.params["command_id"]]
	switch {
	case s.opts.NoCommands, k == nil, !s.mayInTeam(c.user, k.TeamId, "manage_slash_commands"):
		return nil, noCommand()
	case k.CreatorId != c.user.Id && !s.mayInTeam(c.user, k.TeamId, "manage_others_slash_commands"):
		return nil, forbidden()
	}
	return k, nil
}

func (s *Server) putCommand(c *call) (any, *model.AppError) {
	old, err := c.ownCommand()
	if err != nil {
		return nil, err
	}
	var k model.Command
	if c.decode(&k) != nil || k.Id != old.Id {
		return nil, invalidBody()
	}
	if k.TeamId != old.TeamId {
		return nil, fail("updateCommand", "api.command.team_mismatch.app_error", http.StatusBadRequest)
	}
	k.Trigger = strings.ToLower(k.Trigger)
	k.Token, k.CreateAt, k.UpdateAt, k.CreatorId = old.Token, old.CreateAt, s.nowMillis(), old.CreatorId
	if err := k.IsValid(); err != nil {
		return nil, err
	}
	*old = k
	return &k, nil
}

func (s *Server) deleteCommand(c *call) (any, *model.AppError) {
	k, err := c.ownCommand()
	if err != nil {
		return nil, err
	}
	delete(s.commands, k.Id)
	return statusOK, nil
}

// postExecute sends a command on. In a channel its team counts, in a direct one the team that the client shows.
func (s *Server) postExecute(c *call) (any, *model.AppError) {
	var args model.CommandArgs
	if err := c.decode(&args); err != nil {
		return nil, err
	}
	word, text, _ := strings.Cut(strings.TrimPrefix(args.Command, "/"), " ")
	if !strings.HasPrefix(args.Command, "/") || word == "" || !model.IsValidId(args.ChannelId) {
		return nil, fail("executeCommand", "api.command.execute_command.start.app_error", http.StatusBadRequest)
	}
	ch := s.channels[args.ChannelId]
	if !s.mayInChannel(c.user, ch, "create_post") {
		return nil, forbidden()
	}
	if ch.TeamId != "" {
		args.TeamId = ch.TeamId
	} else if !c.user.teams[args.TeamId] {
		return nil, forbidden()
	}
	for _, k := range s.commandsOf(args.TeamId) {
		if k.Trigger == strings.ToLower(word) && !s.opts.NoCommands {
			return s.execute(c, *k, ch, strings.TrimSpace(text))
		}
	}
	return nil, fail("command", "api.command.execute_command.not_found.app_error", http.StatusNotFound)
}

func (s *Server) execute(c *call, k model.Command, ch *channel, text string) (any, *model.AppError) {
	team := s.teams[k.TeamId]
	form := url.Values{
		"token": {k.Token}, "team_id": {team.Id}, "team_domain": {team.Name}, "channel_id": {ch.Id}, "channel_name": {ch.Name},
		"user_id": {c.user.Id}, "user_name": {c.user.Username}, "command": {"/" + k.Trigger}, "text": {text},
		"response_url": {s.siteURL() + "/hooks/commands/" + model.NewId()}, "trigger_id": {model.NewId()},
	}
	var status int
	var response model.CommandResponse
	var err error
	c.outside(func() {
		status, err = s.call(c.r.Context(), k.URL, "application/x-www-form-urlencoded", form.Encode(), "Token "+k.Token, &response)
	})
	switch {
	case err != nil:
		return nil, fail("command", "api.command.execute_command.failed.app_error", http.StatusInternalServerError)
	case status != http.StatusOK:
		return nil, fail("command", "api.command.execute_command.failed_resp.app_error", http.StatusInternalServerError)
	}
	if response.Text == "" && len(response.Attachments) == 0 {
		return &response, nil
	}
	p := &model.Post{ChannelId: ch.Id, UserId: c.user.Id, Message: response.Text, Type: response.Type}
	p.SetProps(copyProps(response.Props))
	p.AddProp("from_webhook", "true")
	if k.Username != "" && !s.opts.NoUsernameOverride {
		p.AddProp("override_username", k.Username)
	}
	if len(response.Attachments) > 0 {
		p.AddProp("attachments", response.Attachments)
	}
	if response.ResponseType == model.CommandResponseTypeInChannel {
		if _, err := s.create(c.user, p, true, nil); err != nil {
			return nil, err
		}
		return &response, nil
	}
	s.ephemeral(c.user.Id, c.user.Id, p)
	return &response, nil
}

// Command lets a user type a command, "/msteams connect". In a direct channel their first team is the one that their client shows.
// What is answered in private is among [Server.Ephemerals].
func (s *Server) Command(who, channel, line string) error {
	s.mu.Lock()
	u, ch := s.mustUser(who), s.mustChannel(channel)
	team := ch.TeamId
	for id := range u.teams {
		if team == "" {
			team = id
		}
	}
	s.mu.Unlock()
	if err := s.act(u, "POST", "/commands/execute", &model.CommandArgs{Command: line, ChannelId: ch.Id, TeamId: team}); err != nil {
		return fmt.Errorf("typing %s: %w", line, err)
	}
	return nil
}
