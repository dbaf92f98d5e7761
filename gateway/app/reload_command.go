package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// reloadTime is how long the running process may take to take up a config: less than the 90 seconds that systemd gives a reload.
const reloadTime = 80 * time.Second

// reloading is the order to take up the config.
type reloading struct {
	Order string `json:"order"`
	// Sum is that of the config file as whoever gives the order has read it; empty: they do not say.
	Sum string `json:"sum,omitempty"`
}

// reloadOrder is the order of whoever means this text of a config file.
func reloadOrder(text []byte) []byte {
	order, _ := json.Marshal(reloading{"reload", summed(text)}) // plain data: cannot fail
	return order
}

// summed is the SHA-256 of a text, in hex.
func summed(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// orderReload carries it out.
func (a *App) orderReload(ctx context.Context, text []byte) (any, error) {
	var o reloading
	if err := json.Unmarshal(text, &o); err != nil || o.Order != "reload" {
		return nil, errors.New("there is no such order: `causeway reload` gives it")
	}
	ctx, cancel := web.Outlasting(ctx, web.OrderTime) // whoever ordered it need not wait
	defer cancel()
	done, err := a.reread(ctx, o.Sum)
	kept := store.Audited{Who: people.OperatorByCommand, Act: "reload", About: "config", Result: oneLine(done.text())}
	if err != nil {
		kept.Result, kept.Failed = strings.Join(problems(err), "; "), true
	}
	if failed := a.store.Record(context.WithoutCancel(ctx), kept); failed != nil && err == nil {
		err = fmt.Errorf("the config was taken up, but that stands in no audit log: %w", failed)
	}
	if err != nil {
		return nil, errors.New(strings.Join(problems(err), "\n"))
	}
	return done, nil
}

// reread takes up what the config file says now. Where sum is not empty, it must be that of the file.
func (a *App) reread(ctx context.Context, sum string) (Reloaded, error) {
	if a.follow == nil {
		return Reloaded{}, errors.New("this Causeway was started without a config file")
	}
	if err := a.follow.holds(sum); err != nil {
		return Reloaded{}, err
	}
	a.follow.changed()
	done, err := a.Reload(ctx)
	if passing(err) || ctx.Err() != nil {
		a.follow.again()
	}
	return done, err
}

// holds makes sure that the file holds what was read elsewhere: that may have been another file, of which the one that is followed is a copy, or another machine's.
func (f *follower) holds(sum string) error {
	text, err := os.ReadFile(f.path)
	if sum == "" || err != nil || summed(text) == sum { // what is wrong with the file, whoever loads it tells
		return nil
	}
	path, host := f.path, "this machine"
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if name, err := os.Hostname(); err == nil {
		host = name
	}
	return fmt.Errorf("the Causeway that runs reads %s on %s, and that holds another text than the file that was named: change that one, name it with -c, or order this there", path, host)
}

// reload is `causeway reload`.
func (c *call) reload(ctx context.Context) error {
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.config)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	order := reloadOrder(text)
	got, err := c.request(ctx, r, asking{method: http.MethodPost, path: web.ReloadPath, body: order, time: reloadTime,
		token: func(k store.Keys, now time.Time) string { return k.OrderToken(now, order) }})
	if err != nil {
		return err
	}
	var said struct {
		Reloaded
		Error string `json:"error"`
	}
	if err := json.Unmarshal(got.text, &said); err != nil || got.code != http.StatusOK && said.Error == "" {
		return stranger(got.where)
	}
	if said.Error != "" {
		var all []error
		for line := range strings.SplitSeq(said.Error, "\n") {
			all = append(all, errors.New(line))
		}
		return errors.Join(append(all, errors.New("the config was not taken up; Causeway goes by what it said before"))...)
	}
	_, err = io.WriteString(c.out, said.text())
	return err
}

// text is for people.
func (r Reloaded) text() string {
	var b strings.Builder
	for _, what := range r.Changed {
		fmt.Fprintln(&b, what)
	}
	if len(r.Changed) == 0 {
		fmt.Fprintln(&b, "Nothing has changed.")
	}
	for _, key := range r.Restart {
		fmt.Fprintf(&b, "%s has changed, and does not count yet: %s\n", key, restartStep)
	}
	return b.String()
}
