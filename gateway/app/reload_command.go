package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// reloadTime is how long the running process may take to take up a config.
const reloadTime = 2 * time.Minute

// reloading is the order to take up the config.
const reloading = `{"order":"reload"}`

// orderReload carries it out.
func (a *App) orderReload(ctx context.Context, text []byte) (any, error) {
	if string(text) != reloading {
		return nil, errors.New("there is no such order: `causeway reload` gives it")
	}
	ctx, cancel := web.Outlasting(ctx, web.OrderTime) // whoever ordered it need not wait
	defer cancel()
	done, err := a.reread(ctx)
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

// reread takes up what the config file says now.
func (a *App) reread(ctx context.Context) (Reloaded, error) {
	if a.follow == nil {
		return Reloaded{}, errors.New("this Causeway was started without a config file")
	}
	a.follow.changed()
	return a.Reload(ctx)
}

// reload is `causeway reload`.
func (c *call) reload(ctx context.Context) error {
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	got, err := c.request(ctx, r, asking{method: http.MethodPost, path: web.ReloadPath, body: []byte(reloading), time: reloadTime,
		token: func(k store.Keys, now time.Time) string { return k.OrderToken(now, []byte(reloading)) }})
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
