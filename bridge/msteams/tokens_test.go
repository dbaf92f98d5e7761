package msteams

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/secret"
	"causeway/contrib/sim/teams"
)

const tokenPath = "/{tenant}/oauth2/v2.0/token"

// TestTokensAreRenewedBeforeTheyExpireByOneCaller for all.
func TestTokensAreRenewedBeforeTheyExpireByOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{TokenLifetime: time.Hour})
		a := w.connected()
		if n := w.sim.Count("POST", tokenPath); n != 2 {
			t.Fatalf("connecting took %d tokens, want one for the app and one for the relay account", n)
		}
		many := func() {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := a.me(t.Context()); err != nil {
						t.Errorf("me: %v", err)
					}
				})
			}
			all.Wait()
		}
		many()
		time.Sleep(54 * time.Minute)
		many()
		if n := w.sim.Count("POST", tokenPath); n != 2 {
			t.Errorf("six minutes before the end there were %d token requests, want 2", n)
		}
		time.Sleep(90 * time.Second)
		many()
		if n := w.sim.Count("POST", tokenPath); n != 3 {
			t.Errorf("less than five minutes before the end there were %d token requests, want 3", n)
		}
	})
}

func TestTheNewestRefreshTokenIsStoredBeforeItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		first := w.vault.login(t).RefreshToken
		a := w.connected()
		second := w.vault.login(t).RefreshToken
		if second == first || second == "" {
			t.Errorf("the refresh token is %q, it was %q", second, first)
		}
		w.vault.refuse = errors.New("disk full")
		w.sim.ExpireAccessTokens()
		a.relay.tokens.set(granted{})
		calls := w.sim.Count("GET", "/me")
		_, err := a.Connect(t.Context())
		if err == nil || bridge.KindOf(err) != bridge.Transient || bridge.ScopeOf(err) != bridge.ScopeAccount || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("with a vault that cannot store: %v (%v)", err, bridge.KindOf(err))
		}
		if w.sim.Count("GET", "/me") != calls {
			t.Error("the token was used although its refresh token was not stored")
		}
		w.vault.refuse = nil
		if _, err := a.Connect(t.Context()); err != nil {
			t.Errorf("once the vault stores again: %v", err)
		}
	})
}

// TestARefusedTokenIsRenewedForTheNextCall, but the refused write is not sent again.
func TestARefusedTokenIsRenewedForTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		w.sim.ExpireAccessTokens()
		_, err := a.Post(t.Context(), w.draft("x"))
		if bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeAccount || !strings.Contains(err.Error(), "causeway login msteams.contoso") {
			t.Errorf("got %v (%v)", err, bridge.KindOf(err))
		}
		if n := w.wire.attempts(); n != 1 {
			t.Errorf("the write was tried %d times", n)
		}
		if _, err := a.Post(t.Context(), w.draft("x")); err != nil {
			t.Errorf("the next write: %v", err)
		}
	})
}

func TestWaitingForATokenEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan struct{})
		tok := newTokens("", func(ctx context.Context, _ string) (granted, error) {
			close(started)
			<-ctx.Done()
			return granted{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := tok.get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who renews got %v", err)
			}
		})
		<-started
		impatient, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := tok.get(impatient); !errors.Is(err, context.DeadlineExceeded) || bridge.KindOf(err) != bridge.Transient {
			t.Errorf("the one who waits got %v", err)
		}
		cancel()
		first.Wait()
	})
}

// TestWhatTheLoginServiceRefusesHasANextStep and never a secret.
func TestWhatTheLoginServiceRefusesHasANextStep(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *simWorld)
		kind bridge.Kind
		hint string
	}{
		{"nobody has signed in", func(w *simWorld) { w.vault.values = nil }, bridge.Unauthorised, "run: causeway login msteams.contoso"},
		{"what is stored is no login", func(w *simWorld) { w.vault.values[relayVaultName] = []byte("r3fresh") }, bridge.Unauthorised, "run: causeway login msteams.contoso"},
		{"the login was revoked", func(w *simWorld) { w.sim.RevokeUser(w.relay) }, bridge.Unauthorised, "run: causeway login msteams.contoso"},
		{"wrong secret", func(w *simWorld) { w.app.SetSecret("another") }, bridge.Unauthorised, "ClientSecret is wrong"},
		{"the secret expired", func(w *simWorld) { w.app.ExpireSecret() }, bridge.Unauthorised, "the client secret has expired"},
		{"unknown app", func(w *simWorld) { w.settings.ClientID = "00000000-0000-0000-0000-000000000001" }, bridge.Unauthorised, "ClientID is not an app of this tenant"},
		{"unknown tenant", func(w *simWorld) { w.settings.TenantID = "00000000-0000-0000-0000-000000000001" }, bridge.Unauthorised, "there is no such tenant"},
		{"no consent", func(w *simWorld) { w.app.SetScopes(readMe) }, bridge.Unauthorised, "an administrator must grant"},
		{"throttled", func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenPath, Status: 429, RetryAfter: 17 * time.Second})
		}, bridge.Throttled, ""},
		{"out of order", func(w *simWorld) { w.sim.Inject(teams.Fault{Template: tokenPath, Status: 503}) }, bridge.Transient, ""},
		{"cut off", func(w *simWorld) { w.sim.Inject(teams.Fault{Template: tokenPath, Drop: true}) }, bridge.Transient, ""},
		{"a description with a secret in it", func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenPath, Status: 400, Code: "invalid_request", AADSTS: 900144, Message: "you sent " + clientSecret})
		}, bridge.Unauthorised, "check TenantID, ClientID and ClientSecret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			refresh := w.vault.login(t).RefreshToken
			c.do(w)
			_, err := w.account().Connect(t.Context())
			if err == nil || bridge.KindOf(err) != c.kind || bridge.ScopeOf(err) != bridge.ScopeAccount || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("got %v (%v, scope %d)", err, bridge.KindOf(err), bridge.ScopeOf(err))
			}
			if c.kind == bridge.Throttled && bridge.AfterOf(err) != 17*time.Second {
				t.Errorf("come back after %v", bridge.AfterOf(err))
			}
			for _, hidden := range []string{clientSecret, refresh, "r3fresh"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%q stands in %q", hidden, err)
				}
			}
		})
	}
}

// certificate makes a key pair as an operator has it in a file.
func certificate(t *testing.T) (file string, cert *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "causeway"}, NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	file = filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, cert
}

func TestACertificateStandsInForTheSecret(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	file, cert := certificate(t)
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "With certificate", Certificate: cert, Roles: permissions(false), Scopes: permissions(true)})
	_, refresh := w.sim.SignIn(w.app, w.relay)
	w.vault.put(t, relayVaultName, relayLogin{RefreshToken: refresh})
	w.settings.ClientID, w.settings.ClientSecret, w.settings.ClientCertificateFile = w.app.ClientID, "", file
	identity, err := w.account().Connect(t.Context())
	want := bridge.Identity{Server: bridge.ServerID("msteams:" + w.tenant.ID), User: bridge.UserID(w.relay.ID), Name: "Causeway"}
	if err != nil || identity != want {
		t.Errorf("Connect gives %+v (%v), want %+v", identity, err, want)
	}
	w.settings.ClientCertificateFile, _ = certificate(t)
	if _, err := w.account().Connect(t.Context()); bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), "Entra does not know the certificate") {
		t.Errorf("with another certificate: %v", err)
	}
}

// TestLoginSignsTheRelayAccountIn by device code, for each way in which Entra lets an app do that.
func TestLoginSignsTheRelayAccountIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		config teams.AppConfig
		after  func(w *simWorld)
		public bool
	}{
		{name: "confidential client", config: teams.AppConfig{Secret: clientSecret}},
		{name: "public client that may send its secret", config: teams.AppConfig{Secret: clientSecret, PublicClient: true}},
		{name: "public client that must not", config: teams.AppConfig{Secret: clientSecret, PublicClient: true}, public: true, after: func(w *simWorld) {
			w.wire.next = refusesSecret{w.wire.next}
		}},
		{name: "the network fails while waiting", config: teams.AppConfig{Secret: clientSecret}, after: func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenPath, Drop: true})
			w.sim.Inject(teams.Fault{Template: tokenPath, Status: 503})
		}},
		{name: "told to slow down", config: teams.AppConfig{Secret: clientSecret}, after: func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenPath, Status: 400, Code: "slow_down"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSimWorld(t, teams.Options{})
				c.config.Roles, c.config.Scopes = permissions(false), permissions(true)
				w.app = w.tenant.AddApp(c.config)
				w.settings.ClientID, w.vault.values = w.app.ClientID, nil
				a := w.account()
				if c.after != nil {
					c.after(w)
				}
				var shown []string
				done := make(chan error, 1)
				go func() { done <- a.Login(t.Context(), func(text string) { shown = append(shown, text) }) }()
				time.Sleep(12 * time.Second)
				codes := w.sim.UserCodes()
				if len(codes) != 1 {
					t.Fatalf("codes %v are waiting", codes)
				}
				if err := w.sim.ApproveDevice(codes[0], w.relay); err != nil {
					t.Fatal(err)
				}
				if err := <-done; err != nil {
					t.Fatalf("Login: %v", err)
				}
				if len(shown) != 2 || !strings.Contains(shown[0], codes[0]) || !strings.Contains(shown[0], "/devicelogin") || shown[1] != "Signed in as Causeway." {
					t.Errorf("shown: %q", shown)
				}
				saved := w.vault.login(t)
				if saved.RefreshToken == "" || saved.Public != c.public {
					t.Errorf("stored: a token of %d characters, public: %t", len(saved.RefreshToken), saved.Public)
				}
				if _, err := w.account().Connect(t.Context()); err != nil {
					t.Errorf("Connect after a restart: %v", err)
				}
			})
		})
	}
}

// refusesSecret is Entra where the app's redirect address makes it a public client for people, though not for itself.
type refusesSecret struct{ next http.RoundTripper }

func (e refusesSecret) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := drain(r)
	if err != nil {
		return nil, err
	}
	if form := string(body); !strings.Contains(form, "client_secret=") || strings.Contains(form, "grant_type=client_credentials") {
		return e.next.RoundTrip(r)
	}
	const refusal = `{"error":"invalid_client","error_description":"AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret' should be presented."}`
	return &http.Response{StatusCode: 401, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(refusal)), Request: r}, nil
}

func TestLoginThatFailsSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *simWorld, code string)
		want string
	}{
		{"declined", func(w *simWorld, code string) {
			if err := w.sim.DeclineDevice(code); err != nil {
				w.Fatal(err)
			}
		}, "authorization_declined"},
		{"nobody came", func(*simWorld, string) { time.Sleep(16 * time.Minute) }, "expired_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSimWorld(t, teams.Options{})
				w.vault.values = nil
				done := make(chan error, 1)
				go func() { done <- w.account().Login(t.Context(), func(string) {}) }()
				synctest.Wait()
				c.do(w, w.sim.UserCodes()[0])
				err := <-done
				if bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "causeway login msteams.contoso") {
					t.Errorf("got %v (%v)", err, bridge.KindOf(err))
				}
				if saved := w.vault.login(t); saved.RefreshToken != "" {
					t.Error("a login was stored")
				}
			})
		})
	}
}

func TestLoginEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		began := time.Now()
		err := w.account().Login(ctx, func(string) {})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 7*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestPostsOfAFormerRelayAccountStayOurs after another one has signed in.
func TestPostsOfAFormerRelayAccountStayOurs(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	first := w.connected()
	id, err := first.Post(t.Context(), w.draft("before"))
	if err != nil {
		t.Fatal(err)
	}
	_, refresh := w.sim.SignIn(w.app, w.bob)
	w.vault.put(t, relayVaultName, relayLogin{RefreshToken: refresh})
	second := w.connected()
	if second.relayID() != bridge.UserID(w.bob.ID) {
		t.Fatalf("the relay account is %s", second.relayID())
	}
	s, err := second.Read(t.Context(), w.id(w.general), id)
	if err != nil || s.Key != w.draft("").Key {
		t.Errorf("its key is %q (%v)", s.Key, err)
	}
}

func TestSettingsAreCheckedWithoutAsking(t *testing.T) {
	good := Settings{TenantID: "8a8ce5a5-0b4d-4d0f-8f5b-2f1f3a4c5d6e", ClientID: "8A8CE5A5-0b4d-4d0f-8f5b-2f1f3a4c5d6e", ClientSecret: "x"}
	for _, c := range []struct {
		name   string
		change func(*Settings)
		want   string // key: part of the problem
	}{
		{"good", func(*Settings) {}, ""},
		{"everything set", func(s *Settings) {
			s.Receive, s.PollInterval, s.PostInterval = "poll", "10s", "2s"
			s.GraphURL, s.LoginURL = "https://graph.microsoft.us/v1.0", "http://127.0.0.1:8080"
		}, ""},
		{"tenant by name", func(s *Settings) { s.TenantID = "contoso.onmicrosoft.com" }, "TenantID: must be the directory (tenant) id"},
		{"no client", func(s *Settings) { s.ClientID = "" }, "ClientID: must be the application (client) id"},
		{"no secret", func(s *Settings) { s.ClientSecret = "" }, "ClientSecret: is missing"},
		{"two secrets", func(s *Settings) { s.ClientCertificateFile = "x.pem" }, "ClientCertificateFile: cannot be used together"},
		{"rich", func(s *Settings) { s.Receive = "rich" }, ""},
		{"unknown way", func(s *Settings) { s.Receive = "push" }, `Receive: must be "auto", "rich" or "poll"`},
		{"interval", func(s *Settings) { s.PollInterval = "5" }, "PollInterval: must be a duration such as"},
		{"negative", func(s *Settings) { s.PostInterval = "-1s" }, "PostInterval: must be a duration such as"},
		{"no URL", func(s *Settings) { s.GraphURL = "graph" }, "GraphURL: must be a URL"},
		{"plain http", func(s *Settings) { s.LoginURL = "http://login.example" }, "LoginURL: must start with https://"},
	} {
		s := good
		c.change(&s)
		var problems []string
		s.Validate(func(key, problem string) { problems = append(problems, key+": "+problem) })
		got := strings.Join(problems, "; ")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || len(problems) > 1 {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := newAccount(bridge.Env{Account: "msteams.x"}, Settings{Receive: "rich"}, nil); err == nil || !strings.Contains(err.Error(), "set PublicURL in [http]") {
		t.Errorf("rich without an address: %v", err)
	}
}

func TestLocalFilesAreReadWhenTheAccountIsMade(t *testing.T) {
	file, _ := certificate(t)
	if _, err := newNetwork(file); err != nil {
		t.Errorf("CAFile with a certificate: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + "-missing"} {
		if _, err := newNetwork(path); err == nil || !strings.Contains(err.Error(), "reading CAFile") {
			t.Errorf("CAFile %s: %v", path, err)
		}
		s := Settings{TenantID: "t", ClientID: "c", ClientCertificateFile: path}
		if _, err := newAccount(bridge.Env{Account: "msteams.x"}, s, nil); err == nil || !strings.Contains(err.Error(), "reading ClientCertificateFile") {
			t.Errorf("ClientCertificateFile %s: %v", path, err)
		}
	}
	for _, p := range bridge.Protocols() {
		if p.Name != "msteams" {
			continue
		}
		b, err := p.New(bridge.Env{Account: "msteams.x"}, &Settings{TenantID: "t", ClientID: "c", ClientSecret: secret.Secret("s")})
		if err != nil || b.Capabilities().PostInterval != 1250*time.Millisecond {
			t.Errorf("New gives %v (%v)", b, err)
		}
		if _, err := p.New(bridge.Env{Account: "msteams.x"}, p); err == nil {
			t.Error("New takes settings of another bridge")
		}
		return
	}
	t.Error("the bridge is not registered")
}
