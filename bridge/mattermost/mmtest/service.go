// Package mmtest lets the suite of package bridgetest act on a Mattermost server: a stand-in or a real one. People act by REST with
// their own tokens; faults are made by a proxy between the bridge and the server.
package mmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/bridge/mattermost"
)

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Member is somebody on the server and a token to act as them.
type Member struct {
	ID, Username, Token string
}

// World is a server with the people whom the suite needs, all in one team.
type World struct {
	URL      string
	Server   bridge.ServerID
	TeamName string
	// Admin is the token of a system administrator.
	Admin           string
	Alice, Bob, Bot Member
	// Channel makes a public channel of that name with Alice, Bob and the bot as members; it gives its id.
	Channel func(t testing.TB, name string) string
	// Person makes one more person in the team.
	Person func(t testing.TB, name string) Member
	// Revoke takes the bot's token away, Grant gives it back.
	Revoke, Grant func(t testing.TB)
	// Profile is how people are acted as; empty: restricted.
	Profile string
	// Roles gives the bot system roles, besides system_user. The restricted one may do what docs/mattermost-bot.md says.
	Roles func(t testing.TB, roles string)
	// Bridge makes the bridge; nil: mattermost.New.
	Bridge func(bridge.Env, *mattermost.Settings) (bridge.Bridge, error)
	// Within is [bridgetest.Service.Within].
	Within time.Duration
}

// Open gives a handle with two fresh channels.
func Open(t *testing.T, w World) bridgetest.Service {
	s := &service{World: w, Proxy: NewProxy(t, w.URL), t: t, client: &http.Client{Timeout: 30 * time.Second}}
	suffix := model.NewId()[:8]
	for n, label := range []string{"one", "two"} {
		name := "law-" + label + "-" + suffix
		id := w.Channel(t, name)
		s.places[n] = bridgetest.Place{
			ID:    bridge.ConversationID{Server: w.Server, Channel: bridge.ChannelID(id)},
			Names: []string{w.TeamName + "/" + name, id, s.URL() + "/" + w.TeamName + "/channels/" + name, w.TeamName + "/~" + name},
		}
	}
	for _, m := range []Member{w.Alice, w.Bob} {
		s.listen(m)
	}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// service is the handle. It embeds the proxy for the faults.
type service struct {
	World
	*Proxy
	t      *testing.T
	client *http.Client
	places [2]bridgetest.Place
	log    lines
	vault  Vault
	// carol is made when she is needed.
	carol Member
	// app is the OAuth 2.0 app with which people are connected; empty as long as nobody is.
	app model.OAuthApp

	mu sync.Mutex
	// told counts who has heard of a post, mentioned who was notified by it.
	told, mentioned map[string]int
}

// lines is a buffer that may be written from anywhere.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// URL is the proxy's.
func (s *service) URL() string { return s.Proxy.URL() }

func (s *service) Features() bridgetest.Features {
	return bridgetest.Features{NoRestore: true, KeyCopied: true, Talks: s.talks()}
}

func (s *service) Within() time.Duration { return s.World.Within }

func (s *service) Bridge() bridge.Bridge {
	log := logrus.New()
	log.SetOutput(&s.log)
	log.SetLevel(logrus.TraceLevel)
	open := s.World.Bridge
	if open == nil {
		open = mattermost.New
	}
	b, err := open(bridge.Env{Account: "mattermost.law", Log: logrus.NewEntry(log), Vault: &s.vault, Direct: true}, s.settings(s.URL()))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *service) Place() bridgetest.Place { return s.places[0] }
func (s *service) Other() bridgetest.Place { return s.places[1] }

func (s *service) member(who bridgetest.Who) Member {
	switch who {
	case bridgetest.Alice:
		return s.Alice
	case bridgetest.Carol:
		if s.carol.ID == "" {
			s.carol = s.World.Person(s.t, "carol")
		}
		return s.carol
	}
	return s.Bob
}

func (s *service) Person(who bridgetest.Who) bridge.Author {
	m := s.member(who)
	return bridge.Author{ID: bridge.UserID(m.ID), Name: m.Username, Username: m.Username}
}

// do makes one request, past the proxy. What fails ends the test. People do not act twice in one millisecond, and the server's
// times are no finer: only a stand-in is quick enough to make that a difference.
func (s *service) do(token, method, path string, in, out any) {
	s.t.Helper()
	if method != http.MethodGet {
		time.Sleep(time.Millisecond)
	}
	if err := request(s.client, s.World.URL, token, method, path, in, out); err != nil {
		s.t.Fatal(err)
	}
}

func request(client *http.Client, base, token, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, base+"/api/v4"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (s *service) post(token string, p map[string]any) bridge.MessageID {
	s.t.Helper()
	var made model.Post
	s.do(token, "POST", "/posts", p, &made)
	return bridge.MessageID(made.Id)
}

func (s *service) Say(c bridge.ConversationID, who bridgetest.Who, text string) bridge.MessageID {
	s.t.Helper()
	return s.post(s.member(who).Token, map[string]any{"channel_id": c.Channel, "message": text})
}

func (s *service) Call(c bridge.ConversationID, who bridgetest.Who, before, behind string, whom ...bridgetest.Who) bridge.MessageID {
	s.t.Helper()
	names := ""
	for _, one := range whom {
		names += "@" + s.member(one).Username
	}
	if names == "" {
		names = "@channel"
	}
	return s.post(s.member(who).Token, map[string]any{"channel_id": c.Channel, "message": before + names + behind})
}

func (s *service) Reply(c bridge.ConversationID, root bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	s.t.Helper()
	return s.post(s.member(who).Token, map[string]any{"channel_id": c.Channel, "root_id": root, "message": text})
}

// Quote copies text and props: the place of the key is open to everybody who can write.
func (s *service) Quote(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	s.t.Helper()
	var original model.Post
	s.do(s.member(who).Token, "GET", "/posts/"+string(id), nil, &original)
	return s.post(s.member(who).Token, map[string]any{
		"channel_id": c.Channel, "message": text + "\n> " + original.Message, "props": original.GetProps(),
	})
}

func (s *service) Change(_ bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, text string) {
	s.t.Helper()
	s.do(s.member(who).Token, "PUT", "/posts/"+string(id)+"/patch", map[string]any{"message": text}, nil)
}

func (s *service) Remove(_ bridge.ConversationID, id bridge.MessageID, who bridgetest.Who) {
	s.t.Helper()
	s.do(s.member(who).Token, "DELETE", "/posts/"+string(id), nil, nil)
}

func (s *service) RemoveAny(_ bridge.ConversationID, id bridge.MessageID) {
	s.t.Helper()
	s.do(s.Admin, "DELETE", "/posts/"+string(id), nil, nil)
}

func (s *service) Restore(bridge.ConversationID, bridge.MessageID, bridgetest.Who) {
	s.t.Fatal("Mattermost cannot restore a deleted message")
}

func (s *service) React(_ bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	s.t.Helper()
	m := s.member(who)
	s.do(m.Token, "POST", "/reactions", map[string]any{"user_id": m.ID, "post_id": id, "emoji_name": nameOf(s.t, emoji)}, nil)
}

func (s *service) Unreact(_ bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	s.t.Helper()
	m := s.member(who)
	s.do(m.Token, "DELETE", "/users/"+m.ID+"/posts/"+string(id)+"/reactions/"+nameOf(s.t, emoji), nil, nil)
}

// nameOf gives Mattermost's last name for an emoji: people do not take the same alias as the bridge.
func nameOf(t testing.TB, emoji string) string {
	var names []string
	for name := range model.SystemEmojis {
		if emojiOf(name) == emoji {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("Mattermost has no emoji %q", emoji)
	}
	slices.Sort(names)
	return names[len(names)-1]
}

func emojiOf(name string) string {
	var b strings.Builder
	for _, point := range strings.Split(model.SystemEmojis[name], "-") {
		var r rune
		if _, err := fmt.Sscanf(point, "%x", &r); err != nil {
			return ""
		}
		b.WriteRune(r)
	}
	return bridge.NormalizeEmoji(b.String())
}

// Messages reads the channel as Alice does.
func (s *service) Messages(c bridge.ConversationID) []bridgetest.Seen {
	s.t.Helper()
	var posts []*model.Post
	for page := 0; ; page++ {
		var list model.PostList
		s.do(s.Alice.Token, "GET", fmt.Sprintf("/channels/%s/posts?per_page=200&page=%d", c.Channel, page), nil, &list)
		for _, id := range list.Order {
			if p := list.Posts[id]; !strings.HasPrefix(p.Type, model.PostSystemMessagePrefix) {
				posts = append(posts, p)
			}
		}
		if len(list.Order) < 200 {
			break
		}
	}
	slices.Reverse(posts) // newest first
	var all []bridgetest.Seen
	for _, p := range posts {
		all = append(all, s.seen(p))
	}
	return all
}

func (s *service) seen(p *model.Post) bridgetest.Seen {
	out := bridgetest.Seen{
		ID: bridge.MessageID(p.Id), Root: bridge.MessageID(p.RootId), Author: s.shown(p), Text: shown(p.Message), Mentions: s.mentions(p.Id),
	}
	if p.Metadata != nil {
		for _, f := range p.Metadata.Files {
			out.Files = append(out.Files, bridgetest.Attachment{Name: f.Name, Type: f.MimeType, Data: s.file(f.Id)})
		}
		for _, r := range p.Metadata.Reactions {
			out.Reactions = append(out.Reactions, bridge.Reaction{User: bridge.UserID(r.UserId), Emoji: emojiOf(r.EmojiName)})
		}
	}
	return out
}

// shown is the name beside a post.
func (s *service) shown(p *model.Post) string {
	if name, ok := p.GetProp(model.PostPropsOverrideUsername).(string); ok && p.GetProp(model.PostPropsFromWebhook) == "true" {
		return name
	}
	for _, m := range []Member{s.Alice, s.Bob, s.Bot} {
		if m.ID == p.UserId {
			return m.Username
		}
	}
	return p.UserId
}

func (s *service) Revoke() { s.World.Revoke(s.t) }
func (s *service) Grant()  { s.World.Grant(s.t) }

// Shut takes the bot out of the channel.
func (s *service) Shut(c bridge.ConversationID) {
	s.t.Helper()
	s.do(s.Admin, "DELETE", "/channels/"+string(c.Channel)+"/members/"+s.Bot.ID, nil, nil)
}

// Reopen brings it back.
func (s *service) Reopen(c bridge.ConversationID) {
	s.t.Helper()
	s.do(s.Admin, "POST", "/channels/"+string(c.Channel)+"/members", map[string]any{"user_id": s.Bot.ID}, nil)
}

func (s *service) Log() string { return s.log.String() }

func (s *service) Secrets() []string {
	all := []string{s.Bot.Token}
	for _, who := range []Member{s.Alice, s.Bob} {
		var grant struct{ Access, Refresh string }
		data, err := s.vault.Load(s.t.Context(), bridge.PersonGrant(bridge.UserID(who.ID)))
		if err == nil && json.Unmarshal(data, &grant) == nil {
			all = append(all, grant.Access)
			if grant.Refresh != "" {
				all = append(all, grant.Refresh)
			}
		}
	}
	return all
}
