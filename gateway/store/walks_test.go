package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

func aWalk(id, user string) Walk {
	return Walk{ID: id, Account: "mattermost.hq", User: bridge.UserID(user), Target: "msteams.contoso",
		Expires: time.Now().Add(15 * time.Minute).Truncate(time.Millisecond), Progress: []byte("progress of " + id)}
}

func TestWalkGoesOnUntilItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causeway.db")
	s := open(t, path, Options{})
	first, other := aWalk("w1", "ann"), aWalk("w2", "bob")
	for _, w := range []Walk{first, other} {
		if err := s.BeginWalk(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	has := func(id string, want Walk, err error) {
		t.Helper()
		got, failed := s.Walk(t.Context(), id)
		if diff := cmp.Diff(want, got); diff != "" || !errors.Is(failed, err) {
			t.Errorf("%s: %v %s", id, failed, diff)
		}
	}
	has("w1", first, nil)
	has("w3", Walk{}, ErrNoWalk)
	refused := errors.New("refused")
	if err := s.ChangeWalk(t.Context(), "w1", func(Walk) ([]byte, error) { return []byte("not this"), refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	has("w1", first, nil)
	if err := s.ChangeWalk(t.Context(), "w1", func(w Walk) ([]byte, error) { return append(w.Progress, " and more"...), nil }); err != nil {
		t.Error(err)
	}
	first.Progress = []byte("progress of w1 and more")
	has("w1", first, nil)
	if got, err := s.WalkOf(t.Context(), "mattermost.hq", "ann"); err != nil || got.ID != "w1" {
		t.Error(got, err)
	}
	again := aWalk("w4", "ann")
	if err := s.BeginWalk(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	has("w1", Walk{}, ErrNoWalk)
	has("w2", other, nil)
	has("w4", again, nil)
	if err := s.ChangeWalk(t.Context(), "w1", func(Walk) ([]byte, error) { return nil, nil }); !errors.Is(err, ErrNoWalk) {
		t.Error(err)
	}
	if err := s.EndWalk(t.Context(), "w2"); err != nil {
		t.Error(err)
	}
	has("w2", Walk{}, ErrNoWalk)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if cluster != nil { // it is no file
		return
	}
	if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte("progress of w4")) {
		t.Errorf("what was proven stands in the file: %v", err)
	}
}

func TestWalkWhoseTimeIsOverIsNoWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "/walks", Options{VFS: "memdb"})
		defer s.Close()
		if err := s.BeginWalk(t.Context(), aWalk("w1", "ann")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15*time.Minute - time.Millisecond)
		if _, err := s.Walk(t.Context(), "w1"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
		if _, err := s.Walk(t.Context(), "w1"); !errors.Is(err, ErrNoWalk) {
			t.Error(err)
		}
		ends := [2]End{end("mattermost.hq", "mattermost:1", "ann"), end("msteams.contoso", "msteams:1", "ann")}
		if _, err := s.Connect(t.Context(), "w1", ends, 0); !errors.Is(err, ErrNoWalk) {
			t.Error(err)
		}
		want := aWalk("w1", "ann")
		want.Expires = time.UnixMilli(time.Now().UnixMilli())
		ended, err := s.EndedWalks(t.Context())
		if diff := cmp.Diff([]Walk{want}, ended); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if err := s.DropWalk(t.Context(), "w1"); err != nil {
			t.Error(err)
		}
		if n := query[int](t, s, "SELECT (SELECT COUNT(*) FROM walks) + (SELECT COUNT(*) FROM people) + (SELECT COUNT(*) FROM vault WHERE account <> '')"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestWalkIsUsedUpByTheConnectionItLeadsTo(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	ends := [2]End{end("mattermost.hq", "mattermost:1", "ann"), end("msteams.contoso", "msteams:1", "ann")}
	if err := s.BeginWalk(t.Context(), aWalk("w1", "ann")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connect(t.Context(), "w1", ends, 0); err != nil {
		t.Error(err)
	}
	if _, err := s.Connect(t.Context(), "w1", ends, 0); !errors.Is(err, ErrNoWalk) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := s.Turn(t.Context(), "msteams:1", "ann", Connected, Leaving, ""); err != nil {
		t.Error(err)
	}
	if _, err := s.Connect(t.Context(), "", ends, 0); !errors.Is(err, ErrLeaving) {
		t.Errorf("while leaving: %v", err)
	}
	h, err := s.CountPeople(t.Context())
	if diff := cmp.Diff(Headcount{People: 1, Connected: 1}, h); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPeopleAreCountedByWhatTheyPrefer(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	for u, preferred := range map[string]bridge.AccountName{"ann": "mattermost.hq", "ben": "msteams.contoso", "cid": "msteams.contoso", "dan": "", "eve": "mattermost.hq"} {
		p, err := s.Connect(t.Context(), "", [2]End{end("mattermost.hq", "mattermost:1", u), end("msteams.contoso", "msteams:1", u)}, 0)
		if err == nil {
			err = s.Prefer(t.Context(), p.ID, preferred, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range []bridge.ServerID{"mattermost:1", "msteams:1"} { // who is lost is notified nowhere
		if _, err := s.Turn(t.Context(), server, "eve", Connected, Lost, "token refused"); err != nil {
			t.Fatal(err)
		}
	}
	h, err := s.CountPeople(t.Context())
	must(t, Headcount{People: 5, Connected: 4, Lost: 1, Preferring: map[bridge.AccountName]int{"mattermost.hq": 1, "msteams.contoso": 2}}, h, err)
}

func TestWhoWasLostIsUntoldUntilTold(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	ends := [2]End{end("mattermost.hq", "mattermost:1", "ann"), end("msteams.contoso", "msteams:1", "ann")}
	ann := User{"msteams:1", "ann"}
	untold := func(want ...User) {
		t.Helper()
		got, err := s.Untold(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for range 2 {
		if _, err := s.Connect(t.Context(), "", ends, 0); err != nil {
			t.Fatal(err)
		}
		untold()
		if _, err := s.Turn(t.Context(), ann.Server, ann.User, Connected, Lost, "revoked"); err != nil {
			t.Error(err)
		}
		untold(ann)
		if err := s.Told(t.Context(), ann); err != nil {
			t.Error(err)
		}
		untold()
	}
}

// TestWhatIsOnlyRememberedGivesWay connects people anew, each of whom is remembered as somebody else, or is that still.
func TestWhatIsOnlyRememberedGivesWay(t *testing.T) {
	home := func(u string) End { return end("mattermost.hq", "mattermost:1", u) }
	away := func(u string) End { return end("msteams.contoso", "msteams:1", u) }
	type pair struct {
		home, away string
		kept       bool
	}
	for name, test := range map[string]struct {
		before []pair
		want   error
		people string
	}{
		"the same again":              {[]pair{{"a", "x", true}}, nil, "a=connected x=connected"},
		"was somebody else there":     {[]pair{{"a", "y", true}}, nil, "a=connected x=connected"},
		"was somebody else here":      {[]pair{{"b", "x", true}}, nil, "a=connected x=connected"},
		"both were others":            {[]pair{{"a", "y", true}, {"b", "x", true}}, nil, "a=connected x=connected"},
		"is somebody else there":      {[]pair{{"a", "y", false}}, ErrConnectedElsewhere, "a=connected y=connected"},
		"is somebody else here":       {[]pair{{"b", "x", false}}, ErrConnectedElsewhere, "b=connected x=connected"},
		"was, and is somebody else":   {[]pair{{"a", "y", true}, {"b", "x", false}}, ErrConnectedElsewhere, "a=kept y=kept; b=connected x=connected"},
		"is, and was somebody else":   {[]pair{{"a", "y", false}, {"b", "x", true}}, ErrConnectedElsewhere, "a=connected y=connected; b=kept x=kept"},
		"others are no concern of it": {[]pair{{"c", "z", true}}, nil, "c=kept z=kept; a=connected x=connected"},
	} {
		s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
		for _, p := range test.before {
			if _, err := s.Connect(t.Context(), "", [2]End{home(p.home), away(p.away)}, 0); err != nil {
				t.Fatal(err)
			}
			for _, e := range []End{home(p.home), away(p.away)} {
				if p.kept {
					if err := s.Forget(t.Context(), e.Server, e.User, true); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if _, err := s.Connect(t.Context(), "", [2]End{home("a"), away("x")}, 0); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		all, err := s.People(t.Context())
		var people []string
		for _, p := range all {
			var ends []string
			for _, i := range p.Identities {
				ends = append(ends, string(i.User)+"="+i.State.String())
			}
			people = append(people, strings.Join(ends, " "))
		}
		if got := strings.Join(people, "; "); got != test.people || err != nil {
			t.Errorf("%s: %s %v, want %s", name, got, err, test.people)
		}
	}
}

func TestApprovalHoldsForTheTwoInWhateverOrder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	ann, ally, bob := User{"mattermost:1", "ann"}, User{"msteams:1", "ally"}, User{"mattermost:1", "bob"}
	is := func(want bool) {
		t.Helper()
		for _, two := range [][2]User{{ann, ally}, {ally, ann}} {
			if got, err := s.Approved(t.Context(), two[0], two[1]); got != want || err != nil {
				t.Errorf("%v: %v %v, want %v", two, got, err, want)
			}
		}
	}
	is(false)
	for range 2 {
		if err := s.Approve(t.Context(), ann, ally, true); err != nil {
			t.Error(err)
		}
		is(true)
	}
	if got, err := s.Approved(t.Context(), bob, ally); got || err != nil {
		t.Error(got, err)
	}
	if err := s.Approve(t.Context(), ally, ann, false); err != nil {
		t.Error(err)
	}
	is(false)
}

func TestUndeliveredIsWhatThisUserSaid(t *testing.T) {
	s, _ := fresh(t, Options{})
	bens := state("m2", 2, "of ben")
	bens.Author = bridge.Author{ID: "ben", Name: "ben"}
	put(t, s, batch(state("m1", 1, "refused"), bens, state("m3", 3, "waits")))
	if err := s.do(t.Context(), func(t *tx) error {
		return t.exec("UPDATE instances SET reason = 'too long', rank = NULL WHERE origin = 0 AND message = (SELECT id FROM messages WHERE origin_id = 'm1')")
	}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Undelivered(t.Context(), here.Server, "ann", 10)
	if err != nil {
		t.Fatal(err)
	}
	ann := bridge.Author{ID: "ann", Name: "ann"}
	want := []Undelivered{
		{Origin: here, Target: there, Created: began.Add(time.Second), Reason: "too long", Body: Body{Author: ann, Text: richtext.Plain("refused")}},
		{Origin: here, Target: there, Created: began.Add(3 * time.Second), Body: Body{Author: ann, Text: richtext.Plain("waits")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, none := range []User{{there.Server, "ann"}, {here.Server, "eve"}} {
		if got, err := s.Undelivered(t.Context(), none.Server, none.User, 10); len(got) > 0 || err != nil {
			t.Error(none, got, err)
		}
	}
}

// TestEndedWalksStayUntilTheyAreDropped: they were ended by another one, by wrong codes, or by their time.
func TestEndedWalksStayUntilTheyAreDropped(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	for _, w := range []Walk{aWalk("w1", "ann"), aWalk("w2", "bob"), aWalk("w3", "ann"), aWalk("w4", "cid")} {
		if err := s.BeginWalk(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	ended := func() (ids []string) {
		t.Helper()
		all, err := s.EndedWalks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			ids = append(ids, w.ID+" of "+string(w.User)+": "+string(w.Progress))
		}
		return ids
	}
	if err := s.EndWalk(t.Context(), "w2"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"w1 of ann: progress of w1", "w2 of bob: progress of w2"}, ended()); diff != "" {
		t.Error(diff)
	}
	if err := s.DropWalk(t.Context(), "w1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"w2 of bob: progress of w2"}, ended()); diff != "" {
		t.Error(diff)
	}
}

// TestConnectionDoesNotPutAnOlderGrantInThePlaceOfANewerOne: what was kept is renewed while somebody connects anew.
func TestConnectionDoesNotPutAnOlderGrantInThePlaceOfANewerOne(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	ends := [2]End{end("mattermost.hq", "mattermost:1", "ann"), end("msteams.contoso", "msteams:1", "ann")}
	if _, err := s.Connect(t.Context(), "", ends, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.BeginWalk(t.Context(), aWalk("w1", "ann")); err != nil {
		t.Fatal(err)
	}
	vault, name := s.Vault("mattermost.hq"), bridge.PersonGrant("ann")
	again := ends
	for i := range again {
		again[i].Kept, again[i].Grant = ends[i].Grant, []byte("given on the walk")
	}
	if _, err := vault.Renew(t.Context(), name, []byte("renewed")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connect(t.Context(), "w1", again, 0); !errors.Is(err, ErrRenewed) {
		t.Error(err)
	}
	if kept, err := vault.Load(t.Context(), name); string(kept) != "renewed" || err != nil {
		t.Errorf("kept %q (%v)", kept, err)
	}
	again[0].Kept = []byte("renewed")
	if _, err := s.Connect(t.Context(), "w1", again, 0); err != nil {
		t.Error(err)
	}
	if kept, err := vault.Load(t.Context(), name); string(kept) != "given on the walk" || err != nil {
		t.Errorf("kept %q (%v)", kept, err)
	}
}

// TestLettersStayUntilTheyAreSent: one of each kind for each person.
func TestLettersStayUntilTheyAreSent(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	ends := [2]End{end("mattermost.hq", "mattermost:1", "ann"), end("msteams.contoso", "msteams:1", "ann")}
	if err := s.BeginWalk(t.Context(), aWalk("w1", "ann")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connect(t.Context(), "w1", ends, 0); err != nil {
		t.Fatal(err)
	}
	ann := User{"mattermost:1", "ann"}
	welcome := Letter{To: ann, Kind: Welcome, About: []bridge.AccountName{"msteams.contoso"}}
	farewell := func(about ...bridge.AccountName) Letter { return Letter{To: ann, Kind: Farewell, About: about} }
	letters := func(want ...Letter) {
		t.Helper()
		got, err := s.Letters(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	letters(welcome)
	for _, about := range []bridge.AccountName{"msteams.contoso", "msteams.fabrikam", "msteams.contoso"} {
		if err := s.Forget(t.Context(), "msteams:1", "ann", true, farewell(about)); err != nil {
			t.Fatal(err)
		}
	}
	letters(welcome, farewell("msteams.contoso", "msteams.fabrikam"))
	for _, l := range []Letter{welcome, farewell("msteams.contoso")} { // the other one has grown since it was read
		if err := s.Sent(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	letters(farewell("msteams.contoso", "msteams.fabrikam"))
	if err := s.Sent(t.Context(), farewell("msteams.contoso", "msteams.fabrikam")); err != nil {
		t.Fatal(err)
	}
	letters()
}
