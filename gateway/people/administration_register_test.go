package people

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway/store"
)

// TestRegister looks at two who are connected, of whom one was lost, and one who was asked.
func TestRegister(t *testing.T) {
	inSociety(t, asking(), true, func(s *society) {
		ann := s.connect("ann", awayAccount)
		s.connect("bob", homeAccount)
		now := time.Now()
		s.turn(awayServer, "bob", store.Connected, store.Lost)
		s.must(s.store.Answered(s.Context(), homeServer, "cid", store.NotNow, now))
		s.must(s.store.SetMute(s.Context(), store.Mute{Server: homeServer, User: "ann", Channel: "town", Before: "all", State: store.Muted}))
		s.must(s.store.Approve(s.Context(), store.User{Server: homeServer, User: "cid"}, store.User{Server: awayServer, User: "zoe"}, true))
		s.must(s.store.Suspect(s.Context(), store.Departure{Server: awayServer, User: "bob", Presence: bridge.Disabled, Seen: now}))
		s.road.set(carried("town")...)
		r := s.people.register()
		all, err := r.Entries(s.Context())
		s.must(err)
		end := func(a bridge.AccountName, server bridge.ServerID, u, state string) End {
			return End{Account: string(a), Server: string(server), ID: u, Username: u, Name: u, Email: u + "@example.com", State: state, Verified: now, Invitation: "accepted", Asked: now}
		}
		want := []Entry{
			{Person: ann.ID, State: "connected", Preferred: string(awayAccount), Since: now,
				Accounts: []End{end(homeAccount, homeServer, "ann", "connected"), end(awayAccount, awayServer, "ann", "connected")}},
			{Person: ann.ID + 1, State: "lost", Preferred: string(homeAccount), Since: now,
				Accounts: []End{end(homeAccount, homeServer, "bob", "connected"), end(awayAccount, awayServer, "bob", "lost")}},
			{State: Invited, Accounts: []End{{Account: string(homeAccount), Server: string(homeServer), ID: "cid", State: Invited, Invitation: "not now", Asked: now}}},
		}
		if diff := cmp.Diff(want, all); diff != "" {
			s.Error(diff)
		}
		for words, want := range map[string]string{"": "ann bob cid", "LOST": "bob", "@an": "ann", "example.com mattermost": "ann bob", "msteams.contoso": "ann bob", "invited": "cid", "not now": "cid", "zoe": ""} {
			var got []string
			for _, e := range Matching(all, strings.Fields(words)) {
				got = append(got, e.Name())
			}
			if strings.Join(got, " ") != want {
				s.Errorf("list %s: %v", words, got)
			}
		}
		for name, want := range map[string]string{"ann": "ann", "@ANN": "ann", " ann@example.com": "ann", "Bob@Example.com": "bob", "mattermost.hq:bob": "bob", "cid": "cid",
			"an": "", "": "", "@": "", "msteams.contoso:cid": "", "nowhere:ann": ""} {
			e, err := r.Find(s.Context(), name)
			if got := err == nil && e.Name() == want; got != (want != "") || want == "" && err == nil {
				s.Errorf("%q: %v %v", name, e, err)
			}
		}
		minute := now.UTC().Format("2006-01-02 15:04") + " UTC"
		for name, want := range map[string][]Section{
			"ann": {
				{"ann", []string{"Person 1, connected, known since " + minute + "; notified in msteams.contoso."}},
				{"Accounts", []string{"mattermost.hq, ann, @ann, ann@example.com, id ann: connected, verified " + minute, "msteams.contoso, ann, @ann, ann@example.com, id ann: connected, verified " + minute}},
				{"Asked to connect", []string{"mattermost.hq: accepted, " + minute, "msteams.contoso: accepted, " + minute}},
				{"Muted for them, or left alone", []string{"team/town in Mattermost: muted (was \"all\")"}},
			},
			"bob": {
				{"bob", []string{"Person 2, lost, known since " + minute + "; notified in mattermost.hq."}},
				{"Accounts", []string{"mattermost.hq, bob, @bob, bob@example.com, id bob: connected, verified " + minute, "msteams.contoso, bob, @bob, bob@example.com, id bob: lost, verified " + minute}},
				{"Asked to connect", []string{"mattermost.hq: accepted, " + minute, "msteams.contoso: accepted, " + minute}},
				{"Has left", []string{"msteams.contoso: disabled since " + minute + "; not removed yet (`causeway people sync --dry-run` says why)"}},
			},
			"cid": {
				{"cid", []string{"Not connected; was asked to."}},
				{"Accounts", []string{"mattermost.hq, id cid: invited: not now"}},
				{"Asked to connect", []string{"mattermost.hq: not now, " + minute}},
				{"May connect with, although the addresses differ", []string{"mattermost.hq cid with msteams.contoso zoe"}},
			},
		} {
			e, err := r.Find(s.Context(), name)
			s.must(err)
			got, err := r.Show(s.Context(), e)
			s.must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				s.Errorf("%s: %s", name, diff)
			}
		}
		text, err := json.Marshal(all)
		if s.must(err); strings.Contains(string(text), "grant") {
			s.Errorf("a secret is in %s", text)
		}
	})
}

func TestFindNamesThoseWhomItCouldMean(t *testing.T) {
	inSociety(t, asking(), true, func(s *society) {
		s.connect("ann", homeAccount)
		s.connect("bob", homeAccount)
		for _, one := range []struct {
			server bridge.ServerID
			user   bridge.UserID
		}{{homeServer, "ann"}, {awayServer, "bob"}} {
			p := profile(one.user)
			p.Username = "same"
			s.must(s.store.Verified(s.Context(), p, one.server, time.Now()))
		}
		_, err := s.people.register().Find(s.Context(), "same")
		const want = "several are called that; write one of these up to the blank: mattermost.hq:ann (ann, @same, ann@example.com); mattermost.hq:bob (bob, @bob, bob@example.com)"
		if err == nil || err.Error() != want {
			s.Error(err)
		}
	})
}
