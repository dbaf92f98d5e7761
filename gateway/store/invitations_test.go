package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

const day = 24 * time.Hour

func TestWhoMayBeAskedToConnect(t *testing.T) {
	now := time.UnixMilli(100 * day.Milliseconds())
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * day) }
	limits := InvitationLimits{Again: 30 * day, Open: 3}
	for _, test := range []struct {
		name   string
		known  []Invitation
		limits InvitationLimits
		want   bool
	}{
		{"nobody was asked yet", nil, limits, true},
		{"asked yesterday", []Invitation{{User: "ann", Asked: ago(1)}}, limits, false},
		{"asked long ago", []Invitation{{User: "ann", Asked: ago(30)}}, limits, true},
		{"asked long ago, and nobody is reminded", []Invitation{{User: "ann", Asked: ago(90)}}, InvitationLimits{Open: 3}, false},
		{"about to be asked", []Invitation{{User: "ann"}}, limits, false},
		{"not now, yesterday", []Invitation{{User: "ann", Asked: ago(1), Answer: NotNow}}, limits, false},
		{"not now, long ago", []Invitation{{User: "ann", Asked: ago(31), Answer: NotNow}}, limits, true},
		{"never, long ago", []Invitation{{User: "ann", Asked: ago(99), Answer: NeverAsk}}, limits, false},
		{"began to connect, long ago", []Invitation{{User: "ann", Asked: ago(31), Answer: Accepted}}, limits, true},
		{"three are open", []Invitation{{User: "b"}, {User: "c", Asked: ago(1)}, {User: "d", Asked: ago(29)}}, limits, false},
		{"two are open, one has lapsed", []Invitation{{User: "b"}, {User: "c", Asked: ago(1)}, {User: "d", Asked: ago(30)}}, limits, true},
		{"none lapses where nobody is reminded", []Invitation{{User: "b"}, {User: "c", Asked: ago(1)}, {User: "d", Asked: ago(90)}}, InvitationLimits{Open: 3}, false},
		{"all have answered", []Invitation{{User: "b", Asked: ago(1), Answer: NotNow}, {User: "c", Asked: ago(1), Answer: NeverAsk}, {User: "d", Asked: ago(1), Answer: Accepted}},
			InvitationLimits{Again: day, Open: 1}, true},
		{"none may be open", nil, InvitationLimits{Again: day}, false},
	} {
		s := open(t, "/"+t.Name()+test.name, Options{VFS: "memdb"})
		for _, i := range test.known {
			if err := s.do(t.Context(), func(t *tx) error { return t.invite(i) }); err != nil {
				t.Fatal(err)
			}
		}
		before, ok, err := s.Invite(t.Context(), "", "ann", now, test.limits)
		if ok != test.want || err != nil {
			t.Errorf("%s: %v %v, want %v", test.name, ok, err, test.want)
		}
		if !ok {
			continue
		}
		// Nobody is asked twice at once; and after a failure all is as before.
		if _, again, err := s.Invite(t.Context(), "", "ann", now.Add(99*day), test.limits); again || err != nil {
			t.Errorf("%s: again: %v %v", test.name, again, err)
		}
		if err := s.Uninvite(t.Context(), "", "ann", before); err != nil {
			t.Fatal(err)
		}
		got, err := s.Invitations(t.Context())
		if diff := cmp.Diff(test.known, got); diff != "" || err != nil {
			t.Error(test.name, diff, err)
		}
	}
}

func TestAnEndedRunHasAskedWhomItWasAboutToAsk(t *testing.T) {
	s, _ := fresh(t, Options{})
	limits, at := InvitationLimits{Again: day, Open: 9}, time.UnixMilli(5000)
	for _, u := range []bridge.UserID{"ann", "bob", "cid"} {
		if _, ok, err := s.Invite(t.Context(), "mattermost:1", u, at, limits); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if err := s.Invited(t.Context(), "mattermost:1", "ann", at); err != nil {
		t.Fatal(err)
	}
	if err := s.Answered(t.Context(), "mattermost:1", "bob", NeverAsk, at.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.Invited(t.Context(), "mattermost:1", "bob", at.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.AssumeInvited(t.Context(), at.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Invitations(t.Context())
	want := []Invitation{
		{Server: "mattermost:1", User: "ann", Asked: at},
		{Server: "mattermost:1", User: "bob", Asked: at.Add(time.Second), Answer: NeverAsk},
		{Server: "mattermost:1", User: "cid", Asked: at.Add(time.Minute)},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestWhoHasDisconnectedIsNotAskedAtOnceAndNeverStaysNever(t *testing.T) {
	for _, never := range []bool{false, true} {
		s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
		alice, ally := end("mattermost.hq", "mattermost:1", "alice"), end("msteams.contoso", "msteams:1", "ally")
		if never {
			if err := s.Answered(t.Context(), alice.Server, alice.User, NeverAsk, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Connect(t.Context(), "", [2]End{alice, ally}, 0); err != nil {
			t.Fatal(err)
		}
		for _, e := range []End{alice, ally} {
			if err := s.Forget(t.Context(), e.Server, e.User, false); err != nil {
				t.Fatal(err)
			}
		}
		for days, want := range map[int]bool{1: false, 8: !never} {
			before, ok, err := s.Invite(t.Context(), alice.Server, alice.User, time.Now().Add(time.Duration(days)*day), InvitationLimits{Again: 7 * day, Open: 1})
			if ok != want || err != nil {
				t.Errorf("never %v, after %d days: %v %v, want %v", never, days, ok, err, want)
			}
			if ok {
				if err := s.Uninvite(t.Context(), alice.Server, alice.User, before); err != nil {
					t.Fatal(fmt.Sprint(err))
				}
			}
		}
	}
}
