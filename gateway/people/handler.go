package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"causeway/bridge"
	"causeway/gateway/people/page"
)

const (
	// pageTime is how long a page may take that asks a service.
	pageTime = 25 * time.Second
	// answerTime is how long a page may be on its way.
	answerTime = 10 * time.Second
	maxForm    = 8 << 10
	// codeLook is how often the page with a code looks whether it was typed, in seconds.
	codeLook = 4
)

// Handler answers the pages of people, by paths below that of PublicURL:
//
//	GET  /connect/TOKEN   the first page; it changes nothing, whoever opens it
//	POST /connect/TOKEN   begins in this browser
//	GET  /connect/step    where this browser stands
//	POST /connect/step    the last press
//	GET  /connect/back    where sign-ins come back to
//	GET  /me/TOKEN        somebody's own page
//	POST /me/TOKEN        changes what it says
//
// No path comes into the log: it may hold a token.
func (p *People) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/page.css", page.Style)
	mux.HandleFunc("GET /me/page.css", page.Style)
	mux.HandleFunc("GET /connect/{token}", p.doorPage)
	mux.HandleFunc("POST /connect/{token}", p.beginPage)
	mux.HandleFunc("GET /connect/step", p.stepPage)
	mux.HandleFunc("POST /connect/step", p.finishPage)
	mux.HandleFunc("GET /connect/back", p.backPage)
	mux.HandleFunc("GET /me/{token}", p.mePage)
	mux.HandleFunc("POST /me/{token}", p.mePress)
	own := http.NewCrossOriginProtection()
	if u, err := url.Parse(p.o.PublicURL); err == nil && u.Host != "" {
		// A reverse proxy may have changed the Host of the request.
		_ = own.AddTrustedOrigin(u.Scheme + "://" + u.Host) // the config has checked it
	}
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.show(w, refuse("This form is not one of Causeway's", "It was sent from another site. Nothing has been changed.", "Open the link that Causeway gave you, and press there."))
	}))
	return page.Guarded(p.guarded(own.Handler(mux)))
}

// guarded answers with a page where a handler panics, bounds what a request may take, and keeps its path out of the log.
func (p *People) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler: // the one panic that is meant
				panic(cause)
			default:
				p.o.Log.Errorf("answering a page of people: internal error: %v", cause)
				p.show(w, &refusal{title: "Something went wrong", status: http.StatusInternalServerError,
					text: []string{"It is a mistake of Causeway's own. Try again; if it stays so, tell your administrator."}})
			}
		}()
		// The server's own limit would cut off the answer to the last press, which may take longer than any other page.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTime + finishTime + answerTime))
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// show answers with a refusal.
func (p *People) show(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = p.explained(err, Account{}, "answering a page")
	}
	m := page.Message{Head: page.Head{Title: r.title}, Text: r.text}
	if r.again {
		m.Links = []page.Link{{Label: "Go on", Href: p.path("/connect/step")}}
	}
	page.Show(w, r.status, m)
}

// to sends the browser to another page of Causeway's own, by GET.
func (p *People) to(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, p.o.PublicURL+path, http.StatusSeeOther)
}

// who shows a user of an account.
func (p *People) who(a Account, u bridge.Profile) page.Who {
	w := page.Who{Service: a.Title, Where: a.Address, Name: page.Clean(u.Name)}
	if w.Where == "" {
		w.Where = a.where()
	}
	if handle(u) != "" {
		w.Username = page.Clean(u.Username)
	} else if u.Email == "" {
		u.Email = u.Username
	}
	if u.Email != "" {
		w.Email = page.Clean(u.Email)
	}
	return w
}

func (p *People) doorPage(w http.ResponseWriter, r *http.Request) {
	id, ok := p.linked(r.PathValue("token"))
	if !ok {
		p.show(w, errLink)
		return
	}
	walk, err := p.walk(r.Context(), id)
	if err != nil {
		p.show(w, p.explained(err, Account{}, "opening the link"))
		return
	}
	home, other := walk.home.Title, walk.other.Title
	page.Show(w, http.StatusOK, page.Door{
		Head: page.Head{Title: "Connect " + home + " with " + other}, Asker: p.who(walk.home, walk.Asker), Other: walk.other.label(),
		Steps: []string{
			fmt.Sprintf("You sign in to %s with this account, or type a code there.", home),
			fmt.Sprintf("You sign in to %s with yours.", other),
			"A last page names both accounts, and you press once to connect them.",
		},
	})
}

func (p *People) beginPage(w http.ResponseWriter, r *http.Request) {
	id, ok := p.linked(r.PathValue("token"))
	if !ok {
		p.show(w, errLink)
		return
	}
	cookie, err := p.begin(r.Context(), id)
	if err != nil {
		p.show(w, err)
		return
	}
	http.SetCookie(w, p.cookie(cookie, linkLife))
	p.to(w, r, "/connect/step")
}

// here gives the walk that this browser has begun.
func (p *People) here(r *http.Request) (w walk, cookie string, err error) {
	id, cookie, ok := p.browser(r)
	if !ok {
		return walk{}, "", errBrowser
	}
	if w, err = p.walk(r.Context(), id); err != nil {
		return walk{}, "", p.explained(err, Account{}, "looking where you stand")
	}
	if !w.of(cookie) {
		return walk{}, "", errBrowser
	}
	return w, cookie, nil
}

func (p *People) stepPage(w http.ResponseWriter, r *http.Request) {
	walk, _, err := p.here(r)
	if err != nil {
		p.show(w, err)
		return
	}
	asker := p.who(walk.home, walk.Asker)
	switch walk.Step {
	case atHome:
		address, err := p.home(r.Context(), walk)
		p.leavePage(w, walk.home, address, err, &asker)
	case away:
		address, err := p.away(r.Context(), walk)
		p.leavePage(w, walk.other, address, err, nil)
	case atCode:
		page.Show(w, http.StatusOK, page.Code{Head: page.Head{Title: "One thing to type", After: codeLook}, Asker: asker,
			Code: shownCode(walk.Code), Command: p.typed(walk.other, "confirm", shownCode(walk.Code))})
	case atEnd:
		page.Show(w, http.StatusOK, page.Agree{Head: page.Head{Title: "Connect these two accounts?"}, Home: p.who(walk.home, p.homeOf(walk)),
			Other: p.who(walk.other, walk.Other.Profile), Form: walk.Form})
	default:
		p.show(w, errBrowser)
	}
}

// leavePage leads to a sign-in.
func (p *People) leavePage(w http.ResponseWriter, a Account, address string, err error, expected *page.Who) {
	if err != nil {
		p.show(w, p.again(p.explained(err, a, "beginning to sign in")))
		return
	}
	page.Show(w, http.StatusOK, page.Leave{Head: page.Head{Title: "Sign in to " + a.Title, Next: address}, Service: a.label(), Href: address, Expected: expected})
}

func (p *People) backPage(w http.ResponseWriter, r *http.Request) {
	id, cookie, ok := p.browser(r)
	if !ok {
		p.show(w, errBrowser)
		return
	}
	q := r.URL.Query()
	if err := p.back(r.Context(), id, cookie, q.Get("state"), q.Get("code"), q.Get("error")); err != nil {
		p.show(w, err)
		return
	}
	p.to(w, r, "/connect/step")
}

func (p *People) finishPage(w http.ResponseWriter, r *http.Request) {
	id, cookie, ok := p.browser(r)
	if !ok {
		p.show(w, errBrowser)
		return
	}
	walk, err := p.finish(r.Context(), id, cookie, r.PostFormValue("form"))
	if err != nil {
		p.show(w, err)
		return
	}
	http.SetCookie(w, p.cookie("", -time.Second))
	http.Redirect(w, r, p.meLink(walk.home.Name, walk.User), http.StatusSeeOther)
}
