package msteams

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

const membersTemplate = "/teams/{id}/channels/{id}/members"

// lookalikes is a world in which people with all kinds of names write by the relay account.
type lookalikes struct {
	*simWorld
	account *account
}

func inLookalikes(t *testing.T, test func(w *lookalikes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		test(&lookalikes{w, w.connected()})
	})
}

// shown posts as somebody and gives what stands above the text.
func (w *lookalikes) shown(author bridge.Author, same bridge.UserID) string {
	w.Helper()
	d := w.draft("hello")
	d.Author, d.Same = author, same
	id, err := w.account.Post(w.Context(), d)
	w.do(err)
	return w.above(id)
}

func (w *lookalikes) above(id bridge.MessageID) string {
	m, _ := w.sim.Message(w.general, string(id))
	name, _, _ := strings.Cut(m.Text, "\n")
	return name
}

func (w *lookalikes) asked() int { return w.sim.Count("GET", membersTemplate) }

func (w *lookalikes) logged(text string) int { return strings.Count(w.log.String(), text) }

func TestNobodyLooksLikeAMemberOfTheChannel(t *testing.T) {
	inLookalikes(t, func(w *lookalikes) {
		t := w.TB
		stranger := bridge.UserID("4xp9fdt77pncbef59f4k1qe83o")
		w.tenant.AddUser("Nora Next") // of no team
		for _, c := range []struct {
			name string
			same *teams.User
			want string
		}{
			{"Carla Fremd", nil, "Carla Fremd"},
			{"Alice Adams", nil, "Alice Adams (elsewhere)"},
			{"ALICE ADAMS", nil, "ALICE ADAMS (elsewhere)"},
			{"AIice Adarns", nil, "AIice Adarns (elsewhere)"},
			{"Αlice Adams", nil, "Αlice Adams (elsewhere)"}, // a Greek alpha
			{"Сarla Fremd", nil, "Сarla Fremd (elsewhere)"}, // a Cyrillic С: nobody is called that
			{"Causeway", nil, "Causeway (elsewhere)"},
			{"Alice", nil, "Alice"},
			{"Nora Next", nil, "Nora Next"},
			{"Alice Adams", w.alice, "Alice Adams"},
			{"Alice Adams", w.bob, "Alice Adams (elsewhere)"},
			{"Carla Fremd", w.bob, "Carla Fremd"},
		} {
			var same bridge.UserID
			if c.same != nil {
				same = bridge.UserID(c.same.ID)
			}
			if got := w.shown(bridge.Author{ID: stranger, Name: c.name}, same); got != c.want {
				t.Errorf("%q who is %q is shown as %q, want %q", c.name, same, got, c.want)
			}
		}
		if got := w.shown(bridge.Author{ID: bridge.UserID(w.owner.ID), Name: "Alice Adams"}, ""); got != "Alice Adams (Microsoft Teams)" {
			t.Errorf("somebody of another tenant is shown as %q", got)
		}
		d := w.draft("hello")
		id, err := w.account.Post(t.Context(), d)
		w.do(err)
		d.Author.Name, d.Text = "Bob Brown", richtext.Plain("edited")
		w.do(w.account.Edit(t.Context(), id, d))
		if got := w.above(id); got != "Bob Brown (elsewhere)" {
			t.Errorf("after an edit the author is shown as %q", got)
		}
		if n := w.asked(); n != 1 {
			t.Errorf("it cost %d requests, want 1", n)
		}
	})
}

func TestMembersAreReadAgainBesideThePosts(t *testing.T) {
	inLookalikes(t, func(w *lookalikes) {
		t := w.TB
		stop := w.running(w.account, newTestInbox())
		defer stop()
		zoe := bridge.Author{Name: "Zoe Zander"}
		var got []string
		look := func() { got = append(got, w.shown(zoe, "")) }
		look()
		w.team.AddMember(w.tenant.AddUser("Zoe Zander"))
		look()
		time.Sleep(rosterFresh + time.Minute)
		release := w.wire.hold(isMembers)
		look() // by the old names, without waiting for the new ones
		synctest.Wait()
		release() // which is refused
		time.Sleep(rosterAgain + time.Minute)
		look() // again beside the posts
		synctest.Wait()
		look()
		before := w.asked()
		time.Sleep(rosterOld + time.Minute)
		w.bob.Rename("Zed Zander")
		zoe.Name = "Zed Zander"
		look() // these are too old: the first post waits
		if d := cmp.Diff([]string{"Zoe Zander", "Zoe Zander", "Zoe Zander", "Zoe Zander", "Zoe Zander (elsewhere)", "Zed Zander (elsewhere)"}, got); d != "" {
			t.Error(d)
		}
		if n := w.asked() - before; before != 2 || n != 1 {
			t.Errorf("the members were asked for %d times, and then %d times", before, n)
		}
	})
}

func isMembers(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/members") }

func TestMembersThatCannotBeReadHoldUpNothing(t *testing.T) {
	inLookalikes(t, func(w *lookalikes) {
		t := w.TB
		stop := w.running(w.account, newTestInbox())
		defer stop()
		alice := bridge.Author{Name: "Alice Adams"}
		mend := w.sim.Inject(teams.Fault{Template: membersTemplate, Times: -1, Status: 403, Code: "Forbidden"})
		for range 3 {
			if got := w.shown(alice, ""); got != "Alice Adams" {
				t.Errorf("shown as %q", got)
			}
		}
		time.Sleep(rosterAgain + time.Minute)
		w.shown(alice, "")
		synctest.Wait()
		if asked, told := w.asked(), w.logged("cannot be read. Authors"); asked != 2 || told != 1 {
			t.Errorf("asked %d times, told %d times:\n%s", asked, told, w.log)
		}
		mend()
		time.Sleep(rosterAgain + time.Minute)
		w.shown(alice, "")
		synctest.Wait()
		if got := w.shown(alice, ""); got != "Alice Adams (elsewhere)" || w.logged("can be read again") != 1 {
			t.Errorf("shown as %q:\n%s", got, w.log)
		}
		w.wire.hold(isMembers) // without an answer, the first post in another channel waits, but not for long
		d, began := w.draft("hello"), time.Now()
		d.Conversation, d.Author = w.id(w.random), alice
		_, err := w.account.Post(t.Context(), d)
		w.do(err)
		if took := time.Since(began); took > rosterPatience+2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestAPostIsFoundByItsTextAlthoughItsAuthorIsToldApartNoMore or only since.
func TestAPostIsFoundByItsTextAlthoughItsAuthorIsToldApartNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{StripAbbr: true})
		a, since := w.connected(), time.Now()
		for _, name := range []string{"Alice Adams", "Zoe Zander"} {
			d := w.draft("one")
			d.Author.Name = name
			id, err := a.Post(t.Context(), d)
			w.do(err)
			w.tenant.AddUser(name)
			w.alice.Rename("Alice Brown")
			again := w.connected()
			found, err := again.Find(t.Context(), d, since)
			w.do(err)
			if diff := cmp.Diff([]bridge.MessageID{id}, found); diff != "" {
				t.Error(diff)
			}
		}
	})
}
