package mattermost

import (
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

// serveAction handles one request sent over a websocket. It returns false when
// the socket is to be dropped.
func (s *Server) serveAction(c *connection, req *model.WebSocketRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(id string, status int) bool {
		s.reply(c, model.NewWebSocketError(req.Seq, fail("ServeWebSocket", id, status)))
		return true
	}
	switch {
	case req.Action == "":
		return refuse("api.web_socket_router.no_action.app_error", http.StatusBadRequest)
	case req.Seq <= 0:
		return refuse("api.web_socket_router.bad_seq.app_error", http.StatusBadRequest)
	case req.Action == string(model.WebsocketAuthenticationChallenge):
		return s.challenge(c, req)
	case c.token == "":
		return refuse("api.web_socket_router.not_authenticated.app_error", http.StatusUnauthorized)
	}
	u := s.users[c.userID]
	switch req.Action {
	case "ping":
		s.answer(c, req, map[string]any{
			"text": "pong", "version": model.CurrentVersion, "server_time": s.nowMillis(), "node_id": "",
		})
	case string(model.WebsocketPresenceIndicator):
		s.answer(c, req, nil)
	case "user_typing":
		channelID, _ := req.Data["channel_id"].(string)
		parent, _ := req.Data["parent_id"].(string)
		if !s.mayInChannel(u, s.channels[channelID], "create_post") {
			return refuse("api.websocket_handler.invalid_param.app_error", http.StatusBadRequest)
		}
		s.publishTyping(u.Id, channelID, parent)
		s.answer(c, req, nil)
	case "get_statuses":
		data := map[string]any{}
		for id, other := range s.users {
			if other.status != model.StatusOffline {
				data[id] = other.status
			}
		}
		s.answer(c, req, data)
	case "get_statuses_by_ids":
		data := map[string]any{}
		ids, _ := req.Data["user_ids"].([]any)
		for _, id := range ids {
			if name, ok := id.(string); ok {
				data[name] = s.statusOf(name)
			}
		}
		s.answer(c, req, data)
	default:
		return refuse("api.web_socket_router.bad_action.app_error", http.StatusInternalServerError)
	}
	return true
}

// challenge authenticates a socket that came without a header. One that is
// authenticated already gets no answer.
func (s *Server) challenge(c *connection, req *model.WebSocketRequest) bool {
	if c.token != "" {
		return true
	}
	tok, _ := req.Data["token"].(string)
	u := s.userOf(tok)
	if u == nil {
		return false
	}
	known := c.userID != "" // its former token was revoked
	c.userID, c.token = u.Id, tok
	if !known {
		s.register(c)
	}
	s.answer(c, req, nil)
	s.setStatus(u, model.StatusOnline)
	return true
}

func (s *Server) answer(c *connection, req *model.WebSocketRequest, data map[string]any) {
	s.reply(c, model.NewWebSocketResponse(model.StatusOk, req.Seq, data))
}

// reply reaches registered connections only: who never authenticated hears
// nothing.
func (s *Server) reply(c *connection, m *model.WebSocketResponse) {
	if c.userID != "" && !c.removed {
		s.push(c, m)
	}
}

func (s *Server) statusOf(userID string) string {
	if u := s.users[userID]; u != nil {
		return u.status
	}
	return model.StatusOffline
}

func (s *Server) publishTyping(userID, channelID, parent string) {
	e := model.NewWebSocketEvent(model.WebsocketEventTyping, "", channelID, "", map[string]bool{userID: true}, "")
	e.Add("parent_id", parent)
	e.Add("user_id", userID)
	s.publish(e, nil)
}
