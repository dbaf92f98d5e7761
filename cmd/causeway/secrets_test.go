package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/gateway/app"
	"causeway/gateway/store"
)

// The secrets of the test. They look like what their services make, so that nothing refuses them early.
const (
	botToken     = "hq7bottoken5hq7bottoken5ab"
	clientSecret = "hunter2~ClientSecret.of/the+app"
	accessToken  = "eyJhbGciOiJub25lIn0.eyJyb2xlcyI6W119.AccessTokenOfTheTest"
	refreshToken = "0.RefreshTokenOfTheTest"
	renewedToken = "0.RenewedRefreshTokenOfTheTest"
	deviceCode   = "DeviceCodeOfTheTest"
)

var secrets = []string{botToken, clientSecret, accessToken, refreshToken, renewedToken, deviceCode}

// leaked gives the secrets that a text shows, in whatever form.
func leaked(text string) []string {
	var found []string
	for _, s := range secrets {
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))[:len(s)],
			base64.RawURLEncoding.EncodeToString([]byte(s))[:len(s)], fmt.Sprintf("%x", s), s[len(s)/2:]}
		if slices.ContainsFunc(forms, func(f string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(f)) }) {
			found = append(found, s)
		}
	}
	return found
}

// known gives what the service that is asked knows: Mattermost its bot's token, Entra all that it made, Graph what it
// is sent.
func known(r *http.Request) []string {
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/v4/"):
		return []string{botToken}
	case strings.Contains(r.URL.Path, "/oauth2/"):
		return []string{clientSecret, accessToken, refreshToken, renewedToken, deviceCode}
	}
	return []string{accessToken}
}

// indiscreet answers with everything it was sent and every secret that it knows.
func indiscreet(w http.ResponseWriter, r *http.Request, status int) {
	body, _ := io.ReadAll(r.Body)
	text := strings.NewReplacer(`"`, "'", "\\", "/", "\n", " ", "\r", " ").Replace(fmt.Sprintf("%s %v %s %v", r.URL, r.Header, body, known(r)))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", known(r)[0])
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":"Odd","message":"%s"},"error_description":"AADSTS7000215: %s","id":"odd","message":"%s","detailed_error":"%s","status_code":%d}`,
		text, text, text, text, status)
}

// signIn answers as Entra does when all is well; what comes after it fails.
func signIn(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/devicecode"):
		_, _ = fmt.Fprintf(w, `{"device_code":%q,"user_code":"SHOWN","verification_uri":"https://login.example","expires_in":60,"interval":1}`, deviceCode)
	case strings.HasSuffix(r.URL.Path, "/token"):
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"token_type":"Bearer","expires_in":3600}`, accessToken, renewedToken)
	default:
		return false
	}
	return true
}

// failures are the ways in which both services fail.
var failures = map[string]http.HandlerFunc{
	"401": func(w http.ResponseWriter, r *http.Request) { indiscreet(w, r, http.StatusUnauthorized) },
	"403 signed in": func(w http.ResponseWriter, r *http.Request) {
		if !signIn(w, r) {
			indiscreet(w, r, http.StatusForbidden)
		}
	},
	"400": func(w http.ResponseWriter, r *http.Request) { indiscreet(w, r, http.StatusBadRequest) },
	"404 signed in": func(w http.ResponseWriter, r *http.Request) {
		if !signIn(w, r) {
			indiscreet(w, r, http.StatusNotFound)
		}
	},
	"500":               func(w http.ResponseWriter, r *http.Request) { indiscreet(w, r, http.StatusInternalServerError) },
	"200 with nonsense": func(w http.ResponseWriter, r *http.Request) { indiscreet(w, r, http.StatusOK) },
	"no JSON":           func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "<html>%v %v", r.Header, known(r)) },
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/?token="+url.QueryEscape(strings.Join(known(r), " ")), http.StatusFound)
	},
	"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"cut signed in": func(w http.ResponseWriter, r *http.Request) {
		if !signIn(w, r) {
			panic(http.ErrAbortHandler)
		}
	},
}

const secretConfig = `
[general]
LogLevel = "debug"
LogFormat = %[1]q
[http]
Listen = "127.0.0.1:0"
[mattermost.hq]
Server = %[2]q
Token = %[3]q
[msteams.contoso]
TenantID = "11111111-2222-3333-4444-555555555555"
ClientID = "11111111-2222-3333-4444-666666666666"
ClientSecret = %[4]q
GraphURL = %[2]q
LoginURL = %[2]q
[[gateway]]
name = "all"
inout = [ { account = "mattermost.hq", channel = "team/general" }, { account = "msteams.contoso", channel = "Contoso/General" } ]
`

func TestSecretsAppearInNoOutput(t *testing.T) {
	for name, fails := range failures {
		t.Run(name, func(t *testing.T) {
			service := httptest.NewServer(fails)
			defer service.Close()
			dir := t.TempDir()
			path := filepath.Join(dir, "config.toml")
			format := "text"
			if strings.Contains(name, "signed in") {
				format = "json"
			}
			text := fmt.Sprintf(secretConfig, format, service.URL, botToken, clientSecret)
			write(t, path, strings.Replace(text, "127.0.0.1:0", freeAddress(t), 1))
			storeLogin(t, dir)
			for _, words := range []string{"check", "channels mattermost.hq", "channels msteams.contoso", "login msteams.contoso",
				"login mattermost.hq", "quarantine list", "quarantine retry 1", "version", "help"} {
				called(t, path, strings.Fields(words), 15*time.Second, nil)
			}
			// Until both accounts have said what is wrong.
			called(t, path, []string{"run"}, 20*time.Second, func(log string) bool {
				failed := strings.Contains(log, "connecting") && strings.Contains(log, "mattermost.hq") && strings.Contains(log, "msteams.contoso")
				if failed {
					for _, words := range []string{"status", "status --json"} {
						if text := called(t, path, strings.Fields(words), 10*time.Second, nil); !strings.Contains(text, "ACCOUNTS") &&
							!strings.Contains(text, `"accounts"`) {
							t.Errorf("%s was not answered: %s", words, text)
						}
					}
				}
				return failed
			})
		})
	}
}

// storeLogin puts a refresh token into the store, as `causeway login` does.
func storeLogin(t *testing.T, dir string) {
	t.Helper()
	keys, err := store.LoadKeys(filepath.Join(dir, "causeway.db.key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "causeway.db"), keys, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Vault("msteams.contoso").Save(t.Context(), "relay", []byte(`{"refresh_token":"`+refreshToken+`"}`)); err != nil {
		t.Fatal(err)
	}
}

// called runs a command until it ends, or until it has printed enough, searches what it has printed, and gives that.
func called(t *testing.T, path string, words []string, patience time.Duration, enough func(string) bool) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out output
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		command := app.Command{Protocols: bridge.Protocols(), Stdout: &out, Stderr: &out, Patience: 3 * time.Second}
		command.Run(ctx, append(words, "-c", path))
	}()
	for reached := false; enough != nil && !reached; time.Sleep(10 * time.Millisecond) {
		if reached = enough(out.String()); !reached && ctx.Err() != nil {
			t.Errorf("%v has not come far enough:\n%s", words, out.String())
			break
		}
	}
	if enough != nil {
		cancel()
	}
	<-ended
	text := out.String()
	if text == "" {
		t.Errorf("%v says nothing", words)
	}
	if found := leaked(text); len(found) > 0 {
		t.Errorf("%v shows %q:\n%s", words, found, text)
	}
	return text
}

func TestSecretsAppearInNoMistakeOfTheConfig(t *testing.T) {
	good := fmt.Sprintf(secretConfig, "text", "http://127.0.0.1:1", botToken, clientSecret)
	for name, text := range map[string]string{
		"a syntax error on the line":  strings.Replace(good, `"`+botToken+`"`, `"`+botToken, 1),
		"a bare value":                strings.Replace(good, `"`+botToken+`"`, botToken, 1),
		"a secret in TokenFile":       strings.Replace(good, "Token =", "TokenFile =", 1),
		"a secret as an env name":     strings.Replace(good, `"`+botToken, `"env:`+botToken, 1),
		"a misspelt key":              strings.Replace(good, "ClientSecret =", "ClientSecrte =", 1),
		"a secret in the wrong table": strings.Replace(good, "[general]", "[general]\nToken = \""+botToken+"\"", 1),
		"a list":                      strings.Replace(good, `"`+botToken+`"`, `["`+botToken+`"]`, 1),
		"white space":                 strings.Replace(good, botToken, " "+botToken, 1),
		"a secret in the address":     strings.Replace(good, "http://127.0.0.1:1", "https://bot:"+botToken+"@127.0.0.1:1", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if text == good {
				t.Fatal("there is no mistake")
			}
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path, text)
			for _, words := range []string{"run", "check", "channels mattermost.hq"} {
				called(t, path, strings.Fields(words), 10*time.Second, nil)
			}
		})
	}
}

// TestLeaksAreFound proves the search itself, with a bridge that shows its token.
func TestLeaksAreFound(t *testing.T) {
	for _, text := range []string{"the token " + botToken, strings.ToUpper(botToken), url.QueryEscape(clientSecret), fmt.Sprintf("%x", refreshToken),
		base64.StdEncoding.EncodeToString([]byte(accessToken)), "…" + deviceCode[len(deviceCode)/2:]} {
		if len(leaked(text)) == 0 {
			t.Errorf("not found: %s", text)
		}
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, "[chatty.a]\nToken = \""+botToken+"\"\n[[gateway]]\nname = \"g\"\ninout = [ { account = \"chatty.a\", channel = \"a\" }, { account = \"chatty.a\", channel = \"b\" } ]\n")
	var out bytes.Buffer
	protocol := bridge.Protocol{Name: "chatty", Title: "Chatty", Settings: func() any { return &chatty{} },
		New: func(_ bridge.Env, settings any) (bridge.Bridge, error) {
			return nil, fmt.Errorf("refused: %s", settings.(*chatty).Token)
		}}
	if code := (app.Command{Protocols: []bridge.Protocol{protocol}, Stdout: &out, Stderr: &out}).Run(t.Context(), []string{"check", "-c", path}); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if len(leaked(out.String())) != 1 {
		t.Errorf("the leak was not found in:\n%s", &out)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "causeway.db")); err == nil {
		t.Error("check has made a store")
	}
}

type chatty struct{ Token string }
