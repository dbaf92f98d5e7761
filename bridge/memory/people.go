package memory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"causeway/bridge"
)

// The settings by which somebody is told of a conversation.
const (
	All     = "all"
	Mention = "mention"
)

// humans is what a service knows of people beside their names.
type humans struct {
	profiles map[bridge.UserID]bridge.Profile
	// changed is the directory's log: who was added or changed, in order. Marks are places in it, and of an era: those of an earlier
	// one have expired.
	changed []bridge.UserID
	era     int
	// codes are sign-ins that have not been proven yet, grants what accounts have been given to act as somebody, both by the
	// secret itself; made counts both.
	codes  map[string]signIn
	grants map[string]grant
	made   int
	// settings say how somebody is told of a conversation, where that is not All.
	settings map[seat]string
	online   map[bridge.UserID]bool
	fronts   []bridge.Front
}

// seat is somebody in a conversation.
type seat struct {
	channel bridge.ChannelID
	user    bridge.UserID
}

type signIn struct {
	user                bridge.UserID
	redirect, challenge string
}

// grant is the right to act as somebody. A kept one is good for writing; the other one only for Empower.
type grant struct {
	user bridge.UserID
	kept bool
}

func newHumans() humans {
	return humans{
		profiles: map[bridge.UserID]bridge.Profile{}, codes: map[string]signIn{}, grants: map[string]grant{},
		settings: map[seat]string{}, online: map[bridge.UserID]bool{},
	}
}

// secret makes a code or a grant.
func (h *humans) secret(what string, u bridge.UserID) string {
	h.made++
	return fmt.Sprintf("%s-%d-of-%s", what, h.made, u)
}

// profile gives what is known of a user.
func (s *Service) profile(u bridge.UserID) bridge.Profile {
	if p, known := s.profiles[u]; known {
		return p
	}
	p := bridge.Profile{Author: bridge.Author{ID: u}}
	if who, known := s.people[u]; known {
		p.Author = who
	} else {
		p.Standing.Presence = bridge.Erased
	}
	return p
}

// Profile tells also of those who were added without one.
func (a *account) Profile(ctx context.Context, u bridge.UserID) (bridge.Profile, error) {
	var p bridge.Profile
	err := a.call(ctx, Call{Op: Profile}, func() error { p = a.service.profile(u); return nil })
	return p, err
}

// FindUser takes a user name, an e-mail address or an id.
func (a *account) FindUser(ctx context.Context, name string) (bridge.Profile, error) {
	var found bridge.Profile
	err := a.call(ctx, Call{Op: FindUser}, func() error {
		for _, u := range slices.Sorted(maps.Keys(a.service.people)) {
			p := a.service.profile(u)
			if p.Standing.Presence != bridge.Erased && (name == p.Username || name == string(u) || strings.EqualFold(name, p.Email)) && name != "" {
				found = p
				return nil
			}
		}
		return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("%q: %w", name, errNobody)}
	})
	return found, err
}

// Members gives those of a direct or group conversation, or whom [Service.SetMembers] has named, else everybody who was added.
func (a *account) Members(ctx context.Context, id bridge.ConversationID) ([]bridge.UserID, error) {
	var all []bridge.UserID
	err := a.call(ctx, Call{Op: Members, Conversation: id}, func() error {
		c, err := a.channel(id)
		if err != nil {
			return err
		}
		all = a.service.members(c)
		return nil
	})
	return all, err
}

// Administers is true of those whom [Service.SetOwners] has named.
func (a *account) Administers(ctx context.Context, id bridge.ConversationID, u bridge.UserID) (may bool, err error) {
	err = a.call(ctx, Call{Op: Administers, Conversation: id}, func() error {
		c, err := a.channel(id)
		if err == nil {
			may = slices.Contains(c.owners, u)
		}
		return err
	})
	return may, err
}

func (s *Service) members(c *channel) []bridge.UserID {
	if c.members == nil {
		return slices.Sorted(maps.Keys(s.people))
	}
	return slices.Clone(c.members)
}

// Directory gives pages of [Options.BatchSize] users; a fault is asked for each.
func (a *account) Directory(ctx context.Context, since string, found func([]bridge.Profile) error) (string, error) {
	if a.service.options.NoDirectory {
		return "", fault(bridge.Unsupported, "reading the directory: not supported by this service")
	}
	from, seen, mark := 0, map[bridge.UserID]bool{}, ""
	for {
		var page []bridge.Profile
		var more bool
		err := a.call(ctx, Call{Op: Directory}, func() error {
			s := a.service
			var era int
			if since != "" && mark == "" {
				if n, err := fmt.Sscanf(since, "%d.%d", &era, &from); n != 2 || err != nil || era != s.era {
					return fault(bridge.Gone, "the directory's mark %s has expired", since)
				}
			}
			for ; from < len(s.changed) && len(page) < s.options.BatchSize; from++ {
				if u := s.changed[from]; !seen[u] {
					seen[u] = true
					page = append(page, s.profile(u))
				}
			}
			more, mark = from < len(s.changed), fmt.Sprintf("%d.%d", s.era, from)
			return nil
		})
		if err != nil {
			return "", err
		}
		if len(page) > 0 {
			if err := found(page); err != nil {
				return "", err
			}
		}
		if !more {
			return mark, nil
		}
	}
}

// Deactivate disables those who are neither administrators, bots nor managed elsewhere.
func (a *account) Deactivate(ctx context.Context, u bridge.UserID) error {
	return a.call(ctx, Call{Op: Deactivate}, func() error {
		p := a.service.profile(u)
		switch st := p.Standing; {
		case st.Presence == bridge.Erased:
			return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("%s: %w", u, errNobody)}
		case st.Admin || st.Bot || st.Managed:
			return fault(bridge.Rejected, "%s cannot be deactivated: an administrator, a bot or managed elsewhere", u)
		case st.Presence == bridge.Present || st.Presence == bridge.Unlicensed:
			p.Standing.Presence = bridge.Disabled
			a.service.know(p)
		}
		return nil
	})
}

// challenge is what of PKCE's verifier may be seen (RFC 7636, S256).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SignIn gives an address for [Service.Allow] and [Service.Decline].
func (a *account) SignIn(ctx context.Context, in bridge.SignIn) (string, error) {
	switch o := a.service.options; {
	case o.NoPeople, o.NoSignIn && o.OwnRight:
		return a.Base.SignIn(ctx, in)
	case o.NoSignIn:
		return "", &bridge.Error{Kind: bridge.Rejected, Err: errors.New("nobody can sign in here"), Hint: "people cannot sign in here, so nobody can be connected"}
	}
	err := a.call(ctx, Call{Op: SignIn}, func() error { return nil })
	q := url.Values{"redirect_uri": {in.Redirect}, "state": {in.State}, "code_challenge": {challenge(in.Verifier)}}
	return "https://memory.example/" + url.PathEscape(string(a.service.server)) + "/authorize?" + q.Encode(), err
}

// Prove takes each code once.
func (a *account) Prove(ctx context.Context, in bridge.SignIn, code string) (bridge.Proof, error) {
	var proof bridge.Proof
	err := a.call(ctx, Call{Op: Prove}, func() error {
		s := a.service
		known, ok := s.codes[code]
		delete(s.codes, code)
		if !ok || known.redirect != in.Redirect || known.challenge != challenge(in.Verifier) {
			return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("the code is not good"), Hint: "sign in again"}
		}
		p := s.profile(known.user)
		if st := p.Standing; st.Presence != bridge.Present || st.Guest || st.Bot {
			return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s cannot be connected", known.user), Hint: "ask for an account of your own here"}
		}
		secret := s.secret("proof", known.user)
		s.grants[secret] = grant{user: known.user}
		proof = bridge.Proof{Profile: p, Grant: []byte(secret)}
		return nil
	})
	return proof, err
}

// Empower revokes what an earlier call has made for the user. Without a proof's grant it needs [Options.OwnRight].
func (a *account) Empower(ctx context.Context, u bridge.UserID, proof []byte) ([]byte, error) {
	if a.service.options.NoPeople {
		return a.Base.Empower(ctx, u, proof)
	}
	var kept string
	err := a.call(ctx, Call{Op: Empower}, func() error {
		s := a.service
		g, known := s.grants[string(proof)]
		switch {
		case len(proof) == 0 && !s.options.OwnRight, len(proof) > 0 && (!known || g.user != u):
			return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("acting as %s is not allowed", u), Hint: "sign in again"}
		case s.profile(u).Standing.Presence != bridge.Present:
			return fault(bridge.Rejected, "acting as %s is not possible: %s", u, s.profile(u).Standing.Presence)
		}
		s.revoke(u)
		delete(s.revoked, u)
		if len(proof) > 0 {
			s.grants[string(proof)] = g // it can be asked again after a crash
		}
		kept = s.secret("grant", u)
		s.grants[kept] = grant{user: u, kept: true}
		return nil
	})
	return []byte(kept), err
}

// revoke ends all that anybody was given to act as u.
func (s *Service) revoke(u bridge.UserID) {
	maps.DeleteFunc(s.grants, func(_ string, g grant) bool { return g.user == u })
}

// Release revokes the grant in the vault.
func (a *account) Release(ctx context.Context, u bridge.UserID) error {
	var kept []byte
	if a.vault != nil {
		var err error
		if kept, err = a.vault.Load(ctx, bridge.PersonGrant(u)); err != nil {
			return err
		}
	}
	return a.call(ctx, Call{Op: Release}, func() error {
		if _, known := a.service.grants[string(kept)]; !known {
			return fault(bridge.Gone, "the grant of %s was not good any more", u)
		}
		delete(a.service.grants, string(kept))
		return nil
	})
}

// Discard revokes what was given for a user and is not in the vault.
func (a *account) Discard(ctx context.Context, u bridge.UserID, proof []byte) error {
	if a.service.options.NoPeople {
		return a.Base.Discard(ctx, u, proof)
	}
	var kept []byte
	if a.vault != nil {
		var err error
		if kept, err = a.vault.Load(ctx, bridge.PersonGrant(u)); err != nil {
			return err
		}
	}
	return a.call(ctx, Call{Op: Discard}, func() error {
		maps.DeleteFunc(a.service.grants, func(secret string, g grant) bool {
			return g.user == u && secret != string(kept) && (g.kept || secret == string(proof))
		})
		return nil
	})
}

// Verify asks whether writing as u would be refused.
func (a *account) Verify(ctx context.Context, u bridge.UserID) error {
	if a.service.options.NoPeople {
		return a.Base.Verify(ctx, u)
	}
	return a.call(ctx, Call{Op: Verify, As: u}, func() error { return nil })
}

// Notifications are All for those who have changed nothing.
func (a *account) Notifications(ctx context.Context, u bridge.UserID, id bridge.ConversationID) (string, error) {
	var setting string
	err := a.call(ctx, Call{Op: Notifications, Conversation: id, As: a.subject(u)}, func() error {
		at, err := a.seat(u, id)
		setting = cmp.Or(a.service.settings[at], All)
		return err
	})
	return setting, err
}

// SetNotifications takes any word.
func (a *account) SetNotifications(ctx context.Context, u bridge.UserID, id bridge.ConversationID, setting string) error {
	return a.call(ctx, Call{Op: SetNotifications, Conversation: id, As: a.subject(u)}, func() error {
		at, err := a.seat(u, id)
		if err == nil {
			a.service.settings[at] = setting
		}
		return err
	})
}

// subject is as whom u's own affairs are changed: as themselves, unless the account may do that by its own right.
func (a *account) subject(u bridge.UserID) bridge.UserID {
	if a.service.options.OwnRight {
		return ""
	}
	return u
}

// seat finds somebody in a conversation that they may not be in.
func (a *account) seat(u bridge.UserID, id bridge.ConversationID) (seat, error) {
	if a.service.options.NoMute {
		return seat{}, fault(bridge.Unsupported, "how somebody is notified: not supported by this service")
	}
	c, err := a.channel(id)
	if err == nil && c.members != nil && !slices.Contains(c.members, u) {
		err = fault(bridge.Gone, "%s is not in %s", u, id)
	}
	return seat{id.Channel, u}, err
}
