package mattermost

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// password is an operator who types one.
type password struct{ bridge.SetupDesk }

func (password) Login(context.Context) (bridge.Login, error) {
	return bridge.Login{User: "root", Password: "s3cr3t"}, nil
}

// TestSetupEndsItsSession also where it cannot be told who has logged in.
func TestSetupEndsItsSession(t *testing.T) {
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.URL.Path+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/api/v4/users/login":
			w.Header().Set(model.HeaderToken, "session")
		case "/api/v4/users/me":
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	err := setUp(t.Context(), bridge.SetupCall{Account: "mattermost.hq", Options: map[string][]string{setupServer: {server.URL}}, Desk: password{}})
	if err == nil || !strings.Contains(err.Error(), "asking who has logged in") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"/api/v4/users/login ", "/api/v4/users/me BEARER session", "/api/v4/users/logout BEARER session"}, calls); diff != "" {
		t.Error(diff)
	}
}

func TestSetupSendsNoPasswordInTheClear(t *testing.T) {
	err := setUp(t.Context(), bridge.SetupCall{Account: "mattermost.hq", Options: map[string][]string{setupServer: {"http://chat.invalid"}}, Desk: password{}})
	if err == nil || !strings.Contains(err.Error(), "the password was not sent") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("%v", err)
	}
}
