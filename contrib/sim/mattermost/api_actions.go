package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// actionID is what the real server's router lets through; any other id is 404.
var actionID = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// postAction sends the press of a button on. No proof goes with it.
func (s *Server) postAction(c *call) (any, *model.AppError) {
	id := c.params["action_id"]
	if !actionID.MatchString(id) {
		return nil, fail("", "api.context.404.app_error", http.StatusNotFound)
	}
	post, stored := s.pressable(c.params["post_id"])
	if post == nil {
		return nil, noPost()
	}
	ch := s.channels[post.ChannelId]
	if !s.mayRead(c.user, ch) {
		return nil, forbidden()
	}
	action := actionOf(post, id)
	if action == nil || action.Integration == nil {
		return nil, fail("DoPostActionWithCookie", "api.post.do_action.action_id.app_error", http.StatusNotFound)
	}
	var asked struct {
		Cookie string `json:"cookie"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if !stored && asked.Cookie != action.Cookie { // of an ephemeral post the client has to bring back what the button does
		return nil, noPost()
	}
	request := &model.PostActionIntegrationRequest{
		UserId: c.user.Id, UserName: c.user.Username, ChannelId: ch.Id, ChannelName: ch.Name, TeamId: ch.TeamId, PostId: post.Id,
		TriggerId: model.NewId(), Type: action.Type, Context: action.Integration.Context,
	}
	body, err := toJSON(request)
	if err != nil {
		return nil, invalidBody()
	}
	var response struct {
		Update        *model.Post `json:"update"`
		EphemeralText string      `json:"ephemeral_text"`
	}
	var status int
	var failed error
	c.outside(func() {
		status, failed = s.call(c.r.Context(), action.Integration.URL, "application/json", body, "", &response)
	})
	if failed != nil || status != http.StatusOK {
		return nil, fail("DoActionRequest", "api.post.do_action.action_integration.app_error", http.StatusBadRequest)
	}
	if response.Update != nil {
		r := s.live(post.Id)
		if !stored || r == nil { // an ephemeral post, or deleted meanwhile
			return nil, noPost()
		}
		props := response.Update.GetProps()
		if props == nil {
			props = r.GetProps()
		}
		if _, err := s.update(r.UserId, r, response.Update.Message, props, r.IsPinned, r.HasReactions, r.FileIds); err != nil {
			return nil, err
		}
	}
	if response.EphemeralText != "" {
		s.ephemeral(c.user.Id, c.user.Id, &model.Post{ChannelId: ch.Id, UserId: c.user.Id, Message: response.EphemeralText})
	}
	return map[string]string{"status": "OK", "trigger_id": request.TriggerId}, nil
}

// pressable finds a stored post, or an ephemeral one, whose buttons work by a cookie.
func (s *Server) pressable(id string) (post *model.Post, stored bool) {
	if r := s.live(id); r != nil {
		return r.Post, true
	}
	for _, e := range s.ephemerals {
		if e.Post.Id == id {
			return e.Post, false
		}
	}
	return nil, false
}

// actionOf finds an action in the attachments, which may have come as JSON.
func actionOf(p *model.Post, id string) *model.PostAction {
	for _, a := range attachmentsOf(p) {
		for _, action := range a.Actions {
			if action != nil && action.Id == id {
				return action
			}
		}
	}
	return nil
}

func attachmentsOf(p *model.Post) []*model.SlackAttachment {
	text, err := toJSON(p.GetProp("attachments"))
	var all []*model.SlackAttachment
	if err != nil || json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	return all
}

// ephemeral shows a post to one user; it is not stored. The context of its buttons is for the server alone.
func (s *Server) ephemeral(to, from string, p *model.Post) {
	p.Id, p.CreateAt, p.Type = model.NewId(), s.nowMillis(), model.PostTypeEphemeral
	p.UpdateAt = p.CreateAt
	kept := p.Clone()
	kept.SetProps(copyProps(p.GetProps()))
	if all := attachmentsOf(p); len(all) > 0 {
		for _, a := range all {
			for _, action := range a.Actions {
				action.Cookie = model.NewId()
			}
		}
		kept.AddProp("attachments", all)
	}
	s.ephemerals = append(s.ephemerals, Ephemeral{To: to, From: from, Post: kept})
	shown := kept.Clone()
	shown.SetProps(copyProps(kept.GetProps()))
	if all := attachmentsOf(kept); len(all) > 0 {
		shown.AddProp("attachments", all)
		shown.StripActionIntegrations()
	}
	text, err := shown.ToJSON()
	if err != nil {
		return
	}
	e := model.NewWebSocketEvent(model.WebsocketEventEphemeralMessage, "", p.ChannelId, to, nil, "")
	e.Add("post", text)
	s.publish(e, nil)
}

// errInternal: AllowedUntrustedInternalConnections does not list the host.
var errInternal = errors.New("address forbidden, you may need to set AllowedUntrustedInternalConnections to allow an integration access to your internal network")

// integrations is how the server reaches others: not into private networks, unless they are listed.
func (s *Server) integrations() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if !s.reaches(host) {
				return nil, errInternal
			}
			return dialer.DialContext(ctx, network, address)
		},
	}}
}

// reaches says whether integrations may be at a host: the literal host counts, or a network that its address is in.
func (s *Server) reaches(host string) bool {
	s.mu.Lock()
	allowed := strings.FieldsFunc(s.opts.AllowedInternal, func(r rune) bool { return r == ',' || r == ' ' })
	s.mu.Unlock()
	if slices.Contains(allowed, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host != "localhost"
	}
	for _, one := range allowed {
		if prefix, err := netip.ParsePrefix(one); err == nil && prefix.Contains(ip) {
			return true
		}
	}
	return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast()
}

// call makes a request to an integration and decodes what a good answer holds.
func (s *Server) call(ctx context.Context, address, kind, body, authorization string, out any) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := s.integrations().Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK || len(data) == 0 {
		return answer.StatusCode, err
	}
	return answer.StatusCode, json.Unmarshal(data, out)
}

// act makes a request of the user's client.
func (s *Server) act(u *user, method, path string, in any) error {
	body, err := toJSON(in)
	if err != nil {
		return err
	}
	r := httptest.NewRequest(method, apiPrefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.Token(u.Id))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code < http.StatusBadRequest {
		return nil
	}
	var app model.AppError
	if err := json.Unmarshal(w.Body.Bytes(), &app); err != nil {
		return fmt.Errorf("%d: %s", w.Code, w.Body)
	}
	return &app
}

// Press lets a user press a button of a post, stored or ephemeral, by its label.
func (s *Server) Press(who, postID, label string) error {
	s.mu.Lock()
	u := s.mustUser(who)
	post, _ := s.pressable(postID)
	id, cookie := "", ""
	if post != nil {
		for _, a := range attachmentsOf(post) {
			for _, action := range a.Actions {
				if action.Name == label {
					id, cookie = action.Id, action.Cookie
				}
			}
		}
	}
	s.mu.Unlock()
	if id == "" {
		return fmt.Errorf("pressing %s: there is no such button", label)
	}
	if err := s.act(u, "POST", "/posts/"+postID+"/actions/"+id, map[string]string{"cookie": cookie}); err != nil {
		return fmt.Errorf("pressing %s: %w", label, err)
	}
	return nil
}

// Buttons gives the labels of a post's buttons.
func (s *Server) Buttons(postID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	post, _ := s.pressable(postID)
	if post == nil {
		return nil
	}
	var labels []string
	for _, a := range attachmentsOf(post) {
		for _, action := range a.Actions {
			labels = append(labels, action.Name)
		}
	}
	return labels
}

// Authorize opens an address of /oauth/authorize in the browser of a user, who is logged in, and gives where the browser is sent.
func (s *Server) Authorize(who, address string) (location string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("authorising: %w", err)
	}
	r := httptest.NewRequest(http.MethodGet, u.RequestURI(), nil)
	r.AddCookie(&http.Cookie{Name: model.SessionCookieToken, Value: s.Token(who)})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusFound {
		return "", fmt.Errorf("authorising: %d: %s", w.Code, w.Body)
	}
	return w.Header().Get("Location"), nil
}
