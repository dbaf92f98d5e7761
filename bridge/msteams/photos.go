package msteams

import (
	"context"
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"causeway/bridge"
)

// photos shows the pictures of people in Teams to those who read them on other services, which cannot ask Graph. Each
// person has an address below the account's hook that nobody can guess; Graph is asked when somebody looks. Who has no
// picture, or none that may be read, is shown by one that is drawn.
type photos struct {
	a    *account
	kept *lru.Cache[bridge.UserID, photo]
	// asking holds a value for each picture that Graph is being asked for.
	asking chan struct{}

	mu  sync.Mutex
	key []byte // of the addresses; nil until it is needed
}

// photo is a picture as it is shown, until then.
type photo struct {
	data  []byte
	until time.Time
}

const (
	photosPath      = "/photos/"
	photosVaultName = "photo-addresses"
	// photosKept bounds with largestPhoto the memory that pictures take; they have about 4 KB.
	photosKept   = 256
	largestPhoto = 32 << 10
	photosAsked  = 4
	// photoTime is how long Graph may take: somebody waits before a page.
	photoTime = 10 * time.Second
	// How long a picture is shown until Graph is asked again, and one that is drawn because there is none, or because Graph
	// did not answer.
	photoLives  = 24 * time.Hour
	noPhotoYet  = time.Hour
	photoFailed = time.Minute
)

func newPhotos(a *account) (*photos, error) {
	kept, err := lru.New[bridge.UserID, photo](photosKept)
	if err != nil {
		return nil, fmt.Errorf("preparing to remember pictures: %w", err)
	}
	return &photos{a: a, kept: kept, asking: make(chan struct{}, photosAsked)}, nil
}

// address is where a person's picture is; empty where nobody can reach Causeway.
func (p *photos) address(ctx context.Context, u bridge.UserID) string {
	if p.a.env.Hook == "" || u == "" {
		return ""
	}
	mark, err := p.mark(ctx, u)
	if err != nil {
		p.a.log.WithError(err).Debug("A message goes without its author's picture.")
		return ""
	}
	return p.a.env.Hook + photosPath + url.PathEscape(string(u)) + "/" + mark
}

// mark is the part of an address that cannot be guessed. It stays the same, as the address stands in posts.
func (p *photos) mark(ctx context.Context, u bridge.UserID) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		key, err := p.a.env.Vault.Load(ctx, photosVaultName)
		if err != nil {
			return "", fmt.Errorf("loading the key for addresses of pictures: %w", err)
		}
		if key == nil {
			key = make([]byte, 32)
			cryptorand.Read(key)
			if err := p.a.env.Vault.Save(ctx, photosVaultName, key); err != nil {
				return "", fmt.Errorf("storing the key for addresses of pictures: %w", err)
			}
		}
		p.key = key
	}
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte(u))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]), nil
}

func (p *photos) serve(w http.ResponseWriter, r *http.Request) {
	u := bridge.UserID(r.PathValue("user"))
	mark, err := p.mark(r.Context(), u)
	switch {
	case err != nil:
		p.a.log.WithError(err).Debug("A picture cannot be shown now.")
		refuse(w, http.StatusServiceUnavailable)
		return
	case !hmac.Equal([]byte(mark), []byte(r.PathValue("mark"))):
		refuse(w, http.StatusNotFound) // not an address that we have given to anybody
		return
	}
	shown := p.get(r.Context(), u)
	header := w.Header()
	header.Set("Content-Type", http.DetectContentType(shown.data))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(max(time.Until(shown.until), 0).Seconds())))
	_, _ = w.Write(shown.data) // who looks may have gone
}

// get gives a picture of somebody in any case.
func (p *photos) get(ctx context.Context, u bridge.UserID) photo {
	if shown, ok := p.fresh(u); ok {
		return shown
	}
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return photo{data: drawnPhoto(u)}
	}
	if shown, ok := p.fresh(u); ok { // somebody else has asked meanwhile
		return shown
	}
	data, err := p.fetch(ctx, u)
	if ctx.Err() != nil {
		return photo{data: drawnPhoto(u)}
	}
	lives := photoLives
	if err != nil {
		p.a.log.WithError(err).Debug("A picture is drawn.")
		data, lives = drawnPhoto(u), photoFailed
		if k := bridge.KindOf(err); k == bridge.Gone || k == bridge.Unauthorised || k == bridge.Rejected {
			lives = noPhotoYet
		}
	}
	shown := photo{data: data, until: time.Now().Add(lives)}
	p.kept.Add(u, shown)
	return shown
}

func (p *photos) fresh(u bridge.UserID) (photo, bool) {
	shown, ok := p.kept.Get(u)
	return shown, ok && time.Now().Before(shown.until)
}

// photoTypes are the types that are passed on: nothing in them can be run.
var photoTypes = []string{"image/jpeg", "image/png", "image/gif"}

// fetch asks Graph, which answers 404 for somebody without a picture ("Get profilePhoto").
func (p *photos) fetch(ctx context.Context, u bridge.UserID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, photoTime)
	defer cancel()
	body, err := p.a.app.download(ctx, opPhoto, place{user: string(u)})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, largestPhoto+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", opPhoto.Doing, err)
	case len(data) > largestPhoto || !slices.Contains(photoTypes, http.DetectContentType(data)):
		return nil, &bridge.Error{Kind: bridge.Rejected, Err: errors.New(opPhoto.Doing + ": it is too large, or no picture")}
	}
	return data, nil
}
