package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// Orders about links.
const (
	orderLink   = "link"
	orderUnlink = "unlink"
)

// linkOrder is what `causeway link` and `unlink` send to the process that runs.
type linkOrder struct {
	Order string             `json:"order"`
	Ends  []store.ChannelEnd `json:"ends"`
}

// orderLinks carries them out.
func (a *App) orderLinks(ctx context.Context, text []byte) (any, error) {
	var o linkOrder
	if err := json.Unmarshal(text, &o); err != nil || len(o.Ends) < 1 || len(o.Ends) > 2 {
		return nil, errors.New("there is no such order: `causeway link` and `causeway unlink` give them")
	}
	var ends [2]store.ChannelEnd
	copy(ends[:], o.Ends)
	do := map[string]func(context.Context, string, [2]place) (string, error){orderLink: a.link, orderUnlink: a.unlink}[o.Order]
	if do == nil || o.Order == orderLink && len(o.Ends) != 2 {
		return nil, errors.New("there is no such order: `causeway link` and `causeway unlink` give them")
	}
	ctx, cancel := web.Outlasting(ctx, web.OrderTime) // whoever ordered it need not wait
	defer cancel()
	said, err := do(ctx, people.OperatorByCommand, asTyped(ends))
	if err != nil {
		return nil, errors.New(strings.Join(problems(err), "\n"))
	}
	return map[string]string{"text": said}, nil
}

// link is `causeway link [A B]`.
func (c *call) link(ctx context.Context) error {
	switch len(c.args) {
	case 0:
		return c.listLinks(ctx)
	case 1:
		v, _ := verbNamed("link")
		return &usageError{text: "link needs two channels", verb: v}
	}
	return c.changeLinks(ctx, orderLink, c.linkHere)
}

// unlink is `causeway unlink A [B]`.
func (c *call) unlink(ctx context.Context) error {
	return c.changeLinks(ctx, orderUnlink, c.unlinkHere)
}

// changeLinks has the Causeway that is running do it, or does it where none runs.
func (c *call) changeLinks(ctx context.Context, order string, here func(context.Context, *config.Config, *store.Store, [2]store.ChannelEnd) (string, error)) error {
	ends, err := c.channelEnds(order)
	if err != nil {
		return err
	}
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	lock, locked := lockStore(r.Storage.DSN)
	if locked == nil && !store.IsPostgres(r.Storage.DSN) { // nobody is running
		defer func() { _ = lock.Close() }()
		return c.changeLinksHere(ctx, order, ends, here)
	}
	body, err := json.Marshal(linkOrder{order, ends})
	if err != nil {
		return err
	}
	got, err := c.request(ctx, r, asking{method: http.MethodPost, path: web.LinkPath, body: body, time: reloadTime,
		token: func(k store.Keys, now time.Time) string { return k.OrderToken(now, body) }})
	if err != nil && store.IsPostgres(r.Storage.DSN) { // the store itself refuses when another process holds it
		if here := c.changeLinksHere(ctx, order, ends, here); !errors.Is(here, store.ErrHeld) {
			return here
		}
	}
	if err != nil {
		return err
	}
	var said struct{ Text, Error string }
	if err := json.Unmarshal(got.text, &said); err != nil || said.Text == "" && said.Error == "" {
		return stranger(got.where)
	}
	if said.Error != "" {
		return errors.New(said.Error)
	}
	_, err = fmt.Fprintln(c.out, said.Text)
	return err
}

// changeLinksHere does it in the store, for the next start.
func (c *call) changeLinksHere(ctx context.Context, order string, ends []store.ChannelEnd, here func(context.Context, *config.Config, *store.Store, [2]store.ChannelEnd) (string, error)) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s, err := openStoreWith(ctx, cfg.Storage, store.Options{Holder: holder()})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	links, err := s.ChannelLinks(ctx)
	if err != nil {
		return err
	}
	var both [2]store.ChannelEnd
	copy(both[:], ends)
	text, err := inAudit(ctx, s, people.OperatorByCommand, order, both, func() (string, error) { return here(ctx, linked(cfg, links), s, both) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, text+" It counts when Causeway is started.")
	return err
}

func (c *call) linkHere(ctx context.Context, cfg *config.Config, s *store.Store, ends [2]store.ChannelEnd) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	var both [2]place
	for i, end := range ends {
		account, there := cfg.Accounts[string(end.Account)]
		if !there {
			return "", noAccount(cfg, end.Account)
		}
		b, err := c.bridge(cfg, account, s.Vault(end.Account))
		if err != nil {
			return "", err
		}
		err = patiently(ctx, func() error { _, err := b.Connect(ctx); return err })
		if err == nil {
			err = patiently(ctx, func() (err error) { both[i], err = resolved(ctx, b, end); return err })
		}
		_ = b.Close()
		if err != nil {
			return "", withNextStep(ctx, account.ID, c.patience(), err)
		}
	}
	made, err := makeLink(ctx, c.Protocols, cfg, s, people.OperatorByCommand, both)
	return linkedText(made), err
}

func (c *call) unlinkHere(ctx context.Context, cfg *config.Config, s *store.Store, ends [2]store.ChannelEnd) (string, error) {
	one, err := pairOf(ctx, c.Protocols, cfg, s, asTyped(ends))
	if err == nil {
		err = s.Unlink(ctx, one.ID)
	}
	return unlinkedText(one), err
}

// channelEnds reads "ACCOUNT:CHANNEL".
func (c *call) channelEnds(command string) ([]store.ChannelEnd, error) {
	var all []store.ChannelEnd
	for _, text := range c.args {
		end, err := channelEnd(text)
		if err != nil {
			v, _ := verbNamed(command)
			return nil, &usageError{text: err.Error(), verb: v}
		}
		all = append(all, end)
	}
	return all, nil
}

func channelEnd(text string) (store.ChannelEnd, error) {
	account, channel, both := strings.Cut(text, ":")
	if !both || !strings.Contains(account, ".") || strings.TrimSpace(channel) == "" {
		return store.ChannelEnd{}, fmt.Errorf("%q names no channel: write ACCOUNT:CHANNEL, as mattermost.hq:town/berlin", text)
	}
	return store.ChannelEnd{Account: bridge.AccountName(account), Channel: strings.TrimSpace(channel)}, nil
}

// listLinks works whether or not Causeway runs.
func (c *call) listLinks(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	stored, err := openLook(ctx, cfg.Storage)
	if err != nil {
		return err
	}
	defer stored.close()
	links, err := stored.links(ctx)
	if err != nil {
		return err
	}
	if len(links) == 0 {
		_, err := io.WriteString(c.out, "No channels are linked beside the gateways of the config.\n")
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tCHANNEL\tCHANNEL\tSINCE\tBY")
	for _, l := range links {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", linkName(l.ID), listed(l.Ends[0]), listed(l.Ends[1]), moment(l.Made), oneLine(l.Who))
	}
	return table.Flush()
}

// listed shows a channel with its id, where that is what leads to it.
func listed(end store.ChannelEnd) string {
	if end.Name == "" {
		return oneLine(end.String())
	}
	return oneLine(end.Shown() + " (" + end.Channel + ")")
}
