package mattermost

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// fakeServer answers Connect, with settings that a test may change.
func fakeServer(t *testing.T, settings *atomic.Pointer[map[string]string], reads *atomic.Int32) *account {
	t.Helper()
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/users/me"):
			_ = json.NewEncoder(w).Encode(&model.User{Id: strings.Repeat("b", 26), Username: "causeway", IsBot: true})
		case strings.HasSuffix(r.URL.Path, "/config/client"):
			reads.Add(1)
			_ = json.NewEncoder(w).Encode(*settings.Load())
		case strings.HasSuffix(r.URL.Path, "/roles/names"):
			_ = json.NewEncoder(w).Encode([]*model.Role{})
		default:
			http.NotFound(w, r)
		}
	})
	b, err := New(bridge.Env{}, &Settings{Server: c.base.String(), Token: secret.Secret(testToken)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.(*account)
}

func TestSettingsAreReadAgainWhenTheServerSaysSo(t *testing.T) {
	var settings atomic.Pointer[map[string]string]
	var reads atomic.Int32
	settings.Store(&map[string]string{"DiagnosticId": "d1", "MaxPostSize": "4000", "EnablePostUsernameOverride": "true", "SiteURL": "https://chat.example.org/"})
	a := fakeServer(t, &settings, &reads)
	identity, err := a.Connect(context.Background())
	want := bridge.Identity{Server: "mattermost:d1", User: bridge.UserID(strings.Repeat("b", 26)), Name: "causeway"}
	if err != nil || identity != want {
		t.Fatalf("%+v (%v), want %+v", identity, err, want)
	}
	f := &feed{account: a}
	settings.Store(&map[string]string{"DiagnosticId": "d1", "MaxPostSize": "16383"})
	for _, changed := range []bool{false, true} {
		if changed {
			f.dispatch(context.Background(), model.NewWebSocketEvent(model.WebsocketEventConfigChanged, "", "", "", nil, ""))
		}
		for range 3 {
			_, config, err := a.fresh(context.Background())
			if err != nil || config.showNames == changed || config.site == "" {
				t.Errorf("after the change was told (%t): %+v (%v)", changed, config, err)
			}
		}
	}
	if got := reads.Load(); got != 2 {
		t.Errorf("the settings were read %d times, want 2", got)
	}
}

func TestConnectRefusesWhatIsNoMattermost(t *testing.T) {
	var settings atomic.Pointer[map[string]string]
	var reads atomic.Int32
	settings.Store(&map[string]string{})
	a := fakeServer(t, &settings, &reads)
	if _, err := a.Connect(context.Background()); err == nil || !strings.Contains(err.Error(), "DiagnosticId") {
		t.Errorf("a server without an identity: %v", err)
	}
	a.client = testClient(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"hello":"world"}`)) })
	if _, err := a.Connect(context.Background()); err == nil || !strings.Contains(err.Error(), "not Mattermost's") {
		t.Errorf("another program: %v", err)
	}
}

func TestNamesFollowTheServersSetting(t *testing.T) {
	u := &model.User{Id: "u1", Username: "alice", Nickname: "Ali", FirstName: "Alice", LastName: "Adams"}
	for format, want := range map[string]string{"": "alice", "username": "alice", "full_name": "Alice Adams", "nickname_full_name": "Ali"} {
		if got := personOf(u, format).name; got != want {
			t.Errorf("%q: %s, want %s", format, got, want)
		}
	}
}

func TestRenamedPeopleAreKnownWithoutAsking(t *testing.T) {
	var settings atomic.Pointer[map[string]string]
	var reads atomic.Int32
	settings.Store(&map[string]string{"DiagnosticId": "d1", "TeammateNameDisplay": "nickname_full_name"})
	a := fakeServer(t, &settings, &reads)
	if _, err := a.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	a.users.Add("u1", person{name: "Ali", username: "alice"})
	update := model.NewWebSocketEvent(model.WebsocketEventUserUpdated, "", "", "", nil, "")
	update.Add("user", &model.User{Id: "u1", Username: "alice", Nickname: "Lissy"})
	(&feed{account: a}).dispatch(context.Background(), update)
	got, err := a.LookUp(context.Background(), "u1")
	if want := (bridge.Author{ID: "u1", Name: "Lissy", Username: "alice"}); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}
