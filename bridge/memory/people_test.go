package memory_test

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// vault keeps what it is given.
type vault struct {
	mu   sync.Mutex
	kept map[string]string
}

func (v *vault) Load(_ context.Context, name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return []byte(v.kept[name]), nil
}

func (v *vault) Save(_ context.Context, name string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil {
		v.kept = map[string]string{}
	}
	v.kept[name] = string(value)
	return nil
}

func (v *vault) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	if old, _ := v.Load(ctx, name); len(old) == 0 {
		return false, nil
	}
	return true, v.Save(ctx, name, value)
}

func (v *vault) Delete(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.kept, name)
	return nil
}

// front notes what people do.
type front struct{ seen []string }

func (f *front) Triggers() []bridge.Trigger { return []bridge.Trigger{{Word: "msteams"}} }
func (f *front) Command(_ context.Context, c bridge.Command) bridge.Reply {
	f.seen = append(f.seen, string(c.User)+" "+string(c.Conversation.Channel)+" "+c.Words[0])
	return bridge.Reply{Text: richtext.Plain("answer")}
}
func (f *front) Press(_ context.Context, p bridge.Press) bridge.Reply {
	f.seen = append(f.seen, string(p.User)+" presses "+p.Token)
	return bridge.Reply{Replace: richtext.Plain("done")}
}
func (f *front) Awaited() (bridge.Circle, bool) { return bridge.Circle{}, true }
func (f *front) Arrived(_ context.Context, users []bridge.UserID) {
	for _, u := range users {
		f.seen = append(f.seen, string(u)+" arrives")
	}
}

// connect lets u sign in and keeps what the account is given.
func connect(t *testing.T, s *memory.Service, b bridge.Bridge, v *vault, u bridge.UserID) {
	t.Helper()
	in := bridge.SignIn{Redirect: "https://causeway.example/back?x=1", State: "state", Verifier: "verifier"}
	address, err := b.SignIn(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(s.Allow(address, u))
	if err != nil {
		t.Fatal(err)
	}
	code := back.Query().Get("code")
	if diff := cmp.Diff(url.Values{"x": {"1"}, "state": {"state"}, "code": {code}}, back.Query()); diff != "" {
		t.Error(diff)
	}
	proof, err := b.Prove(t.Context(), in, code)
	if err != nil || proof.ID != u {
		t.Fatal(proof.ID, err)
	}
	if _, err := b.Prove(t.Context(), in, code); bridge.KindOf(err) != bridge.Rejected {
		t.Errorf("a code was taken twice: %v", err)
	}
	grant, err := b.Empower(t.Context(), u, proof.Grant)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Save(t.Context(), bridge.PersonGrant(u), grant); err != nil {
		t.Fatal(err)
	}
}

func TestWithAVaultAnAccountActsOnlyAsThoseWhoAllowedIt(t *testing.T) {
	s, v := memory.NewService("memory:a", memory.Options{}), &vault{}
	town := s.AddChannel("c", "team/town")
	for _, u := range []bridge.UserID{"ann", "ben"} {
		s.AddPerson(bridge.Author{ID: u, Name: string(u)})
	}
	b := s.Open(bridge.Env{Account: "memory.a", Vault: v}, "bot")
	refused := func(u bridge.UserID) bool {
		_, err := b.Post(t.Context(), bridge.Draft{Conversation: town, As: u, Text: richtext.Plain("x")})
		verify := b.Verify(t.Context(), u)
		if (err == nil) != (verify == nil) {
			t.Errorf("%s: posting %v, but verifying %v", u, err, verify)
		}
		return bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson
	}
	connect(t, s, b, v, "ann")
	if refused("ann") || !refused("ben") {
		t.Error("ann has allowed it, ben has not")
	}
	connect(t, s, b, v, "ann")
	if refused("ann") || s.Grants("ann") != 1 {
		t.Errorf("after connecting again there are %d grants", s.Grants("ann"))
	}
	s.Revoke("ann")
	if !refused("ann") {
		t.Error("her token is revoked")
	}
	connect(t, s, b, v, "ann")
	if refused("ann") {
		t.Error("she has connected again")
	}
	if err := b.Release(t.Context(), "ann"); err != nil || !refused("ann") || s.Grants("ann") != 0 {
		t.Errorf("released: %v", err)
	}
	if err := b.Release(t.Context(), "ann"); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("released twice: %v", err)
	}
	if _, err := b.Empower(t.Context(), "ben", nil); bridge.KindOf(err) != bridge.Rejected {
		t.Errorf("without a proof: %v", err)
	}
}

func TestTheDirectoryTellsOfEveryChangeOnce(t *testing.T) {
	s := memory.NewService("memory:a", memory.Options{BatchSize: 2})
	b := s.Account("memory.a", "bot")
	for _, u := range []bridge.UserID{"ann", "ben", "cyd"} {
		s.AddUser(bridge.Profile{Author: bridge.Author{ID: u, Name: string(u), Username: string(u)}, Email: string(u) + "@example.com", EmailProven: true})
	}
	read := func(since string) (mark string, told []string) {
		mark, err := b.Directory(t.Context(), since, func(page []bridge.Profile) error {
			for _, p := range page {
				told = append(told, string(p.ID)+" "+p.Standing.Presence.String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return mark, told
	}
	mark, told := read("")
	want(t, "at first", told, []string{"ann present", "ben present", "cyd present"}, same)
	s.Alter("ben", func(p *bridge.Profile) { p.Standing.Presence = bridge.Erased })
	s.Alter("cyd", func(p *bridge.Profile) { p.Standing.Admin = true })
	if err := b.Deactivate(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
	if err := b.Deactivate(t.Context(), "cyd"); bridge.KindOf(err) != bridge.Rejected {
		t.Errorf("an administrator was deactivated: %v", err)
	}
	mark, told = read(mark)
	want(t, "then", told, []string{"ben erased", "cyd present", "ann disabled"}, same)
	_, told = read(mark)
	want(t, "later", told, nil, same)
	s.ExpireMarks()
	if _, err := b.Directory(t.Context(), mark, func([]bridge.Profile) error { return nil }); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("an expired mark: %v", err)
	}
	if p, err := b.FindUser(t.Context(), "ann@example.com"); err != nil || p.ID != "ann" {
		t.Error(p, err)
	}
	if p, err := b.Profile(t.Context(), "nobody"); err != nil || p.Standing.Presence != bridge.Erased {
		t.Error(p, err)
	}
}

func TestMembersAndHowTheyAreTold(t *testing.T) {
	s := memory.NewService("memory:a", memory.Options{})
	town := s.AddChannel("c", "team/town")
	for _, u := range []bridge.UserID{"ben", "ann"} {
		s.AddPerson(bridge.Author{ID: u})
	}
	b := s.Account("memory.a", "bot")
	if all, err := b.Members(t.Context(), town); err != nil || !slices.Equal(all, []bridge.UserID{"ann", "ben"}) {
		t.Error(all, err)
	}
	s.SetMembers("c", "ann")
	if all, err := b.Members(t.Context(), town); err != nil || !slices.Equal(all, []bridge.UserID{"ann"}) {
		t.Error(all, err)
	}
	if _, err := b.Notifications(t.Context(), "ben", town); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("of one who is not in it: %v", err)
	}
	if err := b.SetNotifications(t.Context(), "ann", town, b.Capabilities().Muted); err != nil || s.Setting("ann", "c") != memory.Mention {
		t.Error(s.Setting("ann", "c"), err)
	}
	s.Set("ann", "c", memory.All)
	if setting, err := b.Notifications(t.Context(), "ann", town); err != nil || setting != memory.All {
		t.Error(setting, err)
	}
}

func TestPeopleReachAnAccountThroughItsFront(t *testing.T) {
	s, f := memory.NewService("memory:a", memory.Options{}), &front{}
	s.Arrive(t.Context(), "early")
	b := s.Open(bridge.Env{Account: "memory.a", Front: f}, "bot")
	if _, err := b.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Arrive(t.Context(), "late")
	if _, ok := s.Command(t.Context(), "c", "ann", "/other x"); ok {
		t.Error("nobody has registered /other")
	}
	if r, ok := s.Command(t.Context(), "c", "ann", "/msteams connect"); !ok || r.Text.PlainText() != "answer" {
		t.Error(r, ok)
	}
	choices := []bridge.Choice{{Label: "Yes", Token: "yes"}}
	if err := b.Notify(t.Context(), bridge.Notice{User: "ann", Text: richtext.Plain("really?"), Choices: choices}); err != nil {
		t.Fatal(err)
	}
	s.Press(t.Context(), "ann", "yes")
	if n := s.Notices()[0]; n.Text.PlainText() != "done" || n.Choices != nil {
		t.Errorf("the notice is %+v", n)
	}
	want(t, "what people did", f.seen, []string{"early arrives", "late arrives", "ann c connect", "ann presses yes"}, same)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Command(t.Context(), "c", "ann", "/msteams connect"); ok {
		t.Error("the account is closed")
	}
}
