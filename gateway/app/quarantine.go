package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// quarantine is `causeway quarantine list | retry WHICH | drop WHICH`. All of them work while `causeway run` does: it looks
// every few seconds whether somebody else has changed the store.
func (c *call) quarantine(ctx context.Context) error {
	do, err := c.quarantineAction()
	if err != nil {
		return err
	}
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	if !storeExists(cfg.Storage) {
		return do(ctx, cfg, nil)
	}
	opened, err := openStore(ctx, cfg.Storage)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	links, err := opened.ChannelLinks(ctx)
	if err != nil {
		return err
	}
	return do(ctx, linked(cfg, links), opened)
}

// selection is which of those in quarantine are meant: one by its ID, or all that go to a conversation, or were refused for a reason, or both.
type selection struct {
	id         int64
	to, reason string
}

// quarantineAction reads the arguments. What it gives takes a nil store when there is none yet.
func (c *call) quarantineAction() (func(context.Context, *config.Config, *store.Store) error, error) {
	v, _ := verbNamed("quarantine")
	wrong := func(format string, args ...any) error {
		return &usageError{text: fmt.Sprintf(format, args...), verb: v}
	}
	which := selection{to: c.to, reason: c.reason}
	many := which != selection{}
	if len(c.args) == 0 && !many {
		return c.listQuarantine, nil
	} else if len(c.args) == 0 {
		return nil, wrong("--%s and --%s belong to retry and drop", flagTo, flagReason)
	}
	action := c.args[0]
	switch {
	case action != "list" && action != "retry" && action != "drop":
		return nil, wrong("quarantine cannot %q; %s", action, config.Suggest(action, []string{"list", "retry", "drop"}))
	case action == "list" && many:
		return nil, wrong("--%s and --%s belong to retry and drop", flagTo, flagReason)
	case action == "list" && len(c.args) > 1, many && len(c.args) > 1:
		return nil, wrong("quarantine %s takes no %q", action, c.args[1])
	case action == "list":
		return c.listQuarantine, nil
	case many:
	case len(c.args) < 2:
		return nil, wrong("quarantine %s needs the ID that `causeway quarantine list` shows, or --%s or --%s for many", action, flagTo, flagReason)
	default:
		id, err := strconv.ParseInt(c.args[1], 10, 64)
		if err != nil || id < 1 {
			return nil, wrong("%q is not an ID; `causeway quarantine list` shows them", c.args[1])
		}
		which.id = id
	}
	return func(ctx context.Context, cfg *config.Config, s *store.Store) error {
		if which.id != 0 {
			return c.release(ctx, cfg, s, action, which.id)
		}
		return c.releaseMany(ctx, cfg, s, action, which)
	}, nil
}

// releaseMany is retry and drop of all that are meant.
func (c *call) releaseMany(ctx context.Context, cfg *config.Config, s *store.Store, action string, which selection) error {
	var all []store.Quarantined
	named := func(bridge.ConversationID) string { return "" }
	if s != nil {
		var err error
		if all, err = s.Quarantine(ctx); err == nil {
			named, err = c.names(ctx, cfg, s)
		}
		if err != nil {
			return err
		}
	}
	done := 0
	for _, q := range all {
		if which.to != "" && !strings.EqualFold(which.to, named(q.Target)) || !strings.Contains(strings.ToLower(q.Reason), strings.ToLower(which.reason)) {
			continue
		}
		err := c.release(ctx, cfg, s, action, q.ID)
		if errors.Is(err, store.ErrNotQuarantined) {
			continue // somebody else has released it meanwhile
		}
		if err != nil {
			return err
		}
		done++
	}
	if done == 0 {
		return errors.New("nothing in quarantine is like that: `causeway quarantine list` shows conversations (behind the arrow) and reasons")
	}
	return nil
}

func (c *call) listQuarantine(ctx context.Context, cfg *config.Config, s *store.Store) error {
	var all []store.Quarantined
	if s != nil {
		var err error
		if all, err = s.Quarantine(ctx); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(c.out, "Nothing is in quarantine.")
		return err
	}
	named, err := c.names(ctx, cfg, s)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tSINCE\tFROM → TO\tAUTHOR\tREASON")
	for _, q := range all {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s → %s\t%s\t%s\n", q.ID, q.Since.Local().Format(time.DateTime),
			named(q.Origin), named(q.Target), oneLine(q.Author), oneLine(q.Reason))
	}
	return table.Flush()
}

// release is retry and drop.
func (c *call) release(ctx context.Context, cfg *config.Config, s *store.Store, action string, id int64) error {
	if s == nil {
		return fmt.Errorf("message %d: %w", id, store.ErrNotQuarantined)
	}
	change, done := s.Retry, "is sent again to %s: at once when Causeway is running, else when it is started."
	if action == "drop" {
		change, done = s.Drop, "is given up: it will not arrive in %s."
	}
	target, err := change(ctx, id)
	if err := c.note(ctx, s, action, fmt.Sprint("message ", id), fmt.Sprintf("Message %d "+done, id, target), err); err != nil {
		return err
	}
	named, err := c.names(ctx, cfg, s)
	if err != nil {
		return errors.Join(fmt.Errorf("message %d: %s is done, but the conversation has no name", id, action), err)
	}
	_, err = fmt.Fprintf(c.out, "Message %d "+done+"\n", id, named(target))
	return err
}

// names calls conversations as the config does, as far as they were found in earlier runs.
func (c *call) names(ctx context.Context, cfg *config.Config, s *store.Store) (func(bridge.ConversationID) string, error) {
	known := map[bridge.ConversationID]string{}
	for _, g := range cfg.Gateways {
		for _, e := range g.Endpoints {
			found, ok, err := s.Endpoint(ctx, bridge.AccountName(e.Account), gateway.Placed(placeOf(c.Protocols, cfg.Accounts[e.Account]), e.Channel))
			if err != nil {
				return nil, err
			}
			if _, twice := known[found]; ok && !twice {
				known[found] = e.Account + " " + e.Channel
			}
		}
	}
	return func(id bridge.ConversationID) string {
		if name, ok := known[id]; ok {
			return oneLine(name)
		}
		return oneLine(id.String())
	}, nil
}
