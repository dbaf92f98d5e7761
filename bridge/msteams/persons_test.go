package msteams

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

const (
	backURI       = "https://causeway.example/connect/back"
	tokenEndpoint = "/{tenant}/oauth2/v2.0/token"
	verifier      = "the-verifier-of-a-test-has-more-than-43-characters"
)

// peopleWorld is a world whose app people can sign in to.
func peopleWorld(t testing.TB, opts teams.Options) *simWorld {
	w := newSimWorld(t, opts)
	w.app.SetRedirects(backURI)
	w.app.SetRoles(append(permissions(false), readAllOfUsers)...)
	return w
}

func signInOf(state string) bridge.SignIn {
	return bridge.SignIn{Redirect: backURI, State: state, Verifier: verifier}
}

// signsIn goes through Entra's page as somebody and gives the code with which the browser comes back.
func (w *simWorld) signsIn(a *account, u *teams.User) string {
	w.Helper()
	address, err := a.SignIn(w.Context(), signInOf("s"))
	w.do(err)
	back, err := w.sim.Authorize(address, u)
	w.do(err)
	at, err := url.Parse(back)
	w.do(err)
	if at.Query().Get("state") != "s" || at.Query().Get("code") == "" {
		w.Fatalf("sent back to %s", back)
	}
	return at.Query().Get("code")
}

// connects makes somebody a connected person, as the gateway does it.
func (w *simWorld) connects(a *account, u *teams.User) bridge.UserID {
	w.Helper()
	proof, err := a.Prove(w.Context(), signInOf("s"), w.signsIn(a, u))
	w.do(err)
	grant, err := a.Empower(w.Context(), proof.ID, proof.Grant)
	w.do(err)
	w.do(w.vault.Save(w.Context(), bridge.PersonGrant(proof.ID), grant))
	return proof.ID
}

// disconnects takes it back, as the gateway does it.
func (w *simWorld) disconnects(a *account, u bridge.UserID) {
	w.Helper()
	w.do(a.Release(w.Context(), u))
	w.do(w.vault.Delete(w.Context(), bridge.PersonGrant(u)))
}

func (w *simWorld) grant(u bridge.UserID) personGrant {
	w.Helper()
	text, err := w.vault.Load(context.Background(), bridge.PersonGrant(u))
	w.do(err)
	g, err := readGrant(u, text)
	w.do(err)
	return g
}

func (w *simWorld) draftAs(u bridge.UserID, text string) bridge.Draft {
	d := w.draft(text)
	d.As, d.Author = u, bridge.Author{ID: u, Name: "Nobody shall see this"}
	return d
}

// isOf wants an error of a kind and scope.
func isOf(t testing.TB, what string, err error, kind bridge.Kind, scope bridge.Scope) {
	t.Helper()
	if err == nil || bridge.KindOf(err) != kind || bridge.ScopeOf(err) != scope {
		t.Errorf("%s: %v (%v, scope %d), want %v, scope %d", what, err, bridge.KindOf(err), bridge.ScopeOf(err), kind, scope)
	}
}

func TestConnectedPeopleWriteAsThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{Throttle: teams.Documented})
		a := w.connected()
		alice := w.connects(a, w.alice)
		w.do(a.Verify(t.Context(), alice))
		d := w.draftAs(alice, "hello")
		id, err := a.Post(t.Context(), d)
		w.do(err)
		d.Text = w.draft("hello again").Text
		w.do(a.Edit(t.Context(), id, d))
		answer := w.draftAs(alice, "and more")
		answer.Root, answer.Key = id, "another-key"
		reply, err := a.Post(t.Context(), answer)
		w.do(err)
		target := bridge.Target{Conversation: d.Conversation, ID: id, As: alice}
		w.do(a.React(t.Context(), target, "👍", true))
		m, _ := w.sim.Message(w.general, own(id))
		if m.Author != w.alice || m.Text != "hello again" || len(m.Reactions) != 1 || m.Reactions[0].User != w.alice || len(m.Replies) != 1 || m.Replies[0].Author != w.alice {
			t.Errorf("people see %+v", m)
		}
		w.do(a.React(t.Context(), target, "👍", false))
		time.Sleep(settle)
		for d, want := range map[*bridge.Draft]bridge.MessageID{&d: id, &answer: reply} {
			if found, err := a.Find(t.Context(), *d, time.Now().Add(-time.Minute)); err != nil || !slices.Equal(found, []bridge.MessageID{want}) {
				t.Errorf("Find gives %v (%v), want %s", found, err, want)
			}
			relayed := *d
			relayed.As = ""
			if found, err := a.Find(t.Context(), relayed, time.Now().Add(-time.Minute)); err != nil || len(found) != 0 {
				t.Errorf("Find of the same by the relay account gives %v (%v)", found, err)
			}
		}
		target.ID = reply
		w.do(a.Delete(t.Context(), target))
		isOf(t, "deleting again", a.Delete(t.Context(), target), bridge.Gone, bridge.ScopeConversation)
	})
}

// TestWhoCannotWriteHere lets the relay account do it.
func TestWhoCannotWriteHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		a := w.connected()
		alice := w.connects(a, w.alice)
		id, err := a.Post(t.Context(), w.draftAs(alice, "x"))
		w.do(err)
		target := bridge.Target{Conversation: w.id(w.general), ID: id, As: alice}
		w.team.RemoveMember(w.alice)
		_, postErr := a.Post(t.Context(), w.draftAs(alice, "y"))
		answer := w.draftAs(alice, "z")
		answer.Root = id
		_, answerErr := a.Post(t.Context(), answer)
		for what, err := range map[string]error{
			"posting": postErr, "answering": answerErr, "editing": a.Edit(t.Context(), id, w.draftAs(alice, "w")),
			"deleting": a.Delete(t.Context(), target), "reacting": a.React(t.Context(), target, "👍", true),
		} {
			isOf(t, what, err, bridge.Unsupported, bridge.ScopePerson)
		}
		w.team.AddMember(w.alice)
		other, err := a.Post(t.Context(), w.draft("of the relay account"))
		w.do(err)
		isOf(t, "editing another's", a.Edit(t.Context(), other, w.draftAs(alice, "mine")), bridge.Unsupported, bridge.ScopePerson)
		w.do(w.sim.Delete(w.owner, w.general, own(id)))
		isOf(t, "reacting to what is deleted", a.React(t.Context(), target, "👍", true), bridge.Gone, bridge.ScopeConversation)
		target.ID = "1"
		isOf(t, "reacting to what never was", a.React(t.Context(), target, "👍", true), bridge.Gone, bridge.ScopeConversation)
		w.sim.Inject(teams.Fault{Method: "GET", Template: oneMessage, Status: 503})
		target.ID = other
		w.team.RemoveMember(w.alice)
		isOf(t, "reacting while it cannot be seen why not", a.React(t.Context(), target, "👍", true), bridge.Unsupported, bridge.ScopePerson)
	})
}

// TestWhatIsWrongWithOnePersonIsTheirsAlone, and what is wrong with the app nobody's.
func TestWhatIsWrongWithOnePersonIsTheirsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(w *simWorld)
		kind   bridge.Kind
		scope  bridge.Scope
		hint   string
	}{
		"disabled":            {func(w *simWorld) { w.alice.SetDisabled(true) }, bridge.Unauthorised, bridge.ScopePerson, personSwitchedOff},
		"deleted":             {func(w *simWorld) { w.alice.Delete() }, bridge.Unauthorised, bridge.ScopePerson, personUnknown},
		"consent withdrawn":   {func(w *simWorld) { w.sim.WithdrawConsent(w.app, w.alice) }, bridge.Unauthorised, bridge.ScopePerson, personConsent},
		"sessions ended":      {func(w *simWorld) { w.sim.RevokeUser(w.alice) }, bridge.Unauthorised, bridge.ScopePerson, hintConnectAgain},
		"more is to be shown": {func(w *simWorld) { w.sim.FailLogin(50076, 1) }, bridge.Unauthorised, bridge.ScopePerson, hintConnectAgain},
		"a policy":            {func(w *simWorld) { w.sim.FailLogin(53003, 1) }, bridge.Unauthorised, bridge.ScopePerson, personPolicy},
		"not assigned":        {func(w *simWorld) { w.sim.FailLogin(50105, 1) }, bridge.Unauthorised, bridge.ScopePerson, personUnassigned},
		"never heard of": {func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenEndpoint, Status: 400, Code: "some_error", AADSTS: 999999})
		}, bridge.Transient, bridge.ScopeAccount, ""},
		"the secret ended": {func(w *simWorld) { w.app.ExpireSecret() }, bridge.Transient, bridge.ScopeAccount, loginVerdicts["AADSTS7000222"].hint},
		"the app is gone":  {func(w *simWorld) { w.sim.FailLogin(700016, 1) }, bridge.Transient, bridge.ScopeAccount, loginVerdicts["AADSTS700016"].hint},
		"out of order":     {func(w *simWorld) { w.sim.FailLogin(90033, 1) }, bridge.Transient, bridge.ScopePerson, ""},
		"throttled": {func(w *simWorld) {
			w.sim.Inject(teams.Fault{Template: tokenEndpoint, Status: 429, RetryAfter: 7 * time.Second})
		}, bridge.Throttled, bridge.ScopePerson, ""},
		"the network": {func(w *simWorld) { w.sim.Inject(teams.Fault{Template: tokenEndpoint, Drop: true}) }, bridge.Transient, bridge.ScopeAccount, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := peopleWorld(t, teams.Options{})
			a := w.connected()
			alice := w.connects(a, w.alice)
			c.breaks(w)
			_, err := a.Post(t.Context(), w.draftAs(alice, "x"))
			isOf(t, "posting", err, c.kind, c.scope)
			var e *bridge.Error
			if errors.As(err, &e) && e.Hint != c.hint {
				t.Errorf("the hint is %q, want %q", e.Hint, c.hint)
			}
			if len(w.sim.Messages(w.general)) != 0 {
				t.Error("something was posted")
			}
		})
	}
}

// TestATokenThatGraphRefusesIsReplacedOnce before the person counts as lost, however new it is.
func TestATokenThatGraphRefusesIsReplacedOnce(t *testing.T) {
	for _, age := range []time.Duration{time.Second, 2 * newToken} {
		synctest.Test(t, func(t *testing.T) {
			w := peopleWorld(t, teams.Options{})
			a := w.connected()
			alice := w.connects(a, w.alice)
			w.do(a.Verify(t.Context(), alice))
			time.Sleep(age)
			w.sim.RevokeApp(w.app)
			_, err := a.Post(t.Context(), w.draftAs(alice, "x"))
			isOf(t, "with a token that was revoked", err, bridge.Transient, bridge.ScopeConversation)
			_, err = a.Post(t.Context(), w.draftAs(alice, "x"))
			w.do(err)
			// The one that was made in its place is refused, too.
			w.sim.Inject(teams.Fault{Method: "POST", Template: "/teams/{id}/channels/{id}/messages", Status: 401})
			_, err = a.Post(t.Context(), w.draftAs(alice, "y"))
			isOf(t, "refused", err, bridge.Unauthorised, bridge.ScopePerson)
			_, err = a.Post(t.Context(), w.draftAs(alice, "y"))
			w.do(err)
			time.Sleep(2 * newToken)
			w.sim.Inject(teams.Fault{Method: "POST", Template: "/teams/{id}/channels/{id}/messages", Status: 401})
			_, err = a.Post(t.Context(), w.draftAs(alice, "z"))
			isOf(t, "refused after a while", err, bridge.Transient, bridge.ScopeConversation)
		})
	}
}

func TestThrottlingOfOnePersonIsTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		w.settings.PostInterval = "1s"
		a := w.connected()
		alice, bob := w.connects(a, w.alice), w.connects(a, w.bob)
		var header http.Header = http.Header{"X-Ms-Throttle-Scope": {"User_Application/ReadWrite/x/y"}}
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
			var once atomic.Bool
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if isWrite(r) && once.CompareAndSwap(false, true) {
					header.Set("Retry-After", "30")
					return &http.Response{StatusCode: 429, Header: header, Body: http.NoBody, Request: r}, nil
				}
				return next.RoundTrip(r)
			})
		})
		_, err := a.Post(t.Context(), w.draftAs(alice, "x"))
		isOf(t, "the first", err, bridge.Throttled, bridge.ScopePerson)
		if bridge.AfterOf(err) != 30*time.Second {
			t.Errorf("after %v", bridge.AfterOf(err))
		}
		// It is not tried before, in another channel neither; nobody else waits.
		elsewhere := w.draftAs(alice, "y")
		elsewhere.Conversation = w.id(w.random)
		before := w.wire.attempts()
		_, err = a.Post(t.Context(), elsewhere)
		isOf(t, "elsewhere", err, bridge.Throttled, bridge.ScopePerson)
		if w.wire.attempts() != before {
			t.Error("it was tried all the same")
		}
		began := time.Now()
		_, err = a.Post(t.Context(), w.draftAs(bob, "z"))
		w.do(err)
		_, err = a.Post(t.Context(), w.draft("of the relay account"))
		w.do(err)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the others took %v", took)
		}
		time.Sleep(30 * time.Second)
		_, err = a.Post(t.Context(), w.draftAs(alice, "x"))
		w.do(err)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTokensAreRenewedOnceForAll who want to write as somebody, and the newest refresh token is kept.
func TestTokensAreRenewedOnceForAll(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	w.settings.PostInterval = "1ms"
	a := w.connected()
	alice := w.connects(a, w.alice)
	first := w.grant(alice)
	before := w.logins()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := a.Post(t.Context(), w.draftAs(alice, "x")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.logins() - before; n != 1 {
		t.Errorf("the token was asked for %d times", n)
	}
	if now := w.grant(alice); now.RefreshToken == first.RefreshToken || now.User != alice || !slices.Contains(now.Scopes, sendMessages) {
		t.Errorf("kept is the grant of %s with %v, the same token: %t", now.User, now.Scopes, now.RefreshToken == first.RefreshToken)
	}
}

// logins counts the requests to the token endpoint.
func (w *simWorld) logins() int {
	n := 0
	for _, r := range w.sim.Requests() {
		if r.Template == tokenEndpoint {
			n++
		}
	}
	return n
}

// TestNobodyIsConnectedAgainByARenewal that was under way when they disconnected; and one that began with a former grant does not
// replace the newer one.
func TestNobodyIsConnectedAgainByARenewal(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *simWorld, a *account, u bridge.UserID)
		kept      bool
		kind      bridge.Kind
	}{
		"disconnected":      {func(w *simWorld, a *account, u bridge.UserID) { w.disconnects(a, u) }, false, bridge.Unauthorised},
		"half disconnected": {func(w *simWorld, a *account, u bridge.UserID) { w.do(a.Release(context.Background(), u)) }, true, bridge.Transient},
		"disconnected by another process": {func(w *simWorld, a *account, u bridge.UserID) {
			w.do(w.vault.Delete(context.Background(), bridge.PersonGrant(u)))
		}, false, bridge.Unauthorised},
		"connected again": {func(w *simWorld, a *account, u bridge.UserID) {
			w.disconnects(a, u)
			w.vault.put(w, bridge.PersonGrant(u), personGrant{RefreshToken: "newer", User: u})
		}, true, bridge.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			w := peopleWorld(t, teams.Options{})
			a := w.connected()
			alice := w.connects(a, w.alice)
			before := w.grant(alice)
			var once sync.Once
			w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
				return roundTrip(func(r *http.Request) (*http.Response, error) {
					answer, err := next.RoundTrip(r)
					if strings.HasSuffix(r.URL.Path, "/token") {
						once.Do(func() { c.meanwhile(w, a, alice) })
					}
					return answer, err
				})
			})
			_, err := a.Post(t.Context(), w.draftAs(alice, "x"))
			isOf(t, "posting", err, c.kind, bridge.ScopePerson)
			text, err := w.vault.Load(t.Context(), bridge.PersonGrant(alice))
			w.do(err)
			if (text != nil) != c.kept {
				t.Fatalf("kept is %s", text)
			}
			if c.kept {
				want := before.RefreshToken
				if name == "connected again" {
					want = "newer"
				}
				if got := w.grant(alice).RefreshToken; got != want {
					t.Error("the grant was replaced")
				}
			}
			if len(w.sim.Messages(w.general)) != 0 {
				t.Error("it was posted")
			}
		})
	}
}

func TestEmpowerAndRelease(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	proof, err := a.Prove(t.Context(), signInOf("s"), w.signsIn(a, w.alice))
	w.do(err)
	for name, grant := range map[string][]byte{"none": nil, "no grant": []byte("{}"), "no JSON": []byte("\"x")} {
		_, err := a.Empower(t.Context(), proof.ID, grant)
		isOf(t, name, err, bridge.Rejected, bridge.ScopePerson)
	}
	_, err = a.Empower(t.Context(), bridge.UserID(w.bob.ID), proof.Grant)
	isOf(t, "another's", err, bridge.Rejected, bridge.ScopePerson)
	for range 2 {
		kept, err := a.Empower(t.Context(), proof.ID, proof.Grant)
		w.do(err)
		if diff := cmp.Diff(proof.Grant, kept); diff != "" {
			t.Error(diff)
		}
	}
	isOf(t, "verifying one who is not kept", a.Verify(t.Context(), proof.ID), bridge.Unauthorised, bridge.ScopePerson)
	isOf(t, "releasing one who is not kept", a.Release(t.Context(), proof.ID), bridge.Gone, bridge.ScopePerson)
	alice := w.connects(a, w.alice)
	w.do(a.Verify(t.Context(), alice))
	w.do(a.Release(t.Context(), alice))
	w.do(w.vault.Delete(t.Context(), bridge.PersonGrant(alice)))
	_, err = a.Post(t.Context(), w.draftAs(alice, "x"))
	isOf(t, "posting after that", err, bridge.Unauthorised, bridge.ScopePerson)
	w.vault.put(t, bridge.PersonGrant(alice), personGrant{RefreshToken: "x", User: bridge.UserID(w.bob.ID)})
	isOf(t, "another's in the place of one's own", a.Verify(t.Context(), alice), bridge.Unauthorised, bridge.ScopePerson)
}

// TestVerifyRenews, so that a consent that was withdrawn shows although the access token is good.
func TestVerifyRenews(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	alice := w.connects(a, w.alice)
	w.do(a.Verify(t.Context(), alice))
	kept := w.grant(alice)
	w.do(a.Verify(t.Context(), alice))
	if w.grant(alice).RefreshToken == kept.RefreshToken {
		t.Error("the grant was not renewed")
	}
	w.sim.WithdrawConsent(w.app, w.alice)
	isOf(t, "verifying", a.Verify(t.Context(), alice), bridge.Unauthorised, bridge.ScopePerson)
}

// TestPartsLeaveRoomForTheName that the relay account would have to write.
func TestPartsLeaveRoomForTheName(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.account()
	d := w.draft(strings.Repeat("word ", 20000))
	d.Author.Name = strings.Repeat("n", 200)
	parts := a.Parts(d)
	d.As = "somebody"
	if diff := cmp.Diff(parts, a.Parts(d)); diff != "" || len(parts) < 2 {
		t.Errorf("%d parts: %s", len(parts), diff)
	}
}

// TestComingAndGoing: whatever happens at the same time, in the end nothing is kept of who has disconnected, and who has connected
// again can write.
func TestComingAndGoing(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	w.settings.PostInterval = "1ms"
	a := w.connected()
	users := w.enrol(4)
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for _, person := range users {
		u := bridge.UserID(person.ID)
		kept, err := w.vault.Load(t.Context(), bridge.PersonGrant(u))
		w.do(err)
		for range 3 {
			all.Go(func() {
				for range 20 {
					_, _ = a.Post(t.Context(), w.draftAs(u, "x")) // they may be disconnected
					_ = a.Verify(t.Context(), u)
				}
			})
		}
		all.Go(func() {
			for n := range 20 {
				check(a.Release(t.Context(), u))
				check(w.vault.Delete(t.Context(), bridge.PersonGrant(u)))
				if n == 19 {
					return
				}
				_, err := a.Empower(t.Context(), u, kept)
				check(err)
				check(w.vault.Save(t.Context(), bridge.PersonGrant(u), kept))
			}
		})
	}
	all.Wait()
	for _, person := range users {
		u := bridge.UserID(person.ID)
		if kept, err := w.vault.Load(t.Context(), bridge.PersonGrant(u)); kept != nil || err != nil {
			t.Errorf("kept is %s (%v)", kept, err)
		}
		_, refresh := w.sim.SignIn(w.app, person, permissions(true)...)
		w.vault.put(t, bridge.PersonGrant(u), personGrant{RefreshToken: refresh, User: u})
		_, err := a.Post(t.Context(), w.draftAs(u, "y"))
		check(err)
	}
}
