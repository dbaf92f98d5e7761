package msteams

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

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
	secrets []models.PasswordCredentialable
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
	end := bridge.End{What: "the app's client secret", At: value(s.GetEndDateTime()), Hint: "make a new one in Entra (app registration, Certificates & secrets) and put it into the config"}
	if name := value(s.GetDisplayName()); name != "" {
		end.What += ` "` + name + `"`
	}
	if a.settings.ClientSecretFile != "" {
		end.Hint = "make a new one in Entra (app registration, Certificates & secrets) and put it into the file of ClientSecretFile"
	}
	return []bridge.End{end}
}

// secretEnd finds the secret in use by its first characters, which are all that Graph shows of it. Of several that begin
// alike, the one that ends first.
func secretEnd(all []models.PasswordCredentialable, used string) models.PasswordCredentialable {
	var found models.PasswordCredentialable
	for _, s := range all {
		hint, at := value(s.GetHint()), value(s.GetEndDateTime())
		if hint == "" || at.IsZero() || !strings.HasPrefix(used, hint) {
			continue
		}
		if found == nil || at.Before(value(found.GetEndDateTime())) {
			found = s
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
	app, err := call[models.Applicationable](ctx, a.app, opApplication, place{app: a.settings.ClientID}, nil, models.CreateApplicationFromDiscriminatorValue)
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
	a.registered.secrets = app.GetPasswordCredentials()
	return endsInterval
}
