package msteams

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"causeway/bridge"
)

const (
	// endsInterval is how often Graph is asked when the app's credentials end; endsRetry when it could not answer.
	endsInterval = 24 * time.Hour
	endsRetry    = time.Hour
	// endsDelay leaves the start to what cannot wait.
	endsDelay = 2 * time.Minute
)

// registeredEnds are the ends of the app's secrets as its registration in Entra has them.
type registeredEnds struct {
	mu sync.Mutex
	// asked is when Graph answered last, be it that it may not tell.
	asked   time.Time
	secrets []appSecret
}

// appSecret is a client secret as Graph tells it.
type appSecret struct {
	// Hint is how the secret begins.
	Hint string `json:"hint"`
	Name string `json:"displayName"`
	Ends moment `json:"endDateTime"`
}

// ends are the credentials that people must renew in time. A certificate says itself when it ends;
// when a secret ends, only Graph tells, if the app may ask.
func (a *account) ends() []bridge.End {
	p := a.login.credentials.shown()
	if p.Certificate != nil {
		return []bridge.End{{What: "the app's certificate", At: p.Certificate.NotAfter, Hint: "make a new one, upload it to the app registration in Entra, and put it with its key into the file of ClientCertificateFile"}}
	}
	a.registered.mu.Lock()
	defer a.registered.mu.Unlock()
	s := secretEnd(a.registered.secrets, p.Secret.Reveal())
	if s == nil {
		return nil
	}
	end := bridge.End{What: "the app's client secret", At: s.Ends.Time, Hint: "make a new one in Entra (app registration, Certificates & secrets) and put it into the config"}
	if s.Name != "" {
		end.What += ` "` + s.Name + `"`
	}
	if a.settings.ClientSecretFile != "" {
		end.Hint = "make a new one in Entra (app registration, Certificates & secrets) and put it into the file of ClientSecretFile"
	}
	return []bridge.End{end}
}

// secretEnd finds the secret in use by its first characters, which are all that Graph shows of it. Of several that begin
// alike, the one that ends first. Nil when there is none.
func secretEnd(all []appSecret, used string) *appSecret {
	var found *appSecret
	for i, s := range all {
		if s.Hint == "" || s.Ends.IsZero() || !strings.HasPrefix(used, s.Hint) {
			continue
		}
		if found == nil || s.Ends.Before(found.Ends.Time) {
			found = &all[i]
		}
	}
	return found
}

// watchEnds asks once a day until ctx ends, where there is anything to ask.
func (a *account) watchEnds(ctx context.Context) {
	if !a.uses(opApplication) {
		return
	}
	for wait := endsDelay; pause(ctx, wait) == nil; {
		wait = a.askEnds(ctx)
	}
}

// askEnds asks Graph unless it has answered within a day, and gives when to ask again. That the app may not ask is no
// trouble; Check says so.
func (a *account) askEnds(ctx context.Context) time.Duration {
	a.registered.mu.Lock()
	rest := endsInterval - time.Since(a.registered.asked)
	a.registered.mu.Unlock()
	if rest > 0 {
		return rest
	}
	var app struct {
		Secrets []appSecret `json:"passwordCredentials"`
	}
	err := a.app.read(ctx, opApplication, a.app.base+opApplication.address(place{app: a.settings.ClientID}), &app)
	var refused *answerError
	if err != nil && !(errors.As(err, &refused) && bridge.KindOf(err) != bridge.Throttled && refused.status < 500) {
		return max(endsRetry, bridge.AfterOf(err))
	}
	a.registered.mu.Lock()
	defer a.registered.mu.Unlock()
	a.registered.asked = time.Now()
	if err != nil {
		a.log.WithError(err).Debug("Graph does not tell when the app's credentials end.")
		return endsInterval
	}
	a.registered.secrets = app.Secrets
	return endsInterval
}
