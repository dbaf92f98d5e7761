package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/names"
	"causeway/bridge/richtext"
)

// account is a bridge to a service.
type account struct {
	bridge.Base
	service *Service
	name    bridge.AccountName
	user    bridge.UserID
	vault   bridge.Vault
	front   bridge.Front
}

// Account gives a bridge to the service that is logged in as user. Several may be used at once. It needs no grant to act as a
// person whose token is not revoked.
func (s *Service) Account(name bridge.AccountName, user bridge.UserID) bridge.Bridge {
	return s.Open(bridge.Env{Account: name}, user)
}

// Open is Account with what the gateway gives. With a vault the account acts only as those whose good grant is kept there. People
// reach Causeway through the front.
func (s *Service) Open(env bridge.Env, user bridge.UserID) bridge.Bridge {
	a := &account{service: s, name: env.Account, user: user, vault: env.Vault}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[user] = true
	if env.Front != nil && !s.options.NoCommands {
		a.front = env.Front
		s.fronts = append(s.fronts, env.Front)
	}
	return a
}

// Close takes the front away.
func (a *account) Close() error {
	s := a.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.fronts, a.front); i >= 0 {
		s.fronts = slices.Delete(s.fronts, i, i+1)
	}
	return nil
}

// writer is whose token a write uses.
func (a *account) writer(as bridge.UserID) bridge.UserID {
	if as != "" {
		return as
	}
	return a.user
}

func fault(kind bridge.Kind, format string, args ...any) error {
	return &bridge.Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Now is the time by the service's clock.
func (a *account) Now() time.Time { return a.service.clock() }

// Capabilities follow from the service's options.
func (a *account) Capabilities() bridge.Capabilities {
	o := &a.service.options
	return bridge.Capabilities{
		Edit:               !o.NoEdit,
		Delete:             !o.NoDelete,
		Reactions:          !o.NoReactions,
		Files:              !o.NoFiles,
		FilesPerPost:       o.FilesPerPost,
		RemoveFiles:        o.KeepFiles,
		DeleteTakesReplies: o.DeleteTakesReplies,
		Quotes:             o.Quotes,
		PostInterval:       o.PostInterval,
		Settle:             o.Settle,
		People:             !o.NoPeople,
		Commands:           !o.NoCommands,
		Directory:          !o.NoDirectory,
		Muted:              a.muted(),
		Direct:             !o.NoDirect,
		Regroup:            o.Regroup,
		GroupLimit:         o.GroupLimit,
		RelayDirect:        !o.NoRelayDirect,
		RelayAside:         o.RelayAside,
	}
}

func (a *account) muted() string {
	if a.service.options.NoMute {
		return ""
	}
	return Mention
}

// Connect tells who the account is.
func (a *account) Connect(ctx context.Context) (bridge.Identity, error) {
	var id bridge.Identity
	var online []bridge.UserID
	err := a.call(ctx, Call{Op: Connect}, func() error {
		id = bridge.Identity{Server: a.service.server, User: a.user, Name: a.service.person(a.user).Name}
		online = slices.Sorted(maps.Keys(a.service.online))
		return nil
	})
	if err == nil && a.front != nil && len(online) > 0 {
		if _, ok := a.front.Awaited(); ok { // there are no teams
			a.front.Arrived(ctx, online)
		}
	}
	return id, err
}

// Resolve takes a channel's name, id or link.
func (a *account) Resolve(ctx context.Context, name string, _ bridge.Access) (bridge.Conversation, error) {
	var found bridge.Conversation
	err := a.call(ctx, Call{Op: Resolve}, func() error {
		for _, c := range a.service.order {
			if name == c.conversation.Name || name == string(c.conversation.ID.Channel) || name == c.conversation.Link {
				found = c.conversation
				return a.authorised(Call{Conversation: found.ID})
			}
		}
		return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("there is no conversation %q", name),
			Hint: "the list of conversations has the names"}
	})
	return found, err
}

// Conversations lists all that are not shut.
func (a *account) Conversations(ctx context.Context) ([]bridge.Conversation, error) {
	var all []bridge.Conversation
	err := a.call(ctx, Call{Op: Conversations}, func() error {
		for _, c := range a.service.order {
			if !c.shut {
				all = append(all, c.conversation)
			}
		}
		return nil
	})
	return all, err
}

// Read gives what has settled.
func (a *account) Read(ctx context.Context, id bridge.ConversationID, msg bridge.MessageID) (bridge.State, error) {
	var state bridge.State
	err := a.call(ctx, Call{Op: Read, Conversation: id, ID: msg}, func() error {
		c, err := a.channel(id)
		if err != nil {
			return err
		}
		if m := c.byID[msg]; m != nil {
			if v, ok := m.seen(time.Now(), a.service.options.Settle); ok {
				state = c.state(m, v)
				return nil
			}
		}
		return fault(bridge.Gone, "there is no message %s in %s", msg, id)
	})
	return state, err
}

// channel finds a conversation that may not exist.
func (a *account) channel(id bridge.ConversationID) (*channel, error) {
	if c := a.service.channels[id.Channel]; c != nil && id.Server == a.service.server {
		return c, nil
	}
	return nil, fault(bridge.Gone, "there is no conversation %s", id)
}

// own finds a message that is there and that the writer may change.
func (a *account) own(t bridge.Target) (*channel, *message, error) {
	c, m, err := a.present(t)
	if err == nil && m.writer != a.writer(t.As) {
		err = fault(bridge.Rejected, "message %s in %s is not of %s", t.ID, t.Conversation, a.writer(t.As))
	}
	return c, m, err
}

// present finds a message that is there.
func (a *account) present(t bridge.Target) (*channel, *message, error) {
	c, err := a.channel(t.Conversation)
	if err != nil {
		return nil, nil, err
	}
	if err := a.admitted(c, t.As); err != nil {
		return nil, nil, err
	}
	m := c.byID[t.ID]
	if m == nil || m.now().deleted {
		return nil, nil, fault(bridge.Gone, "message %s in %s does not exist", t.ID, t.Conversation)
	}
	return c, m, nil
}

// Parts splits what is longer than [Options.MaxText].
func (a *account) Parts(d bridge.Draft) []richtext.Doc {
	return split(d.Text, a.service.options.MaxText)
}

// Post writes a message. The same key twice makes two messages.
func (a *account) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	var id bridge.MessageID
	err := a.call(ctx, Call{Op: Post, Conversation: d.Conversation, As: d.As, Key: d.Key}, func() error {
		c, err := a.channel(d.Conversation)
		if err != nil {
			return err
		}
		if err := a.admitted(c, d.As); err != nil {
			return err
		}
		if err := a.root(c, d.Root); err != nil {
			return err
		}
		if err := a.fits(d.Text); err != nil {
			return err
		}
		if err := a.shows(c, nil, d); err != nil {
			return err
		}
		id = a.service.add(c, &message{root: d.Root, author: a.shown(c, d), writer: a.writer(d.As), key: d.Key},
			a.service.calling(version{text: a.service.text(d.Text), files: d.Files}))
		c.attach(c.byID[id])
		return nil
	})
	return id, err
}

// addresses is where messages lie: the service's name, the channel and the id follow.
const addresses = "https://memory.example/"

// isID knows ids of messages.
var isID = regexp.MustCompile(`^m[0-9]+$`)

// Address gives where a message lies.
func (a *account) Address(c bridge.ConversationID, id bridge.MessageID) string {
	if c.Server != a.service.server || id != "" && !isID.MatchString(string(id)) {
		return ""
	}
	return addresses + url.PathEscape(string(c.Server)) + "/" + url.PathEscape(string(c.Channel)) + "/" + string(id)
}

// ReadAddress takes an address apart.
func (a *account) ReadAddress(address string) (bridge.ConversationID, bridge.MessageID, bool) {
	path, ours := strings.CutPrefix(address, addresses+url.PathEscape(string(a.service.server))+"/")
	channel, id, ok := strings.Cut(path, "/")
	name, err := url.PathUnescape(channel)
	if !ours || !ok || err != nil || id != "" && !isID.MatchString(id) {
		return bridge.ConversationID{}, "", false
	}
	return bridge.ConversationID{Server: a.service.server, Channel: bridge.ChannelID(name)}, bridge.MessageID(id), true
}

// root checks that a thread can be answered.
func (a *account) root(c *channel, root bridge.MessageID) error {
	if root == "" {
		return nil
	}
	m := c.byID[root]
	if m == nil || m.now().deleted {
		return fault(bridge.Gone, "message %s in %s cannot be answered: it does not exist", root, c.conversation.ID)
	}
	if !a.service.answerable(c, m) {
		return fault(bridge.Rejected, "message %s in %s cannot be answered: it does not start a thread", root, c.conversation.ID)
	}
	return nil
}

// answerable reports whether a message can be answered: it starts a thread, or any can.
func (s *Service) answerable(c *channel, m *message) bool {
	return m.root == "" || s.options.Quotes && c.shape != bridge.Open
}

// fits checks a text's length.
func (a *account) fits(d richtext.Doc) error {
	if n := length(d); n > a.service.options.MaxText && !a.service.options.Truncate {
		return fault(bridge.Rejected, "a text of %d characters is too long; %d are allowed", n, a.service.options.MaxText)
	}
	return nil
}

// shown is who a post shows as its author: the person who writes, or whom the relay speaks for.
func (a *account) shown(c *channel, d bridge.Draft) bridge.Author {
	if d.As != "" {
		return a.service.person(d.As)
	}
	who := a.service.person(a.user)
	if d.Author.Name != "" {
		who.Name, who.Avatar = d.Author.Name, d.Author.Avatar
		if a.taken(c, d) {
			who.Name = names.Apart(d.Author, protocol, func(u bridge.UserID) bool { return a.service.people[u].ID != "" })
		}
	}
	return who
}

// taken tells whether a member of the conversation looks by name like an author from elsewhere who they are not known to be.
func (a *account) taken(c *channel, d bridge.Draft) bool {
	shape := names.Shape(d.Author.Name)
	return names.Mixed(d.Author.Name) || slices.ContainsFunc(a.service.members(c), func(u bridge.UserID) bool {
		return u != d.Same && names.Shape(a.service.person(u).Name) == shape
	})
}

// Edit replaces the text of a post.
func (a *account) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	if a.service.options.NoEdit {
		return fault(bridge.Unsupported, "edit: not supported by this service")
	}
	return a.call(ctx, Call{Op: Edit, Conversation: d.Conversation, ID: id, As: d.As, Key: d.Key}, func() error {
		c, m, err := a.own(bridge.Target{Conversation: d.Conversation, ID: id, As: d.As})
		if err != nil {
			return err
		}
		if err := a.fits(d.Text); err != nil {
			return err
		}
		files := m.now().files
		if d.As == "" || d.Key != "" {
			if err := a.shows(c, m, d); err != nil {
				return err
			}
			files = d.Files
		}
		v := a.service.calling(version{text: a.service.text(d.Text)})
		a.service.edit(c, m, v.text, files, v.mentions)
		return nil
	})
}

// Delete removes a post.
func (a *account) Delete(ctx context.Context, t bridge.Target) error {
	if a.service.options.NoDelete {
		return fault(bridge.Unsupported, "delete: not supported by this service")
	}
	return a.call(ctx, Call{Op: Delete, Conversation: t.Conversation, ID: t.ID, As: t.As}, func() error {
		c, m, err := a.own(t)
		if err != nil {
			return err
		}
		answered := func(reply *message) bool { return reply.root == m.id && !reply.now().deleted }
		if a.service.options.DeleteTakesReplies && slices.ContainsFunc(c.messages, answered) {
			return fault(bridge.Unsupported, "delete: the answers to %s in %s would go along", t.ID, t.Conversation)
		}
		a.service.remove(c, m)
		return nil
	})
}

// React sets or removes a reaction.
func (a *account) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	if a.service.options.NoReactions {
		return fault(bridge.Unsupported, "react: not supported by this service")
	}
	return a.call(ctx, Call{Op: React, Conversation: t.Conversation, ID: t.ID, As: t.As}, func() error {
		c, m, err := a.present(t)
		if err == nil {
			a.service.react(c, m, a.writer(t.As), emoji, on)
		}
		return err
	})
}

// Find looks through what has settled.
func (a *account) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	var found []bridge.MessageID
	err := a.call(ctx, Call{Op: Find, Conversation: d.Conversation, As: d.As, Key: d.Key}, func() error {
		c, err := a.channel(d.Conversation)
		if err != nil {
			return err
		}
		// The service's clock may tick slower than the one since was taken from.
		since, now := since.Truncate(a.service.options.Tick), time.Now()
		for i := len(c.messages) - 1; i >= 0 && !c.messages[i].created.Before(since); i-- {
			m := c.messages[i]
			v, ok := m.seen(now, a.service.options.Settle)
			if ok && !v.deleted && m.key == d.Key && (m.writer == a.writer(d.As) || d.Anybody) {
				found = append(found, m.id)
			}
		}
		slices.Reverse(found)
		return nil
	})
	return found, err
}

var errNobody = errors.New("there is no such person")

// LookUp knows those who were added.
func (a *account) LookUp(ctx context.Context, u bridge.UserID) (bridge.Author, error) {
	var who bridge.Author
	err := a.call(ctx, Call{Op: LookUp}, func() error {
		var known bool
		if who, known = a.service.people[u]; !known {
			return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("%s: %w", u, errNobody)}
		}
		return nil
	})
	return who, err
}
