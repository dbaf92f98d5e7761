package mmtest

import (
	"net/http"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/bridge/mattermost"
	"causeway/bridge/secret"
)

func (s *service) settings(server string) *mattermost.Settings {
	return &mattermost.Settings{
		Server: server, Token: secret.Secret(s.Bot.Token), Profile: s.Profile, OAuthClientID: s.app.Id, OAuthClientSecret: secret.Secret(s.app.ClientSecret),
	}
}

// ConnectPerson goes the whole way: the person signs in, and what they give, or the bot mints, is kept.
func (s *service) ConnectPerson(who bridgetest.Who) {
	s.t.Helper()
	m := s.member(who)
	if s.Profile == mattermost.ProfileSimple {
		s.Roles(s.t, "system_admin")
	} else if s.app.Id == "" {
		s.do(s.Admin, "POST", "/oauth/apps", &model.OAuthApp{
			Name: "law", Homepage: "https://causeway.example.com", CallbackUrls: []string{redirect}, IsTrusted: true,
		}, &s.app)
	}
	b, err := mattermost.New(bridge.Env{Account: "mattermost.law", Vault: &s.vault, Log: silent()}, s.settings(s.World.URL))
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close()
	if err := s.connect(b, m); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) connect(b bridge.Bridge, m Member) error {
	ctx, u := s.t.Context(), bridge.UserID(m.ID)
	if _, err := b.Connect(ctx); err != nil {
		return err
	}
	var given []byte
	if s.Profile != mattermost.ProfileSimple {
		way := bridge.SignIn{Redirect: redirect, State: theState}
		address, err := b.SignIn(ctx, way)
		if err != nil {
			return err
		}
		code, err := browse(s.client, s.World.URL, m.Token, address)
		if err != nil {
			return err
		}
		proof, err := b.Prove(ctx, way, code)
		if err != nil {
			return err
		}
		given = proof.Grant
	}
	grant, err := b.Empower(ctx, u, given)
	if err != nil {
		return err
	}
	return s.vault.Save(ctx, bridge.PersonGrant(u), grant)
}

// RevokePerson takes it back at the server: an administrator does, or the person.
func (s *service) RevokePerson(who bridgetest.Who) {
	s.t.Helper()
	m, err := s.member(who), error(nil)
	if s.Profile == mattermost.ProfileSimple {
		err = revokeMinted(s.client, s.World, m.ID)
	} else {
		err = deauthorize(s.client, s.World.URL, m.Token, s.app.Id)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// revokeMinted revokes the tokens that a Causeway has minted for a user.
func revokeMinted(client *http.Client, w World, user string) error {
	var list []*model.UserAccessToken
	if err := request(client, w.URL, w.Admin, "GET", "/users/"+user+"/tokens", nil, &list); err != nil {
		return err
	}
	for _, t := range list {
		if !strings.HasPrefix(t.Description, "Causeway ") {
			continue
		}
		if err := request(client, w.URL, w.Admin, "POST", "/users/tokens/revoke", map[string]string{"token_id": t.Id}, nil); err != nil {
			return err
		}
	}
	return nil
}
