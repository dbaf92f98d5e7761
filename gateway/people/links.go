package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// linkLife is how long a link holds, and with it the walk it begins.
const linkLife = 15 * time.Minute

const (
	secretSize = 16 // bytes of what nobody can guess
	stampSize  = 8  // bytes of a time
	idSize     = sha256.Size
)

func secretBytes() []byte {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails
	return b
}

// sign makes a text of bytes that comes back from a browser, and can be made by nobody else.
func (p *People) sign(purpose string, body []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(body[:len(body):len(body)], p.o.Store.Keys().Signature(purpose, string(body))...))
}

// opened gives the bytes that were signed. It asks no store, so that guessing costs next to nothing.
func (p *People) opened(purpose, text string) ([]byte, bool) {
	const longest = 1024
	if len(text) > longest {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < store.SignatureSize {
		return nil, false
	}
	body := raw[:len(raw)-store.SignatureSize]
	return body, p.o.Store.Keys().Signed(raw[len(body):], purpose, string(body))
}

// What is signed, and for what.
const (
	forLink    = "link"    // the time of its end, a secret
	forBrowser = "browser" // id of the walk, a secret: the cookie
	forState   = "state"   // id of the walk, the step, a secret
	forMe      = "me"      // the time of its end, account NUL user
)

// newLink gives the token of a new link, and the id of its walk.
func (p *People) newLink(expires time.Time) (token, id string) {
	token = p.sign(forLink, append(binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())), secretBytes()...))
	return token, walkID(token)
}

func walkID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// linked gives the id of the walk that a link leads to.
func (p *People) linked(token string) (id string, ok bool) {
	body, ok := p.opened(forLink, token)
	if !ok || len(body) != stampSize+secretSize || !ahead(body) {
		return "", false
	}
	return walkID(token), true
}

// ahead reports whether the time with which body begins is still to come.
func ahead(body []byte) bool {
	return time.Now().Before(time.Unix(int64(binary.BigEndian.Uint64(body)), 0))
}

func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// signedWith makes what a browser brings back: the id of a walk, a step, a secret.
func (p *People) signedWith(purpose, id string, at step, secret []byte) string {
	raw, _ := base64.RawURLEncoding.DecodeString(id)
	return p.sign(purpose, append(append(raw, byte(at)), secret...))
}

// parts takes it apart.
func (p *People) parts(purpose, text string) (id string, at step, secret []byte, ok bool) {
	body, ok := p.opened(purpose, text)
	if !ok || len(body) != idSize+1+secretSize {
		return "", 0, nil, false
	}
	return base64.RawURLEncoding.EncodeToString(body[:idSize]), step(body[idSize]), body[idSize+1:], true
}

// meLink gives the private page of a user at home.
func (p *People) meLink(home bridge.AccountName, u bridge.UserID) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(linkLife).Unix()))
	return p.o.PublicURL + "/me/" + p.sign(forMe, append(body, string(home)+"\x00"+string(u)...))
}

// meOf gives whose page it is.
func (p *People) meOf(token string) (home bridge.AccountName, u bridge.UserID, ok bool) {
	body, ok := p.opened(forMe, token)
	if !ok || len(body) < stampSize || !ahead(body) {
		return "", "", false
	}
	account, user, ok := strings.Cut(string(body[stampSize:]), "\x00")
	return bridge.AccountName(account), bridge.UserID(user), ok
}

// cookieName is what binds a walk to one browser. With https only https can set a cookie of that name.
func (p *People) cookieName() string {
	if p.secure() {
		return "__Secure-causeway"
	}
	return "causeway"
}

func (p *People) secure() bool { return strings.HasPrefix(p.o.PublicURL, "https:") }

// path is where the pages are for a browser: the path of PublicURL with what follows.
func (p *People) path(rest string) string {
	u, err := url.Parse(p.o.PublicURL)
	if err != nil { // the config has checked it
		return rest
	}
	return strings.TrimRight(u.EscapedPath(), "/") + rest
}

func (p *People) cookie(value string, life time.Duration) *http.Cookie {
	return &http.Cookie{Name: p.cookieName(), Value: value, Path: p.path("/connect"), MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: p.secure(), SameSite: http.SameSiteLaxMode}
}

// browser gives the walk and the cookie of a request; several cookies are as good as none, as one of them may have been planted.
func (p *People) browser(r *http.Request) (id, cookie string, ok bool) {
	found := r.CookiesNamed(p.cookieName())
	if len(found) != 1 {
		return "", "", false
	}
	id, _, _, ok = p.parts(forBrowser, found[0].Value)
	return id, found[0].Value, ok
}
