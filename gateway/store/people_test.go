package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"causeway/bridge"
)

func end(account, server, user string) End {
	return End{Identity: Identity{
		Account: bridge.AccountName(account), Server: bridge.ServerID(server), User: bridge.UserID(user), Name: user, Username: user, Email: user + "@example.com",
	}, Grant: []byte("grant of " + user)}
}

func TestConnectingIsOnePersonWithTheGrantsOfBoth(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	alice, ally := end("mattermost.hq", "mattermost:1", "alice"), end("msteams.contoso", "msteams:1", "ally")
	p, err := s.Connect(t.Context(), "", [2]End{alice, ally}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := Person{ID: p.ID, Since: p.Since, Identities: []Identity{alice.Identity, ally.Identity}}
	recent := cmpopts.IgnoreFields(Identity{}, "Verified", "Since")
	if diff := cmp.Diff(want, p, recent); diff != "" || time.Since(p.Since) > time.Minute {
		t.Error(diff, p.Since)
	}
	for _, e := range []End{alice, ally} {
		got, ok, err := s.PersonOf(t.Context(), e.Server, e.User)
		if diff := cmp.Diff(p, got); diff != "" || !ok || err != nil {
			t.Error(diff, ok, err)
		}
		grant, err := s.Vault(e.Account).Load(t.Context(), bridge.PersonGrant(e.User))
		if string(grant) != string(e.Grant) || err != nil {
			t.Errorf("%s: %q %v", e.Account, grant, err)
		}
	}
	for name, test := range map[string]struct {
		ends [2]End
		want error
	}{
		"their Teams account with another": {[2]End{end("mattermost.hq", "mattermost:1", "mallory"), ally}, ErrConnectedElsewhere},
		"another Teams account":            {[2]End{alice, end("msteams.contoso", "msteams:1", "mallory")}, ErrConnectedElsewhere},
		"one too many":                     {[2]End{end("mattermost.hq", "mattermost:1", "bob"), end("msteams.contoso", "msteams:1", "bobby")}, ErrTooMany},
		"again":                            {[2]End{alice, ally}, nil},
		"a further tenant":                 {[2]End{alice, end("msteams.fabrikam", "msteams:2", "al")}, nil},
	} {
		if _, err := s.Connect(t.Context(), "", test.ends, 1); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestWhoHasDisconnectedTakesNoPlace(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	pair := func(name string) [2]End {
		return [2]End{end("mattermost.hq", "mattermost:1", name), end("msteams.contoso", "msteams:1", name)}
	}
	connect := func(name string, want error) {
		t.Helper()
		if _, err := s.Connect(t.Context(), "", pair(name), 1); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	count := func(want int) {
		t.Helper()
		if h, err := s.CountPeople(t.Context()); h.People != want || err != nil {
			t.Errorf("%+v %v, want %d", h, err, want)
		}
	}
	connect("alice", nil)
	connect("bob", ErrTooMany)
	count(1)
	for _, e := range pair("alice") {
		if err := s.Forget(t.Context(), e.Server, e.User, true); err != nil {
			t.Fatal(err)
		}
	}
	count(0)
	connect("bob", nil)
	connect("alice", ErrTooMany) // although she is remembered
	connect("bob", nil)
	if _, err := s.Turn(t.Context(), "msteams:1", "bob", Connected, Lost, ""); err != nil {
		t.Fatal(err)
	}
	connect("bob", nil)
	count(1)
}

func TestForgettingLeavesNoGrantAndKeepsWhoTheyAreOnlyWhenWanted(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	alice, ally := end("mattermost.hq", "mattermost:1", "alice"), end("msteams.contoso", "msteams:1", "ally")
	if _, err := s.Connect(t.Context(), "", [2]End{alice, ally}, 0); err != nil {
		t.Fatal(err)
	}
	for _, e := range []End{alice, ally} {
		if err := s.Forget(t.Context(), e.Server, e.User, true); err != nil {
			t.Fatal(err)
		}
		if grant, err := s.Vault(e.Account).Load(t.Context(), bridge.PersonGrant(e.User)); grant != nil || err != nil {
			t.Errorf("%s: %q %v", e.Account, grant, err)
		}
	}
	p, ok, err := s.PersonOf(t.Context(), ally.Server, ally.User)
	if !ok || err != nil || p.Identities[0].State != Kept || p.Identities[1].State != Kept {
		t.Errorf("%+v %v %v", p, ok, err)
	}
	for _, e := range []End{alice, ally} {
		if err := s.Forget(t.Context(), e.Server, e.User, false); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := s.People(t.Context()); len(all) > 0 || err != nil {
		t.Errorf("%+v %v", all, err)
	}
}

func TestWhatIsWaitingIsCountedWhileSomethingIsWritten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	writing, counted, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		written <- s.do(t.Context(), func(*tx) error {
			close(writing)
			<-counted
			return nil
		})
	}()
	<-writing
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n, err := s.Waiting(ctx, "mattermost:1", "alice")
	close(counted)
	if err := <-written; n != 0 || err != nil {
		t.Error(n, err)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestARefusalOfBeforeAConnectionDoesNotUndoIt(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	p, err := s.Connect(t.Context(), "", [2]End{end("mattermost.hq", "mattermost:1", "alice"), end("msteams.contoso", "msteams:1", "ally")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	alice := p.Identities[0]
	for _, test := range []struct {
		after time.Duration
		want  bool
	}{{-time.Second, false}, {0, false}, {time.Millisecond - 1, false}, {time.Millisecond, true}, {time.Second, false}} {
		lost, err := s.Lose(t.Context(), alice.Server, alice.User, alice.Verified.Add(test.after), "refused")
		if lost != test.want || err != nil {
			t.Errorf("tried %s after the connection: lost %v, want %v; %v", test.after, lost, test.want, err)
		}
	}
}
