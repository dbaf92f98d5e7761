package mattermost

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Paths below the hook.
const (
	pathCommand = "/command"
	pathAction  = "/action"
)

const (
	// longestRequest bounds what the server may send: 16,383 characters of a command, each up to twelve bytes in a form.
	longestRequest = 256 << 10
	// answerWithin bounds how long a command or press may take; the server waits 30 s (OutgoingIntegrationRequestsTimeout).
	answerWithin = 10 * time.Second
)

// Handler answers the commands and buttons of the server.
func (a *account) Handler() http.Handler {
	if a.front == nil || a.callback == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathCommand, a.serveCommand)
	mux.HandleFunc("POST "+pathAction, a.serveAction)
	return mux
}

// serveCommand takes a slash command, of which the server proves by the command's token that it comes from it.
func (a *account) serveCommand(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Token ")
	if !ok || !a.commands.knows(ctx, token) {
		http.Error(w, "this is not a command of the Mattermost server", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestRequest))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	form, err := url.ParseQuery(string(body))
	user, channel, word := form.Get("user_id"), form.Get("channel_id"), strings.TrimPrefix(form.Get("command"), "/")
	if err != nil || !model.IsValidId(user) || !model.IsValidId(channel) {
		http.Error(w, "the request is not a command's", http.StatusBadRequest)
		return
	}
	if !a.commands.find(token, commandKey(form.Get("team_id"), word)) {
		http.Error(w, "the token belongs to another command", http.StatusUnauthorized)
		return
	}
	_, config, err := a.self()
	if err != nil {
		http.Error(w, "not connected yet", http.StatusServiceUnavailable)
		return
	}
	reply := a.front.Command(ctx, bridge.Command{
		User:         bridge.UserID(user),
		Conversation: bridge.ConversationID{Server: config.server, Channel: bridge.ChannelID(channel)},
		Trigger:      word,
		Words:        strings.Fields(form.Get("text")),
	})
	rows, err := a.buttons(ctx, reply.Choices, false)
	if err != nil {
		a.log.WithError(err).Warn("buttons of a reply could not be made")
	}
	answerWith(w, commandAnswer{Type: model.CommandResponseTypeEphemeral, Text: spoken(reply.Text, config), Plain: true, Attachments: rows})
}

// commandAnswer is seen by who typed the command. Plain keeps the server from reading Slack's markup into it.
type commandAnswer struct {
	Type        string                   `json:"response_type"`
	Text        string                   `json:"text"`
	Plain       bool                     `json:"skip_slack_parsing"`
	Attachments []*model.SlackAttachment `json:"attachments,omitempty"`
}

// serveAction takes the press of a button. The server sends no proof of its own, so it is in the button's context.
func (a *account) serveAction(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestRequest))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	var press struct {
		User    string  `json:"user_id"`
		Post    string  `json:"post_id"`
		Context pressed `json:"context"`
	}
	if json.Unmarshal(body, &press) != nil || !model.IsValidId(press.User) || !model.IsValidId(press.Post) {
		http.Error(w, "the request is not a button's", http.StatusBadRequest)
		return
	}
	key, err := a.buttonKey(ctx)
	if err != nil {
		a.log.WithError(err).Warn("a press could not be taken")
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	if !press.Context.authentic(key) {
		http.Error(w, "this button is not Causeway's", http.StatusForbidden)
		return
	}
	_, config, err := a.self()
	if err != nil {
		http.Error(w, "not connected yet", http.StatusServiceUnavailable)
		return
	}
	reply := a.front.Press(ctx, bridge.Press{User: bridge.UserID(press.User), Token: press.Context.Token})
	answerWith(w, pressAnswer(reply, press.Context.Stored, config))
}

// actionAnswer replaces the post that holds the button; without props the buttons would stay.
type actionAnswer struct {
	Update *update `json:"update,omitempty"`
	Text   string  `json:"ephemeral_text,omitempty"`
	Plain  bool    `json:"skip_slack_parsing"`
}

type update struct {
	Message string         `json:"message"`
	Props   map[string]any `json:"props"`
}

// pressAnswer shows a reply. In an ephemeral post nothing can be replaced (the server answers 404 to who pressed): there it is a
// text of its own.
func pressAnswer(reply bridge.Reply, stored bool, config serverConfig) actionAnswer {
	out := actionAnswer{Plain: true}
	text := reply.Text
	switch {
	case len(reply.Replace) == 0:
	case stored:
		out.Update = &update{Message: spoken(reply.Replace, config), Props: map[string]any{}}
	default:
		text = append(append(richtext.Doc(nil), reply.Replace...), reply.Text...)
	}
	out.Text = spoken(text, config)
	return out
}

// answerWith writes JSON.
func answerWith(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a server that has gone is no concern of ours
}
