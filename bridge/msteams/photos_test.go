package msteams

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

const face = "\xff\xd8\xff\xe0 the face of Alice"

// look fetches what stands at an address, as a browser does.
func (w *simWorld) look(address string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.serveHook(answer, httptest.NewRequest("GET", address, nil))
	return answer
}

// photosAskedFor counts what Graph was asked for.
func (w *simWorld) photosAskedFor() int { return w.sim.Count("GET", "/users/{id}/photos/{id}/$value") }

// newPhotoWorld has people whom Graph shows pictures of, of Alice alone.
func newPhotoWorld(t *testing.T) *simWorld {
	w := newSimWorld(t, teams.Options{})
	w.app.SetRoles(append(permissions(false), readPhotos)...)
	w.alice.SetPhoto([]byte(face))
	w.hook, w.settings.Receive = hookURL, "poll"
	return w
}

// avatarOf gives the picture that comes with what somebody says.
func (w *simWorld) avatarOf(a *account, who *teams.User) string {
	w.Helper()
	id, err := w.sim.Say(who, w.general, "<p>hello</p>")
	w.do(err)
	s, err := a.Read(w.Context(), w.id(w.general), bridge.MessageID(id))
	w.do(err)
	return s.Author.Avatar
}

func TestPeopleAreShownByTheirPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPhotoWorld(t)
		address := w.avatarOf(w.connected(), w.alice)
		for range 3 {
			answer := w.look(address)
			if answer.Code != http.StatusOK || answer.Body.String() != face || answer.Header().Get("Content-Type") != "image/jpeg" ||
				answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Cache-Control") != "public, max-age=86400" {
				t.Fatalf("%s: %d %v %q", address, answer.Code, answer.Header(), answer.Body)
			}
		}
		if n := w.photosAskedFor(); n != 1 {
			t.Errorf("Graph was asked %d times", n)
		}
		if again := w.avatarOf(w.connected(), w.alice); again != address { // it stands in posts
			t.Errorf("after a restart the address is %s, it was %s", again, address)
		}
		w.alice.SetPhoto([]byte(face + " in spring"))
		w.look(address)
		time.Sleep(photoLives)
		if got := w.look(address).Body.String(); got != face+" in spring" {
			t.Errorf("a day later one sees %q", got)
		}
	})
}

func TestWhoHasNoPictureIsShownByADrawnOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPhotoWorld(t)
		a := w.connected()
		alice, bob, owner := w.avatarOf(a, w.alice), w.avatarOf(a, w.bob), w.avatarOf(a, w.owner)
		drawn := func(address string) []byte {
			t.Helper()
			answer := w.look(address)
			if _, err := png.Decode(bytes.NewReader(answer.Body.Bytes())); err != nil || answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "image/png" {
				t.Fatalf("%s: %d %v %v", address, answer.Code, answer.Header(), err)
			}
			return answer.Body.Bytes()
		}
		first := drawn(bob)
		if !bytes.Equal(first, drawn(bob)) || bytes.Equal(first, drawn(owner)) || w.photosAskedFor() != 2 {
			t.Errorf("a drawn picture is not of one person alone, or Graph was asked %d times for two", w.photosAskedFor())
		}
		for what, data := range map[string]string{"a page": "<html><script>", "too much": face + strings.Repeat("x", largestPhoto)} {
			w.alice.SetPhoto([]byte(data))
			drawn(alice)
			time.Sleep(noPhotoYet)
			if n := w.photosAskedFor(); n != 3 {
				t.Errorf("%s: Graph was asked %d times", what, n)
			}
			w.sim.ResetRequests()
			drawn(bob)
			drawn(owner)
		}
		w.alice.SetPhoto([]byte(face))
		w.sim.Inject(teams.Fault{Template: "/users/{id}/photos/{id}/$value", Status: 503})
		drawn(alice)
		time.Sleep(photoFailed)
		if got := w.look(alice).Body.String(); got != face {
			t.Errorf("after the outage one sees %q", got)
		}
	})
}

func TestAPictureNeedsAnAddressThatWasGiven(t *testing.T) {
	w := newPhotoWorld(t)
	a := w.connected()
	alice, bob := w.avatarOf(a, w.alice), w.avatarOf(a, w.bob)
	mark := func(address string) string { return address[strings.LastIndexByte(address, '/'):] }
	for _, guessed := range []string{
		hookURL + "/photos/" + w.alice.ID, hookURL + "/photos/" + w.alice.ID + "/x", strings.TrimSuffix(alice, mark(alice)) + mark(bob), alice + "x",
	} {
		if answer := w.look(guessed); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", guessed, answer.Code)
		}
	}
	if n := w.photosAskedFor(); n != 0 {
		t.Errorf("Graph was asked %d times by somebody who guesses", n)
	}
}

func TestPicturesAreOfferedAndAskedForWhereTheyCanBeFetched(t *testing.T) {
	w := newPhotoWorld(t)
	if a := w.account(); !slices.Contains(a.needs(false, true), readPhotos) {
		t.Errorf("useful are %v", a.needs(false, true))
	}
	w.hook = ""
	a := w.connected()
	if got := w.avatarOf(a, w.alice); got != "" || a.Handler() != nil || slices.Contains(a.needs(false, true), readPhotos) {
		t.Errorf("where nobody can reach Causeway the picture is at %q, useful are %v", got, a.needs(false, true))
	}
}
