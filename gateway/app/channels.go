package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// channels is `causeway channels ACCOUNT`.
func (c *call) channels(ctx context.Context) error {
	end := c.busy("asking what it can see")
	lines, account, err := c.visible(ctx)
	end()
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		_, err = fmt.Fprintf(c.Stderr, "%s can see no channel: make it a member of those that it shall carry\n", account)
		return err
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(c.out, line); err != nil {
			return err
		}
	}
	return nil
}

// visible gives what the account that the first argument names can see, as lines of a config, and the account.
func (c *call) visible(ctx context.Context) (lines []string, name string, err error) {
	cfg, err := c.load()
	if err != nil {
		return nil, "", err
	}
	account, err := c.account(cfg)
	if err != nil {
		return nil, "", err
	}
	stored, err := openLook(ctx, cfg.Storage)
	if err != nil {
		return nil, "", err
	}
	defer stored.close()
	b, err := c.bridge(cfg, account, stored.vault(account.ID))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = b.Close() }()
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	all, err := conversations(ctx, b)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", account.ID, withNextStep(ctx, account.ID, c.patience(), err))
	}
	taken, err := c.taken(ctx, cfg, stored, account.ID)
	return channelLines(all, taken), account.ID, err
}

// taken gives the gateways in which an account's channels are, as far as they were found in earlier runs.
func (c *call) taken(ctx context.Context, cfg *config.Config, stored *look, account string) (map[bridge.ConversationID]string, error) {
	all := map[bridge.ConversationID]string{}
	if stored.reader == nil {
		return all, nil
	}
	links, err := stored.links(ctx)
	if err != nil {
		return nil, err
	}
	cfg = linked(cfg, links)
	for _, g := range cfg.Gateways {
		for _, e := range g.Endpoints {
			if e.Account != account || !g.Enable {
				continue
			}
			end := store.ChannelEnd{Account: bridge.AccountName(e.Account), Channel: e.Channel}
			id, known, err := stored.reader.Endpoint(ctx, end.Account, placed(c.Protocols, cfg, end))
			if err != nil {
				return nil, err
			}
			if known && all[id] == "" {
				all[id] = g.Name
			}
		}
	}
	return all, nil
}

func conversations(ctx context.Context, b bridge.Bridge) ([]bridge.Conversation, error) {
	if err := patiently(ctx, func() error { _, err := b.Connect(ctx); return err }); err != nil {
		return nil, err
	}
	var all []bridge.Conversation
	err := patiently(ctx, func() (err error) { all, err = b.Conversations(ctx); return err })
	return all, err
}

// channelLines gives lines that can be copied into a config, sorted by name. Where two conversations have one name, the
// line has the link or the id instead. Taken are the gateways in which they are.
func channelLines(all []bridge.Conversation, taken map[bridge.ConversationID]string) []string {
	all = slices.SortedFunc(slices.Values(all), func(a, b bridge.Conversation) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.ID.Channel), string(b.ID.Channel)))
	})
	times := map[string]int{}
	for _, c := range all {
		times[c.Name]++
	}
	var lines []string
	for _, c := range all {
		name, note := c.Name, c.Link
		if times[c.Name] > 1 || name == "" {
			name, note = cmp.Or(c.Link, string(c.ID.Channel)), c.Name
		}
		if g := taken[c.ID]; g != "" {
			note = strings.TrimPrefix(note+", in the gateway "+tomlString(g), ", ")
		}
		line := "channel = " + tomlString(name)
		if note != "" {
			line += "  # " + oneLine(note)
		}
		lines = append(lines, line)
	}
	return lines
}

// tomlString writes a text as TOML does; strconv.Quote knows escapes that TOML does not.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7F:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
