package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

// linkName is what the gateway of a pair is called that was made at run time.
func linkName(id int64) string { return fmt.Sprint("link ", id) }

// linked gives the config with the pairs of channels that were made at run time, as gateways. One that names an account which is not in the config any
// more is left out, with a warning.
func linked(cfg *config.Config, links []store.ChannelLink) *config.Config {
	whole := unlinked(cfg)
	for _, l := range links {
		g := config.Gateway{Name: linkName(l.ID), Enable: true, Linked: true, Files: config.Files{Mode: config.FilesCopy}}
		for _, end := range l.Ends {
			if _, there := cfg.Accounts[string(end.Account)]; !there {
				whole.Warnings = append(slices.Clone(whole.Warnings), config.Mistake{File: g.Name, Problem: fmt.Sprintf("%s and %s are linked, and there is no account %s any more", l.Ends[0].Shown(), l.Ends[1].Shown(), end.Account),
					Hint: fmt.Sprintf("put it back, or do `causeway unlink %q`", l.Ends[0])})
				g.Enable = false
			}
			g.Endpoints = append(g.Endpoints, config.Endpoint{Account: string(end.Account), Channel: end.Channel, Name: end.Name})
		}
		if g.Enable {
			whole.Gateways = append(whole.Gateways, g)
		}
	}
	return whole
}

// unlinked gives a copy of the config as the file says it.
func unlinked(cfg *config.Config) *config.Config {
	plain := *cfg
	plain.Gateways = slices.DeleteFunc(slices.Clone(cfg.Gateways), func(g config.Gateway) bool { return g.Linked })
	return &plain
}

// linker pairs channels while Causeway runs.
type linker struct{ a *App }

// place is a channel that was named for a link. The id is empty as long as it is not known.
type place struct {
	end store.ChannelEnd
	id  bridge.ConversationID
}

// decided gives the place of a channel about which somebody decides: it goes by its id, so that it stays that one whatever is called so later.
func decided(c people.LinkEnd) place {
	return place{store.ChannelEnd{Account: c.Account, Channel: string(c.ID.Channel)}, c.ID}
}

// asTyped gives the places of channels as they were typed.
func asTyped(ends [2]store.ChannelEnd) [2]place { return [2]place{{end: ends[0]}, {end: ends[1]}} }

// Link pairs two channels about which somebody decides. Its errors are for them.
func (l linker) Link(ctx context.Context, who string, both [2]people.LinkEnd) (string, error) {
	return l.a.link(ctx, who, [2]place{decided(both[0]), decided(both[1])})
}

// Unlink ends the pair that has a channel about which somebody decides.
func (l linker) Unlink(ctx context.Context, who string, one people.LinkEnd) (string, error) {
	return l.a.unlink(ctx, who, [2]place{decided(one)})
}

// link pairs two channels. Its errors are for whoever wants it.
func (a *App) link(ctx context.Context, who string, both [2]place) (string, error) {
	a.reload.turn.Lock()
	defer a.reload.turn.Unlock()
	return inAudit(ctx, a.store, who, "link", [2]store.ChannelEnd{both[0].end, both[1].end}, func() (string, error) {
		cfg := a.parts.Load().cfg
		for i, want := range both {
			one, err := a.find(ctx, cfg, want.end)
			if err == nil && want.id != (bridge.ConversationID{}) && one.id != want.id {
				err = fmt.Errorf("%s leads to another channel", want.end)
			}
			if err != nil {
				return "", err
			}
			both[i] = one
		}
		made, err := makeLink(ctx, a.protocols, cfg, a.store, who, both)
		if err != nil {
			return "", err
		}
		if _, err := a.change(ctx, unlinked(cfg)); err != nil {
			return "", errors.Join(err, a.store.Unlink(context.WithoutCancel(ctx), made.ID))
		}
		return linkedText(made), nil
	})
}

// find looks for a channel by an account that runs, or by one of its own for the time being.
func (a *App) find(ctx context.Context, cfg *config.Config, end store.ChannelEnd) (place, error) {
	account, there := cfg.Accounts[string(end.Account)]
	if !there {
		return place{}, noAccount(cfg, end.Account)
	}
	p := a.parts.Load()
	if i := slices.IndexFunc(p.accounts, func(o gateway.Account) bool { return o.Name == end.Account }); i >= 0 {
		return resolved(ctx, p.accounts[i].Bridge, end)
	}
	one, err := a.newAccount(cfg, account)
	if err != nil {
		return place{}, err
	}
	defer func() { _ = one.Bridge.Close() }()
	if _, err := one.Bridge.Connect(ctx); err != nil {
		return place{}, fmt.Errorf("%s: %w", end.Account, err)
	}
	return resolved(ctx, one.Bridge, end)
}

func noAccount(cfg *config.Config, name bridge.AccountName) error {
	var ids []string
	for _, a := range inOrder(cfg) {
		ids = append(ids, a.ID)
	}
	return fmt.Errorf("there is no account %q in the config; %s", name, config.Suggest(string(name), ids))
}

func resolved(ctx context.Context, b bridge.Bridge, end store.ChannelEnd) (place, error) {
	c, err := b.Resolve(ctx, end.Channel, bridge.Read|bridge.Write)
	if err != nil {
		return place{}, fmt.Errorf("%s: %w", end, err)
	}
	if end.Channel == string(c.ID.Channel) && c.Name != end.Channel {
		end.Name = oneLine(c.Name)
	}
	return place{end, c.ID}, nil
}

// makeLink stores a pair, unless one of the two channels is in a gateway already.
func makeLink(ctx context.Context, protocols []bridge.Protocol, cfg *config.Config, s *store.Store, who string, both [2]place) (store.ChannelLink, error) {
	if both[0].id == both[1].id {
		return store.ChannelLink{}, errors.New("both are the same channel")
	}
	for _, one := range both {
		if taken, err := gatewayOf(ctx, protocols, cfg, s, one); err != nil || taken != "" {
			if err == nil {
				err = fmt.Errorf("%s is in the gateway %q already: %s", one.end.Shown(), taken, freeing(cfg, taken))
			}
			return store.ChannelLink{}, err
		}
	}
	for _, one := range both { // so that the gateway knows at once which conversation is meant
		if err := s.Remember(ctx, one.end.Account, placed(protocols, cfg, one.end), one.id); err != nil {
			return store.ChannelLink{}, err
		}
	}
	return s.Link(ctx, store.ChannelLink{Ends: [2]store.ChannelEnd{both[0].end, both[1].end}, Made: time.Now(), Who: who}, both[0].id, both[1].id)
}

func placed(protocols []bridge.Protocol, cfg *config.Config, end store.ChannelEnd) string {
	return gateway.Placed(placeOf(protocols, cfg.Accounts[string(end.Account)]), end.Channel)
}

// freeing says how a channel gets out of a gateway.
func freeing(cfg *config.Config, name string) string {
	i := slices.IndexFunc(cfg.Gateways, func(g config.Gateway) bool { return g.Name == name })
	if i >= 0 && cfg.Gateways[i].Linked {
		return "unlink it first"
	}
	return "take it out of the config first"
}

// gatewayOf names the enabled gateway in which a channel is; empty: it is in none.
func gatewayOf(ctx context.Context, protocols []bridge.Protocol, cfg *config.Config, s *store.Store, one place) (string, error) {
	for _, g := range cfg.Gateways {
		for _, e := range g.Endpoints {
			end := store.ChannelEnd{Account: bridge.AccountName(e.Account), Channel: e.Channel}
			if !g.Enable {
				continue
			}
			if end.Same(one.end) {
				return g.Name, nil
			}
			id, known, err := s.Endpoint(ctx, end.Account, placed(protocols, cfg, end))
			if err != nil {
				return "", err
			}
			if known && id == one.id {
				return g.Name, nil
			}
		}
	}
	return "", nil
}

func linkedText(l store.ChannelLink) string {
	return fmt.Sprintf("%s and %s are linked, as %q: what is said from now on in one is carried to the other.", l.Ends[0].Shown(), l.Ends[1].Shown(), linkName(l.ID))
}

// unlink ends a pair, of which one channel does to name it.
func (a *App) unlink(ctx context.Context, who string, both [2]place) (string, error) {
	a.reload.turn.Lock()
	defer a.reload.turn.Unlock()
	return inAudit(ctx, a.store, who, "unlink", [2]store.ChannelEnd{both[0].end, both[1].end}, func() (string, error) {
		cfg := a.parts.Load().cfg
		for i := range both {
			a.identify(ctx, &both[i])
		}
		one, err := pairOf(ctx, a.protocols, cfg, a.store, both)
		if err != nil {
			return "", err
		}
		if idle(withoutGateway(cfg, linkName(one.ID))) != nil {
			return "", fmt.Errorf("nothing else is carried, and Causeway does not run without: whoever operates it may stop it, and do `causeway unlink %q` then", one.Ends[0])
		}
		if err := a.store.Unlink(ctx, one.ID); err != nil {
			return "", err
		}
		if _, err := a.change(ctx, unlinked(cfg)); err != nil {
			_, back := a.store.Link(context.WithoutCancel(ctx), one)
			return "", errors.Join(err, back)
		}
		return unlinkedText(one), nil
	})
}

// identify finds out which channel was typed, if it can be found by an account that runs.
func (a *App) identify(ctx context.Context, one *place) {
	accounts := a.parts.Load().accounts
	i := slices.IndexFunc(accounts, func(o gateway.Account) bool { return o.Name == one.end.Account })
	if i < 0 || one.id != (bridge.ConversationID{}) {
		return
	}
	if c, err := accounts[i].Bridge.Resolve(ctx, one.end.Channel, 0); err == nil {
		one.id = c.ID
	}
}

// withoutGateway gives a copy of the config that lacks one.
func withoutGateway(cfg *config.Config, name string) *config.Config {
	rest := *cfg
	rest.Gateways = slices.DeleteFunc(slices.Clone(cfg.Gateways), func(g config.Gateway) bool { return g.Linked && g.Name == name })
	return &rest
}

// Linked gives the channels with which one mirrors, by gateway.
func (l linker) Linked(ctx context.Context, c bridge.ConversationID) ([]string, error) {
	a := l.a
	cfg := a.parts.Load().cfg
	var all []string
	for _, g := range cfg.Gateways {
		var others []string
		in := false
		for _, e := range g.Endpoints {
			end := store.ChannelEnd{Account: bridge.AccountName(e.Account), Channel: e.Channel, Name: e.Name}
			id, known, err := a.store.Endpoint(ctx, end.Account, placed(a.protocols, cfg, end))
			if err != nil {
				return nil, err
			}
			if known && id == c {
				in = true
			} else {
				others = append(others, end.Shown())
			}
		}
		if in && g.Enable {
			all = append(all, g.Name+": "+strings.Join(others, ", "))
		}
	}
	return all, nil
}

func unlinkedText(l store.ChannelLink) string {
	return fmt.Sprintf("%s and %s are not linked any more. What was carried stays.", l.Ends[0].Shown(), l.Ends[1].Shown())
}

// pairOf finds the pair that has these ends; the second one may be empty. Channels are compared by what they were found to be: of names, which anybody may give
// a channel of their own, only those count that were never found.
func pairOf(ctx context.Context, protocols []bridge.Protocol, cfg *config.Config, s *store.Store, both [2]place) (store.ChannelLink, error) {
	all, err := s.ChannelLinks(ctx)
	if err != nil {
		return store.ChannelLink{}, err
	}
	for i, one := range both {
		if one.id == (bridge.ConversationID{}) && one.end != (store.ChannelEnd{}) {
			if both[i].id, _, err = s.Endpoint(ctx, one.end.Account, placed(protocols, cfg, one.end)); err != nil {
				return store.ChannelLink{}, err
			}
		}
	}
	for _, l := range all {
		has := 0
		for _, one := range both {
			in, err := isEnd(ctx, protocols, cfg, s, l, one)
			if err != nil {
				return store.ChannelLink{}, err
			}
			if in || one.end == (store.ChannelEnd{}) {
				has++
			}
		}
		if has == len(both) {
			return l, nil
		}
	}
	for _, one := range both {
		if taken, err := gatewayOf(ctx, protocols, cfg, s, one); err == nil && taken != "" {
			return store.ChannelLink{}, fmt.Errorf("%s is in the gateway %q: %s", one.end, taken, freeing(cfg, taken))
		}
	}
	return store.ChannelLink{}, errors.New("they are not linked: `causeway link` lists what is")
}

// isEnd reports whether a channel is one of a pair's.
func isEnd(ctx context.Context, protocols []bridge.Protocol, cfg *config.Config, s *store.Store, l store.ChannelLink, one place) (bool, error) {
	for _, end := range l.Ends {
		id, known, err := s.Endpoint(ctx, end.Account, placed(protocols, cfg, end))
		if err != nil {
			return false, err
		}
		same := id == one.id
		if !known || one.id == (bridge.ConversationID{}) {
			same = end.Account == one.end.Account && (strings.EqualFold(end.Channel, one.end.Channel) || end.Name != "" && strings.EqualFold(end.Name, one.end.Channel))
		}
		if same {
			return true, nil
		}
	}
	return false, nil
}

// inAudit keeps what was done, or refused.
func inAudit(ctx context.Context, s *store.Store, who, act string, ends [2]store.ChannelEnd, do func() (string, error)) (string, error) {
	about := ends[0].String()
	if ends[1] != (store.ChannelEnd{}) {
		about += " " + ends[1].String()
	}
	text, err := do()
	entry := store.Audited{Who: who, Act: act, About: about, Result: text}
	if err != nil {
		entry.Result, entry.Failed = bridge.Cause(err), true
	}
	if kept := s.Record(context.WithoutCancel(ctx), entry); kept != nil && err == nil {
		return "", fmt.Errorf("%s is done, but stands in no audit log: %w", act, kept)
	}
	return text, err
}
