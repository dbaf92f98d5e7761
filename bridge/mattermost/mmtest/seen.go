package mmtest

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
)

// people's clients show a newline as one, and HTML as it was typed.
var client = goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Linkify), goldmark.WithRendererOptions(html.WithHardWraps(), html.WithUnsafe()))

// shown gives what people read of a message: markdown without its marks, names of emoji as emoji. Made with another program
// than the bridge's own.
func shown(message string) string {
	var page bytes.Buffer
	if err := client.Convert([]byte(message), &page); err != nil {
		return message
	}
	var out strings.Builder
	tokens := nethtml.NewTokenizer(&page)
	code := 0
	for {
		switch tokens.Next() {
		case nethtml.ErrorToken:
			return strings.TrimSpace(out.String())
		case nethtml.TextToken:
			text := string(tokens.Text())
			if code == 0 {
				text = withEmoji(text)
			}
			out.WriteString(text)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			name, _ := tokens.TagName()
			tag := string(name)
			if tag == "code" || tag == "pre" {
				code++
			}
			if !known[tag] {
				out.Write(tokens.Raw())
			}
		case nethtml.EndTagToken:
			name, _ := tokens.TagName()
			tag := string(name)
			if tag == "code" || tag == "pre" {
				code--
			}
			if !known[tag] {
				out.Write(tokens.Raw())
			}
		case nethtml.CommentToken, nethtml.DoctypeToken:
			out.Write(tokens.Raw())
		}
	}
}

// known are the tags that markdown makes; any other was typed.
var known = map[string]bool{
	"p": true, "br": true, "strong": true, "em": true, "del": true, "code": true, "pre": true, "a": true, "ul": true, "ol": true, "li": true,
	"blockquote": true, "hr": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
}

func withEmoji(text string) string {
	parts := strings.Split(text, ":")
	out := parts[0]
	for i := 1; i < len(parts); i++ {
		if i+1 < len(parts) && model.IsSystemEmojiName(parts[i]) {
			out += emojiOf(parts[i]) + parts[i+1]
			i++
			continue
		}
		out += ":" + parts[i]
	}
	return out
}

// listen opens a person's own websocket, which is told whom a post notifies.
func (s *service) listen(m Member) {
	s.mu.Lock()
	if s.told == nil {
		s.told, s.mentioned = map[string]int{}, map[string]int{}
	}
	s.mu.Unlock()
	socket, err := model.NewWebSocketClient4("ws"+strings.TrimPrefix(s.World.URL, "http"), m.Token)
	if err != nil {
		s.t.Fatal(err)
	}
	socket.Listen()
	greeted := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		responses, events := socket.ResponseChannel, socket.EventChannel
		for events != nil {
			select {
			case e, ok := <-events:
				if !ok {
					events = nil
					continue
				}
				if e.EventType() == model.WebsocketEventHello {
					close(greeted)
				}
				s.hear(m, e)
			case _, ok := <-responses:
				if !ok {
					responses = nil
				}
			case <-socket.PingTimeoutChannel:
			}
		}
	}()
	s.t.Cleanup(func() {
		socket.Close()
		<-done
	})
	select {
	case <-greeted:
	case <-time.After(30 * time.Second):
		s.t.Fatal("the server does not greet " + m.Username)
	}
}

func (s *service) hear(m Member, e *model.WebSocketEvent) {
	if e.EventType() != model.WebsocketEventPosted {
		return
	}
	var p model.Post
	text, _ := e.GetData()["post"].(string)
	if json.Unmarshal([]byte(text), &p) != nil {
		return
	}
	mentions, _ := e.GetData()["mentions"].(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[p.Id]++
	if strings.Contains(mentions, m.ID) {
		s.mentioned[p.Id]++
	}
}

// mentions counts whom of Alice and Bob a post notified, once both have heard of it.
func (s *service) mentions(id string) int {
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.mu.Lock()
		told, mentioned := s.told[id], s.mentioned[id]
		s.mu.Unlock()
		if told >= 2 {
			return mentioned
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("alice and bob were not told of post %s", id)
		}
		time.Sleep(time.Millisecond)
	}
}
