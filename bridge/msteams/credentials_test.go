package msteams

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/secret"
	"causeway/contrib/sim/teams"
)

// secretInFile has the account read its secret from a file.
func (w *simWorld) secretInFile(value string) (file string) {
	w.Helper()
	file = filepath.Join(w.TempDir(), "secret")
	w.rewrite(file, value)
	w.settings.ClientSecret, w.settings.ClientSecretFile = secret.Secret(value), secret.File(file)
	return file
}

// rewrite changes a file, and its time for certain.
func (w *simWorld) rewrite(file, text string) {
	w.Helper()
	w.do(os.WriteFile(file, []byte(text), 0o600))
	w.rewrites++
	w.do(os.Chtimes(file, time.Time{}, time.Date(2026, 1, 1, 0, 0, w.rewrites, 0, time.UTC)))
}

func TestASecretInAFileIsReadAgainWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{TokenLifetime: time.Hour})
		file := w.secretInFile(clientSecret)
		a := w.connected()
		use := func(what string) {
			t.Helper()
			time.Sleep(time.Hour) // the tokens have run out
			if _, err := a.Connect(t.Context()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		logged := func(part string, times int) {
			t.Helper()
			if n := strings.Count(w.log.String(), part); n != times {
				t.Errorf("%q was logged %d times, want %d:\n%s", part, n, times, w.log)
			}
		}
		use("unchanged")
		logged("ClientSecretFile", 0)

		// The operator empties the file, and is interrupted.
		w.rewrite(file, "")
		use("half-written")
		use("half-written")
		logged("cannot be read; what was in it before stays in use: it is empty", 1)
		w.do(os.Remove(file))
		use("removed")
		logged("no such file", 1)

		// The new secret is not known everywhere yet.
		w.rewrite(file, "n3w-s3cr3t")
		use("not known yet")
		use("not known yet")
		logged("has changed and was read again", 1)
		logged("Entra does not take what is in the file", 1)
		w.app.SetSecret("n3w-s3cr3t")
		use("known")
		if _, former := a.login.credentials.now(); former != nil {
			t.Error("the former secret is kept although the new one is good")
		}

		// A wrong one without a former: that the former has run out is no help.
		w.rewrite(file, "wr0ng")
		w.app.SetSecret("another")
		time.Sleep(time.Hour)
		if _, err := a.Connect(t.Context()); bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), "ClientSecret is wrong") {
			t.Errorf("a wrong secret: %v", err)
		}
		w.rewrite(file, "another")
		use("put right")
		for _, hidden := range []string{clientSecret, "n3w-s3cr3t", "wr0ng", file} {
			if strings.Contains(w.log.String(), hidden) {
				t.Errorf("%q stands in the log", hidden)
			}
		}
	})
}

func TestACertificateIsReadAgainWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{TokenLifetime: time.Hour})
		file, cert := certificate(t)
		newFile, _ := certificate(t)
		w.app = w.tenant.AddApp(teams.AppConfig{Name: "With certificate", Certificate: cert, Roles: permissions(false), Scopes: permissions(true)})
		_, refresh := w.sim.SignIn(w.app, w.relay)
		w.vault.put(t, relayVaultName, relayLogin{RefreshToken: refresh})
		w.settings.ClientID, w.settings.ClientSecret, w.settings.ClientCertificateFile = w.app.ClientID, "", file
		a := w.connected()
		text, err := os.ReadFile(newFile)
		w.do(err)
		for _, content := range []string{string(text[:len(text)/2]), string(text)} { // half-written; not uploaded
			w.rewrite(file, content)
			time.Sleep(time.Hour)
			if _, err := a.Connect(t.Context()); err != nil {
				t.Errorf("with a new file: %v", err)
			}
		}
		if n := strings.Count(w.log.String(), "stays in use"); n != 2 {
			t.Errorf("the operator was told %d times, want 2:\n%s", n, w.log)
		}
	})
}

func TestStatusTellsWhenTheCredentialsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		soon, late := time.Now().Add(20*24*time.Hour).UTC(), time.Now().Add(300*24*time.Hour).UTC()
		w.app.AddSecret("another secret", soon)
		w.app.AddSecret(clientSecret, late)
		w.settings.ClientSecret = "another secret"
		a := w.connected()
		if got := a.ends(); got != nil {
			t.Errorf("before anybody was asked: %+v", got)
		}
		if next := a.askEnds(t.Context()); next != endsInterval || a.ends() != nil || strings.Contains(w.log.String(), "level=warning") {
			t.Errorf("without the permission: %v, %+v\n%s", next, a.ends(), w.log)
		}
		w.app.SetRoles(append(permissions(false), readApps)...)
		w.sim.ExpireAccessTokens()
		a.app.tokens.set(granted{})
		if next := a.askEnds(t.Context()); next != endsInterval || a.ends() != nil {
			t.Errorf("a second time on a day: %v, %+v", next, a.ends())
		}

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.watchEnds(ctx); close(done) }()
		time.Sleep(25 * time.Hour)
		want := []bridge.End{{What: "the app's client secret", At: soon, Hint: "make a new one in Entra (app registration, Certificates & secrets) and put it into the config"}}
		if diff := cmp.Diff(want, a.ends(), cmp.Comparer(func(x, y time.Time) bool { return x.Sub(y).Abs() < time.Second })); diff != "" {
			t.Errorf("the day after (-want +got):\n%s", diff)
		}
		w.sim.ResetRequests()
		w.sim.Inject(teams.Fault{Template: "/applications(appId='{id}')", Status: 503})
		time.Sleep(10*24*time.Hour + time.Minute)
		if n := w.sim.Count("GET", "/applications(appId='{id}')"); n != 11 {
			t.Errorf("in ten days of which one began with an outage, Graph was asked %d times, want 11", n)
		}
		cancel()
		<-done

		w.settings.ClientSecretFile = "somewhere"
		if end := (&account{settings: w.settings, login: a.login, registered: registeredEnds{secrets: a.registered.secrets}}).ends(); len(end) != 1 || !strings.Contains(end[0].Hint, "ClientSecretFile") {
			t.Errorf("with a file: %+v", end)
		}
	})
}

func TestACertificateSaysItselfWhenItEnds(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	file, cert := certificate(t)
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "With certificate", Certificate: cert, Roles: append(permissions(false), readApps), Scopes: permissions(true)})
	w.settings.ClientID, w.settings.ClientSecret, w.settings.ClientCertificateFile = w.app.ClientID, "", file
	a := w.account()
	a.watchEnds(t.Context()) // comes back at once
	if got := a.ends(); len(got) != 1 || got[0].What != "the app's certificate" || !got[0].At.Equal(cert.NotAfter) || len(w.sim.Requests()) != 0 {
		t.Errorf("got %+v after %d requests, want %v after none", got, len(w.sim.Requests()), cert.NotAfter)
	}
}

// TestStatusDoesNotWaitForAFile of credentials: the disk may be slow, or far away.
func TestStatusDoesNotWaitForAFile(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	file := w.secretInFile(clientSecret)
	c := w.account().login.credentials
	read, shown := c.read, "nothing, but waits"
	c.read = func(file string) (proof, error) {
		if c.mu.TryLock() { // a lock that is held would hang the test
			c.mu.Unlock()
			shown = c.shown().Secret.Reveal()
		}
		return read(file)
	}
	w.rewrite(file, "n3w-s3cr3t")
	used, _ := c.now()
	if shown != clientSecret || used.Secret.Reveal() != "n3w-s3cr3t" || c.shown() != used {
		t.Errorf("while the file is read, status shows %q; then %q is used and %q shown", shown, used.Secret.Reveal(), c.shown().Secret.Reveal())
	}
}
