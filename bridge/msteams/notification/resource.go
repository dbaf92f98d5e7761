package notification

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what kind of thing a resource is.
type Kind uint8

const (
	// Other is anything that is not listed below. Its ids are not given.
	Other Kind = iota
	// Team has Team.
	Team
	// Channel has Team and Channel.
	Channel
	// ChannelMessage has Team, Channel and Message; Reply too when it is a reply in that thread.
	ChannelMessage
	// Chat has Chat, and User when it was named as one of somebody's chats.
	Chat
	// ChatMessage has Chat and Message.
	ChatMessage
	// Member has Member, and Team, Team and Channel, or Chat.
	Member
	// User has User.
	User
)

// Resource is what a notification is about. Its conversation is a channel (Team and Channel) or a chat (Chat).
type Resource struct {
	Kind Kind
	// User and Team are in small letters; all other ids are as Graph wrote them. None contains a slash or a control
	// character, except Member.
	User, Team, Channel, Chat, Message, Reply, Member string
}

// grammar tells what may follow what. The key is the place reached so far, then the collection, in small letters.
var grammar = map[Kind]map[string]Kind{
	Other:          {"teams": Team, "chats": Chat, "users": User},
	User:           {"chats": Chat},
	Team:           {"channels": Channel, "members": Member},
	Channel:        {"messages": ChannelMessage, "members": Member},
	ChannelMessage: {"replies": ChannelMessage},
	Chat:           {"messages": ChatMessage, "members": Member},
}

// ParseResource reads the name of a resource as it stands in a notification: with keys in parentheses, as in
// teams('id')/channels('id')/messages('id')/replies('id'), or as a path, as in chats/id/messages/id; as part of a URL,
// with escapes, and with large or small letters. A name that is well formed but of something else gives Other. Names of
// whole collections, as subscriptions have them, are such: chats/getAllMessages, chats('id')/messages.
func ParseResource(text string) (Resource, error) {
	r, known := Resource{}, true
	rest := relative(text)
	if rest == "" {
		return Resource{}, errors.New("resource names nothing")
	}
	for rest != "" {
		s, after, err := nextSegment(rest)
		if err != nil {
			return Resource{}, fmt.Errorf("resource %s: %w", shown(text), err)
		}
		rest = after
		if !known || s.collection || r.Reply != "" {
			known = false
			continue
		}
		kind, ok := grammar[r.Kind][s.name]
		if !ok {
			known = false
			continue
		}
		if err := r.set(kind, s.name, s.key); err != nil {
			return Resource{}, fmt.Errorf("resource %s: %w", shown(text), err)
		}
	}
	if !known {
		return Resource{}, nil
	}
	return r, nil
}

// relative cuts off what stands before the first collection, and what is asked of it.
func relative(text string) string {
	if len(text) > 8 && strings.EqualFold(text[:8], "https://") {
		_, text, _ = strings.Cut(text[8:], "/")
	}
	text = strings.TrimPrefix(text, "/")
	for _, version := range [...]string{"v1.0/", "beta/"} {
		if len(text) > len(version) && strings.EqualFold(text[:len(version)], version) {
			text = text[len(version):]
		}
	}
	return strings.TrimSuffix(text, "/")
}

// segment is one collection, in small letters, with the key of one thing in it.
type segment struct {
	name, key string
	// collection: no key is given, or a function's name in its place.
	collection bool
}

// nextSegment reads teams('id') or teams/id.
func nextSegment(text string) (segment, string, error) {
	end := strings.IndexAny(text, "/(?")
	if end < 0 || text[end] == '?' {
		return segment{name: strings.ToLower(text), collection: true}, "", nil
	}
	s := segment{name: strings.ToLower(text[:end])}
	if s.name == "" {
		return s, "", errors.New("a collection has no name")
	}
	if text[end] == '(' {
		key, rest, err := parentheses(text[end+1:])
		s.key = key
		return s, rest, err
	}
	path, _, _ := strings.Cut(text[end+1:], "?")
	key, rest, _ := strings.Cut(path, "/")
	if len(key) >= 6 && strings.EqualFold(key[:6], "getAll") {
		s.collection = true
		return s, rest, nil
	}
	key, err := url.PathUnescape(key)
	s.key = key
	return s, rest, err
}

// parentheses reads 'id') or id), with what follows up to the next segment.
func parentheses(text string) (key, rest string, err error) {
	var quoted, ended bool
	if quoted = strings.HasPrefix(text, "'"); quoted {
		key, rest, ended = quotation(text[1:])
	} else {
		key, rest, ended = strings.Cut(text, ")")
	}
	if !ended {
		return "", "", errors.New("a key does not end")
	}
	switch {
	case rest == "", rest[0] == '?':
		rest = ""
	case rest[0] == '/':
		rest = rest[1:]
	default:
		return "", "", errors.New("something stands behind a key")
	}
	if key, err = url.PathUnescape(key); err != nil || !quoted {
		return key, rest, err
	}
	if strings.Contains(strings.ReplaceAll(key, "''", ""), "'") {
		return "", "", errors.New("a quote in a key is not doubled")
	}
	return strings.ReplaceAll(key, "''", "'"), rest, nil
}

// quotation cuts behind the first ') whose quote is no doubled one.
func quotation(text string) (key, rest string, ended bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '\'' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			i++
			continue
		}
		if i+1 < len(text) && text[i+1] == ')' {
			return text[:i], text[i+2:], true
		}
		break
	}
	return "", "", false
}

// maxID is how many bytes an id may have. Those of chats have about 100, those of members about 250.
const maxID = 512

// set notes the key of a collection.
func (r *Resource) set(kind Kind, collection, key string) error {
	switch {
	case key == "" || key == "." || key == ".." || len(key) > maxID || !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return fmt.Errorf("what stands in %s is no id", collection)
	case kind != Member && strings.ContainsRune(key, '/'):
		// Ids are joined by slashes, in addresses and in Causeway's own ids.
		return fmt.Errorf("the id in %s has a slash", collection)
	}
	r.Kind = kind
	switch collection {
	case "users":
		r.User = strings.ToLower(key)
	case "teams":
		r.Team = strings.ToLower(key)
	case "channels":
		r.Channel = key
	case "chats":
		r.Chat = key
	case "messages":
		r.Message = key
	case "replies":
		r.Reply = key
	case "members":
		r.Member = key
	}
	return nil
}

// shown gives a text from outside for an error: quoted, and not at any length.
func shown(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return fmt.Sprintf("%q", text)
}
