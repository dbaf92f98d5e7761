package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// grant is what is kept to act as a person. Its form in JSON is stored.
type grant struct {
	// Access is what requests carry.
	Access string `json:"access"`
	// Token is the id of a personal access token; empty: it comes from OAuth 2.0.
	Token string `json:"token,omitempty"`
	// Refresh is good for one new pair of tokens; Expires is the end of Access. Of OAuth 2.0 only.
	Refresh string    `json:"refresh,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	// App is the client id of the app that it was given to.
	App string `json:"app,omitempty"`
}

func (g grant) encode() []byte {
	data, err := json.Marshal(g)
	if err != nil {
		panic(err) // strings and a time can be encoded
	}
	return data
}

func decodeGrant(data []byte) (grant, error) {
	var g grant
	if err := json.Unmarshal(data, &g); err != nil || g.Access == "" {
		return grant{}, fmt.Errorf("reading what is kept to act as a person: it is not of this bridge")
	}
	return g, nil
}

// ends says whether the tokens of OAuth 2.0 end within d.
func (g grant) ends(now time.Time, d time.Duration) bool {
	return g.Refresh != "" && g.Expires.Before(now.Add(d))
}

func (g grant) secret() secret.Secret { return secret.Secret(g.Access) }

// accessResponse is what /oauth/access_token answers.
type accessResponse struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"`
}

// longestGrant is how many seconds a token is believed to live at most; Mattermost's live 30 days (SessionLengthSSOInHours).
const longestGrant = 10 * 365 * 24 * 60 * 60

// grantOf makes a grant of an answer.
func (r accessResponse) grant(app string, now time.Time) (grant, error) {
	if !model.IsValidId(r.AccessToken) || r.RefreshToken == "" {
		return grant{}, &bridge.Error{Scope: bridge.ScopePerson, Hint: hintAddress, Err: fmt.Errorf("reading the tokens: the answer holds none")}
	}
	return grant{
		Access: r.AccessToken, Refresh: r.RefreshToken, Expires: now.Add(time.Duration(min(r.ExpiresIn, longestGrant)) * time.Second).UTC().Truncate(time.Second), App: app,
	}, nil
}

// noVault keeps nothing: an account without one can do what needs no keeping.
type noVault struct{}

func (noVault) Load(context.Context, string) ([]byte, error)        { return nil, nil }
func (noVault) Save(context.Context, string, []byte) error          { return nil }
func (noVault) Renew(context.Context, string, []byte) (bool, error) { return false, nil }
func (noVault) Delete(context.Context, string) error                { return nil }
