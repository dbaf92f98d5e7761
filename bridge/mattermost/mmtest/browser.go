package mmtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

const theState = "the state"

// browse opens an address of /oauth/authorize in the browser of whom the token belongs to, and gives the code with which it comes back.
// On the page of consent, which an app shows that is not trusted, it presses the button.
func browse(client *http.Client, server, token, address string) (code string, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	r.AddCookie(&http.Cookie{Name: model.SessionCookieToken, Value: token})
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := stays.Do(r)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	location := answer.Header.Get("Location")
	if answer.StatusCode == http.StatusOK {
		if location, err = consent(client, server, token, address); err != nil {
			return "", err
		}
	}
	back, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	if back.Query().Get("state") != theState || back.Query().Get("code") == "" {
		return "", fmt.Errorf("the browser got %s and is sent to %q", answer.Status, location)
	}
	return back.Query().Get("code"), nil
}

// consent presses the button and gives where the browser is sent.
func consent(client *http.Client, server, token, address string) (location string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	body, err := json.Marshal(map[string]string{
		"response_type": "code", "client_id": q.Get("client_id"), "redirect_uri": q.Get("redirect_uri"), "state": q.Get("state"),
	})
	if err != nil {
		return "", err
	}
	var said struct{ Redirect string }
	err = visit(client, token, server+"/oauth/authorize", string(body), &said)
	return said.Redirect, err
}

// deauthorize is what people do in their security settings.
func deauthorize(client *http.Client, server, token, app string) error {
	return visit(client, token, server+"/oauth/deauthorize", fmt.Sprintf(`{"client_id":%q}`, app), nil)
}

// visit posts to a path that is not below /api/v4.
func visit(client *http.Client, token, address, body string, out any) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s", address, answer.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(out)
}
