package msteams

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/contrib/sim/teams"
)

// TestCloudSetsTheAddresses, unless they are given.
func TestCloudSetsTheAddresses(t *testing.T) {
	for _, c := range []struct{ cloud, graphURL, loginURL, graph, login, is string }{
		{"", "", "", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "global"},
		{"global", "", "", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "global"},
		{"gcc", "", "", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "gcc"},
		{"gcchigh", "", "", "https://graph.microsoft.us/v1.0", "https://login.microsoftonline.us", "gcchigh"},
		{"dod", "", "", "https://dod-graph.microsoft.us/v1.0", "https://login.microsoftonline.us", "dod"},
		{"china", "", "", "https://microsoftgraph.chinacloudapi.cn/v1.0", "https://login.chinacloudapi.cn", "china"},
		{"china", "http://127.0.0.1:1/v1.0/", "http://127.0.0.1:2", "http://127.0.0.1:1/v1.0", "http://127.0.0.1:2", "china"},
		{"", "https://DOD-graph.microsoft.us/v1.0", "", "https://DOD-graph.microsoft.us/v1.0", "https://login.microsoftonline.us", "dod"},
		{"", "https://graph.microsoft.com/v1.0", "", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "global"},
	} {
		w := newSimWorld(t, teams.Options{})
		w.settings.Cloud, w.settings.GraphURL, w.settings.LoginURL = c.cloud, c.graphURL, c.loginURL
		a := w.account()
		login := strings.TrimSuffix(a.login.base, "/"+w.tenant.ID)
		if a.app.base != c.graph || a.relay.base != c.graph || login != c.login || a.cloud.name != c.is {
			t.Errorf("%+v gives %s at %s and %s", c, a.cloud.name, a.app.base, login)
		}
		if want := strings.TrimSuffix(c.graph, "/v1.0") + "/.default"; a.graphScope(".default") != want {
			t.Errorf("%+v asks for %s, want %s", c, a.graphScope(".default"), want)
		}
	}
	var problems []string
	s := Settings{TenantID: "8a8ce5a5-0b4d-4d0f-8f5b-2f1f3a4c5d6e", ClientID: "8a8ce5a5-0b4d-4d0f-8f5b-2f1f3a4c5d6e", ClientSecret: "x", Cloud: "germany"}
	s.Validate(func(key, problem string) { problems = append(problems, key+" "+problem) })
	if want := []string{`Cloud must be "global", "gcc", "gcchigh", "dod" or "china"`}; !slices.Equal(problems, want) {
		t.Errorf("an unknown cloud: %q, want %q", problems, want)
	}
	if _, err := newAccount(bridge.Env{Account: "msteams.x"}, s, nil); err == nil || !strings.Contains(err.Error(), problems[0]) {
		t.Errorf("an account in an unknown cloud: %v", err)
	}
}

// cloudCases are the clouds with the stand-in's name, and what they can do.
var cloudCases = []struct {
	name                           string
	sim                            teams.Cloud
	edit, delete, notify, pictures bool
}{
	{"global", teams.Worldwide, true, true, true, true},
	{"gcc", teams.GCC, false, true, true, true},
	{"gcchigh", teams.GCCHigh, false, false, true, true},
	{"dod", teams.DoD, false, false, true, true},
	{"china", teams.China, false, true, false, false},
}

// TestEveryCloudKeepsTheLaws: what it lacks is said by Capabilities, and nothing else fails.
func TestEveryCloudKeepsTheLaws(t *testing.T) {
	if len(cloudCases) != len(clouds) {
		t.Fatalf("%d clouds are tested, there are %d", len(cloudCases), len(clouds))
	}
	for _, c := range cloudCases[1:] {
		t.Run(c.name, func(t *testing.T) {
			bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
				s := newSuiteService(t, teams.Options{Cloud: c.sim})
				s.settings.Cloud = c.name
				return s
			}, bridgetest.FakeTime())
		})
	}
}

// TestNothingIsTriedThatACloudLacks, and check says what becomes of it.
func TestNothingIsTriedThatACloudLacks(t *testing.T) {
	for _, c := range cloudCases {
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{Cloud: c.sim})
			w.settings.Cloud = c.name
			w.richly()
			a := w.connected()
			can := a.Capabilities()
			if how, _ := a.receiving(); can.Edit != c.edit || can.Delete != c.delete || !can.Reactions || (how == byNotifications) != c.notify || a.lacks(appPictures) == c.pictures {
				t.Errorf("%s: %+v, received by %s", c.name, can, how)
			}
			id, err := a.Post(t.Context(), w.draft("x"))
			w.do(err)
			target := bridge.Target{Conversation: w.id(w.general), ID: id}
			_, _, openErr := a.Open(t.Context(), target.Conversation, bridge.File{ID: inlinePicture + ":" + string(id) + ":1"}, 0)
			for what, tried := range map[string]struct {
				err error
				can bool
			}{
				"Edit": {a.Edit(t.Context(), id, w.draft("y")), c.edit}, "React": {a.React(t.Context(), target, "👍", true), true},
				"Unreact": {a.React(t.Context(), target, "👍", false), true}, "Open": {openErr, c.pictures}, "Delete": {a.Delete(t.Context(), target), c.delete},
			} {
				if unsupported := bridge.KindOf(tried.err) == bridge.Unsupported; unsupported == tried.can {
					t.Errorf("%s: %s: %v", c.name, what, tried.err)
				}
			}
			findings := a.Check(t.Context())
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w.do(a.Run(ctx, newTestInbox(w.id(w.general))))
			for _, r := range w.sim.Requests() {
				if r.Status == 501 {
					t.Errorf("%s: %s %s was tried", c.name, r.Method, r.Path)
				}
			}
			said := ""
			for _, f := range findings {
				if f.Fatal {
					t.Errorf("%s: %s", c.name, f.Text)
				}
				said += f.Text + "\n"
			}
			for text, told := range map[string]bool{
				"Messages cannot be edited in this cloud": !c.edit, "Messages cannot be deleted in this cloud": !c.delete,
				"this cloud has no change notifications": !c.notify, "Pictures in messages of Teams cannot be read": !c.pictures,
			} {
				if strings.Contains(said, text) != told {
					t.Errorf("%s: %q is told: %t\n%s", c.name, text, !told, said)
				}
			}
		})
	}
}

// sharing makes every channel a shared one, as Graph shows these.
type sharing struct{ next http.RoundTripper }

func (s sharing) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.Path, "/channels") {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(`"membershipType":"standard"`), []byte(`"membershipType":"unknownFutureValue"`))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return answer, nil
}

// TestSharedChannelsAreRefusedWhereTheCloudHasNone, when they are looked for, however they are named.
func TestSharedChannelsAreRefusedWhereTheCloudHasNone(t *testing.T) {
	for _, c := range cloudCases {
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{Cloud: c.sim})
			w.settings.Cloud = c.name
			w.wire.next = sharing{w.wire.next}
			a := w.connected()
			lacks := slices.Contains([]string{"gcchigh", "dod", "china"}, c.name)
			for _, name := range []string{"Sales/General", w.team.ID + "/" + w.general.ID} {
				_, err := a.Resolve(t.Context(), name, bridge.Read)
				if refused := bridge.KindOf(err) == bridge.Unsupported && strings.Contains(err.Error(), "take a standard or a private channel"); refused != lacks || !lacks && err != nil {
					t.Errorf("%s: %s: %v", c.name, name, err)
				}
			}
		})
	}
}
