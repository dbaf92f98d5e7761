package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// TestAccountsAnswerBelowTheirHook posts to the address that an account was told, as others would, with a reverse proxy
// that takes its path off and with one that does not.
func TestAccountsAnswerBelowTheirHook(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, strings.Replace(listening("127.0.0.1:"+port), "[http]", "[http]\nPublicURL = \"https://example.com/causeway/\"", 1))
	var hooks sync.Map
	w.stands(func(env bridge.Env, s *standing) {
		hooks.Store(env.Account, env.Hook)
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s got %s at %s", env.Account, body, r.URL.Path)
		})
	})
	w.run()
	hook, _ := hooks.Load(bridge.AccountName("left.one"))
	if hook != "https://example.com/causeway/hooks/left.one" {
		t.Errorf("the account was told %v", hook)
	}
	got := map[string]string{}
	for _, path := range []string{"/causeway/hooks/left.one/notify", "/hooks/left.one/notify", "/hooks/right.two/notify", "/hooks/left.none/notify"} {
		resp, err := http.Post("http://127.0.0.1:"+port+path, "text/plain", strings.NewReader("news"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got[path] = fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(body)))
	}
	want := map[string]string{
		"/causeway/hooks/left.one/notify": "200 left.one got news at /notify",
		"/hooks/left.one/notify":          "200 left.one got news at /notify",
		"/hooks/right.two/notify":         "404 404 page not found",
		"/hooks/left.none/notify":         "404 404 page not found",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAccountsThatNobodyCanReachHaveNoHook(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	var told []string
	w.stands(func(env bridge.Env, _ *standing) { told = append(told, env.Hook) })
	if got := w.call("check"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{""}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// panics has a handler that cannot be made.
type panics struct{ *standing }

func (panics) Handler() http.Handler { panic("a mistake of ours") }

func TestAnAccountWhoseHandlerCannotBeMadeEndsRunWithOneLine(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	inner := w.protocols[0].New
	w.protocols[0].New = func(env bridge.Env, settings any) (bridge.Bridge, error) {
		b, err := inner(env, settings)
		return panics{&standing{Bridge: b}}, err
	}
	got := w.call("run")
	if got.code != 1 || !strings.HasSuffix(got.errors, "causeway: internal error: a mistake of ours\n") {
		t.Errorf("%+v", got)
	}
}
