package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

func TestApprovalsAreSeenFromBothEnds(t *testing.T) {
	s, _ := fresh(t, Options{})
	a, b, c := User{"mm", "a"}, User{"tm", "b"}, User{"tm", "c"}
	for _, other := range []User{c, b} {
		if err := s.Approve(t.Context(), a, other, true); err != nil {
			t.Fatal(err)
		}
	}
	for u, want := range map[User][]User{a: {b, c}, b: {a}, c: {a}, {"mm", "b"}: nil} {
		got, err := s.Approvals(t.Context(), u)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %v %s", u, err, diff)
		}
	}
}

func TestInvitationOfOneUser(t *testing.T) {
	s, _ := fresh(t, Options{})
	at := time.UnixMilli(1_000)
	if err := s.Answered(t.Context(), "mm", "a", NotNow, at); err != nil {
		t.Fatal(err)
	}
	got, err := s.InvitationOf(t.Context(), "mm", "a")
	if diff := cmp.Diff(&Invitation{Server: "mm", User: "a", Asked: at, Answer: NotNow}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if got, err := s.InvitationOf(t.Context(), "mm", "b"); got != nil || err != nil {
		t.Errorf("%v %v", got, err)
	}
}

func TestTokenForAnOrderIsGoodForThatOrderAlone(t *testing.T) {
	keys, _ := NewKeys(make([]byte, 32))
	now := time.Unix(1_000_000, 0)
	token := keys.OrderToken(now, []byte("invite ann"))
	for order, want := range map[string]bool{"invite ann": true, "invite ben": false, "": false} {
		if got := keys.ValidOrderToken(token, now.Add(tokenLife), []byte(order)); got != want {
			t.Errorf("%q: %v", order, got)
		}
	}
	if keys.ValidOrderToken(token, now.Add(tokenLife+time.Second), []byte("invite ann")) || keys.ValidToken(token, now) ||
		keys.ValidOrderToken(keys.Token(now), now, nil) || keys.ValidOrderToken("", now, nil) {
		t.Error("a token holds too long, or for something else")
	}
}

func TestCalledByIdUserNameOrAddress(t *testing.T) {
	s, _ := fresh(t, Options{})
	end := func(server bridge.ServerID, u bridge.UserID, username, email string) End {
		return End{Identity: Identity{Account: "a", Server: server, User: u, Username: username, Email: email}}
	}
	if _, err := s.Connect(t.Context(), "", [2]End{end("mm", "1", "ann", "ann@example.com"), end("tm", "2", "", "")}, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Answered(t.Context(), "mm", "ann", NotNow, time.Now()); err != nil { // an id that is another's user name
		t.Fatal(err)
	}
	for name, want := range map[string][]User{
		"1": {{"mm", "1"}}, "2": {{"tm", "2"}}, "@Ann": {{"mm", "1"}}, "ANN@example.COM": {{"mm", "1"}}, "ann": {{"mm", "1"}, {"mm", "ann"}}, "": nil, "@": nil, "an": nil, "%": nil,
	} {
		got, err := s.Called(t.Context(), name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", name, err, diff)
		}
	}
}
