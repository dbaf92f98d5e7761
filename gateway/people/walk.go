package people

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// step is how far a walk has come.
type step byte

const (
	// atDoor: nobody has begun.
	atDoor step = iota
	// atHome: signing in at home.
	atHome
	// away: signing in to the other account.
	away
	// atCode: a code must be typed at home, where that has no sign-in.
	atCode
	// atEnd: both are known, and one press is missing.
	atEnd
)

// progress is what has been proven so far on a walk. It is stored sealed.
type progress struct {
	Step step
	// Asker is who typed the command, as home said then.
	Asker bridge.Profile
	// Browser is the hash of the cookie of the browser that has begun.
	Browser []byte `json:",omitempty"`
	// Secret is the one in the state with which the present sign-in comes back, Verifier that of PKCE.
	Secret   []byte `json:",omitempty"`
	Verifier string `json:",omitempty"`
	// Home and Other are who has signed in.
	Home  *bridge.Proof `json:",omitempty"`
	Other *bridge.Proof `json:",omitempty"`
	// Left is who had signed in before the walk was begun anew, Pressed that the last press was made: services have given something then.
	Left    []left `json:",omitempty"`
	Pressed bool   `json:",omitempty"`
	// Code is to be typed at home; Tries counts the wrong ones.
	Code  string `json:",omitempty"`
	Tries int    `json:",omitempty"`
	// Form proves that the last press was made on the last page.
	Form string `json:",omitempty"`
}

// walk is a walk with its two accounts.
type walk struct {
	store.Walk
	progress
	home, other Account
}

// decoded understands a stored walk.
func (p *People) decoded(stored store.Walk) (walk, error) {
	w := walk{Walk: stored}
	if err := json.Unmarshal(stored.Progress, &w.progress); err != nil {
		return walk{}, fmt.Errorf("reading a walk: %w", err)
	}
	var here, there bool
	w.home, here = p.account(stored.Account)
	w.other, there = p.account(stored.Target)
	if !here || !there { // not in the config any more
		return walk{}, store.ErrNoWalk
	}
	return w, nil
}

// walk gives a walk that is under way.
func (p *People) walk(ctx context.Context, id string) (walk, error) {
	stored, err := p.o.Store.Walk(ctx, id)
	if err != nil {
		return walk{}, err
	}
	return p.decoded(stored)
}

// change stores what do makes of a walk, in one transaction, and gives it.
func (p *People) change(ctx context.Context, id string, do func(*walk) error) (walk, error) {
	var after walk
	err := p.o.Store.ChangeWalk(ctx, id, func(stored store.Walk) ([]byte, error) {
		w, err := p.decoded(stored)
		if err != nil {
			return nil, err
		}
		if err := do(&w); err != nil {
			return nil, err
		}
		after = w
		return json.Marshal(w.progress)
	})
	return after, err
}

// of reports whether this browser has begun the walk.
func (w *progress) of(cookie string) bool {
	return len(w.Browser) > 0 && subtle.ConstantTimeCompare(w.Browser, hashed(cookie)) == 1
}

// signIn begins a sign-in anew; what was begun before does not hold any more.
func (w *progress) signIn(at step) {
	w.Step, w.Secret, w.Verifier = at, secretBytes(), rand.Text()+rand.Text()
}

// invite begins a walk for a user at home and gives the address of its first page.
func (p *People) invite(ctx context.Context, home, other Account, asker bridge.Profile) (string, error) {
	expires := time.Now().Add(linkLife)
	token, id := p.newLink(expires)
	text, err := json.Marshal(progress{Asker: asker})
	if err != nil {
		return "", fmt.Errorf("beginning to connect: %w", err)
	}
	if err := p.o.Store.BeginWalk(ctx, store.Walk{ID: id, Account: home.Name, User: asker.ID, Target: other.Name, Expires: expires, Progress: text}); err != nil {
		return "", err
	}
	return p.o.PublicURL + "/connect/" + token, nil
}

// begin binds a walk to a browser, whose new cookie it gives. Whatever was proven in another one does not hold any more.
func (p *People) begin(ctx context.Context, id string) (cookie string, err error) {
	cookie = p.signedWith(forBrowser, id, atDoor, secretBytes())
	w, err := p.change(ctx, id, func(w *walk) error {
		w.progress = progress{Asker: w.Asker, Tries: w.Tries, Browser: hashed(cookie), Left: w.leaves(), Pressed: w.Pressed}
		w.signIn(atHome)
		return nil
	})
	if err != nil {
		return "", p.explained(err, w.home, "beginning")
	}
	_, err = p.home(ctx, w)
	if bridge.KindOf(err) == bridge.Unsupported { // a code will do it
		_, err = p.change(ctx, id, func(w *walk) error {
			if !w.of(cookie) || w.Step != atHome {
				return errBrowser
			}
			w.signIn(away)
			return nil
		})
	}
	if err != nil {
		return "", p.explained(err, w.home, "beginning to sign in")
	}
	return cookie, nil
}

// redirect is where services send browsers back to.
func (p *People) redirect() string { return p.o.PublicURL + "/connect/back" }

func (p *People) signInOf(w walk) bridge.SignIn {
	return bridge.SignIn{Redirect: p.redirect(), State: p.signedWith(forState, w.ID, w.Step, w.Secret), Verifier: w.Verifier}
}

// home gives the address of the sign-in at home.
func (p *People) home(ctx context.Context, w walk) (string, error) {
	return w.home.Bridge.SignIn(ctx, p.signInOf(w))
}

// away gives the address of the other sign-in.
func (p *People) away(ctx context.Context, w walk) (string, error) {
	return w.other.Bridge.SignIn(ctx, p.signInOf(w))
}

// back takes up a browser that comes back from a sign-in with a code, or with what the service says is wrong.
func (p *People) back(ctx context.Context, id, cookie, state, code, failure string) error {
	named, at, secret, ok := p.parts(forState, state)
	if !ok {
		return errForeign
	}
	if named != id {
		return errBrowser
	}
	var used walk
	after, err := p.change(ctx, id, func(w *walk) error {
		switch {
		case !w.of(cookie):
			return errBrowser
		case w.Step != at || !bytes.Equal(w.Secret, secret):
			return errState
		}
		used = *w
		w.signIn(at) // the state is used up, whatever comes of it
		return nil
	})
	if err != nil {
		return p.explained(err, Account{}, "coming back")
	}
	a := used.home
	if at == away {
		a = used.other
	}
	if failure != "" || code == "" {
		return declined(a, failure)
	}
	proof, err := a.Bridge.Prove(ctx, p.signInOf(used), code)
	if err != nil {
		return p.again(p.explained(err, a, "signing you in"))
	}
	err = p.proven(ctx, after, proof)
	if err != nil { // whoever it was, nothing is kept of it
		if _, failed := p.giveBack(context.WithoutCancel(ctx), a, proof.ID, proof.Grant); failed != nil {
			p.o.Log.WithField("account", string(a.Name)).WithError(errors.New(bridge.Cause(failed))).Warn("giving back what somebody gave who cannot be connected failed; it ends by itself")
		}
	}
	return err
}

// again lets somebody try another account at the same step.
func (p *People) again(r *refusal) *refusal {
	one := *r
	one.again = true
	return &one
}

// declined words what a service says instead of a code. The words of the service are not shown: anybody can make an address with any.
func declined(a Account, failure string) *refusal {
	switch failure {
	case "access_denied", "consent_required":
		return retry("You were not signed in", a.Title+" says that you, or somebody who decides for you there, have not agreed. Nothing has been changed.",
			"Try again and agree, or close this page. If you may not agree yourself, ask your administrator.")
	}
	return retry("You were not signed in", a.Title+" has ended the sign-in. Nothing has been changed.", "Try again; if it stays so, tell your administrator.")
}

// proven stores who has signed in, and goes on. w is the walk as it was when its state was used up.
func (p *People) proven(ctx context.Context, w walk, proof bridge.Proof) error {
	if w.Step == atHome {
		if proof.ID != w.User {
			return retry("That is another account", fmt.Sprintf("You are signed in to %s as %s. This link was asked for by %s.", w.home.Title, called(proof.Profile), called(w.Asker)),
				fmt.Sprintf("If that is you, sign out of %s in this browser, sign in as %s, and try again. If it is not you, close this page: nothing has been changed.", w.home.Title, called(w.Asker)))
		}
	} else if err := p.judge(ctx, w, p.homeOf(w), proof.Profile); err != nil {
		return p.again(p.explained(err, w.other, "looking whether you may connect"))
	}
	_, err := p.change(ctx, w.ID, func(now *walk) error {
		if now.Step != w.Step || !bytes.Equal(now.Secret, w.Secret) { // begun anew meanwhile
			return errState
		}
		if w.Step == atHome {
			now.Home = &proof
			now.signIn(away)
			return nil
		}
		now.Other, now.Secret, now.Verifier = &proof, nil, ""
		if now.Home == nil {
			now.Step, now.Code = atCode, newCode()
			return nil
		}
		now.Step, now.Form = atEnd, rand.Text()
		return nil
	})
	if err != nil {
		return p.explained(err, w.other, "going on")
	}
	return nil
}

// homeOf is who somebody is at home: as they signed in, or, where home has no sign-in, who has typed the command.
func (p *People) homeOf(w walk) bridge.Profile {
	if w.Home != nil {
		return w.Home.Profile
	}
	return w.Asker
}

// called gives a user as people know them.
func called(u bridge.Profile) string {
	switch name := handle(u); {
	case name != "":
		return page.Clean(u.Name) + " (@" + page.Clean(name) + ")"
	case u.Username != "": // an address
		return page.Clean(u.Name) + " (" + page.Clean(u.Username) + ")"
	}
	return page.Clean(u.Name)
}

// handle gives the name by which people mention a user; what they sign in with where that is an address is none.
func handle(u bridge.Profile) string {
	if strings.Contains(u.Username, "@") {
		return ""
	}
	return u.Username
}

// finishTime is how long connecting may take after the last press.
const finishTime = 25 * time.Second

// finish connects both. form is what came with the press.
func (p *People) finish(ctx context.Context, id, cookie, form string) (walk, error) {
	w, err := p.walk(ctx, id)
	if err != nil {
		return w, p.explained(err, Account{}, "connecting")
	}
	switch {
	case !w.of(cookie):
		return w, errBrowser
	case w.Step != atEnd || subtle.ConstantTimeCompare([]byte(w.Form), []byte(form)) != 1:
		return w, errState
	}
	if !p.enter(id) {
		return w, errState
	}
	defer p.leave(id)
	if err := p.judge(ctx, w, p.homeOf(w), w.Other.Profile); err != nil {
		return w, p.explained(err, w.other, "looking whether you may connect")
	}
	// From here on it must not end halfway because the person closes the page.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if _, err := p.change(ctx, id, func(w *walk) error { w.Pressed = true; return nil }); err != nil {
		return w, p.explained(err, Account{}, "connecting")
	}
	for tries := 1; ; tries++ {
		err := p.connect(ctx, w)
		if errors.Is(err, store.ErrRenewed) && tries < connectTries {
			continue
		}
		if err != nil {
			return w, p.explained(err, Account{}, "storing it")
		}
		p.changed()
		return w, nil
	}
}

// connectTries is how often is tried to store a connection while what is kept to act as the person is renewed again and again.
const connectTries = 3

// connect makes Causeway able to act as both, and stores that. Home comes last, as what it gives may have to be made first.
func (p *People) connect(ctx context.Context, w walk) error {
	other, err := p.empowered(ctx, w.other, w.Other.Profile, w.Other)
	if err != nil {
		return err
	}
	home, err := p.empowered(ctx, w.home, p.homeOf(w), w.Home)
	if err != nil {
		return err
	}
	_, err = p.o.Store.Connect(ctx, w.ID, [2]store.End{home, other}, p.o.Settings.MaxConnected)
	return err
}

// empowered makes an account able to act as a user; proof is nil where they have not signed in.
func (p *People) empowered(ctx context.Context, a Account, u bridge.Profile, proof *bridge.Proof) (store.End, error) {
	server, ok := p.server(a.Name)
	if !ok {
		return store.End{}, p.explained(errors.New("the account has not connected yet"), a, "connecting")
	}
	var grant []byte
	if proof != nil {
		grant = proof.Grant
	}
	before, err := p.o.Store.Vault(a.Name).Load(ctx, bridge.PersonGrant(u.ID))
	if err != nil { // what cannot be opened is good for nothing
		before = nil
	}
	made, err := a.Bridge.Empower(ctx, u.ID, grant)
	if err != nil {
		return store.End{}, p.again(p.explained(err, a, "getting the right to write in your name"))
	}
	return store.End{Grant: made, Kept: before, Identity: store.Identity{Account: a.Name, Server: server, User: u.ID, Name: u.Name, Username: u.Username, Email: u.Email}}, nil
}

// enter lets one press at a time finish a walk.
func (p *People) enter(id string) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.finishing[id] {
		return false
	}
	p.finishing[id] = true
	return true
}

// busy reports whether a walk is being finished.
func (p *People) busy(id string) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.finishing[id]
}

func (p *People) leave(id string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.finishing, id)
}
