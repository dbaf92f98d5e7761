package teams

import (
	"net/http"
	"strings"

	"causeway/contrib/sim/teams/notify"
)

// The routes of the login service for those who verify its tokens.
const (
	openIDPath   = "/{tenant}/.well-known/openid-configuration"
	openID2Path  = "/{tenant}/v2.0/.well-known/openid-configuration"
	keySetPath   = "/{tenant}/discovery/keys"
	keySet2Path  = "/{tenant}/discovery/v2.0/keys"
	tenantInForm = "{tenantid}"
)

// openIDTemplate gives the route of a request for a public document; empty for others.
func openIDTemplate(rest string) string {
	switch rest {
	case ".well-known/openid-configuration":
		return openIDPath
	case "v2.0/.well-known/openid-configuration":
		return openID2Path
	case "discovery/keys":
		return keySetPath
	case "discovery/v2.0/keys":
		return keySet2Path
	}
	return ""
}

// openIDJSON is the OpenID configuration of a tenant.
type openIDJSON struct {
	Issuer        string   `json:"issuer"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	DeviceCode    string   `json:"device_authorization_endpoint"`
	Keys          string   `json:"jwks_uri"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Responses     []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Authenticates []string `json:"token_endpoint_auth_methods_supported"`
}

// openIDDocument answers with the OpenID configuration of a tenant or its keys. For common and organizations the issuer
// holds a placeholder, as in the real one.
func (s *Sim) openIDDocument(r *http.Request, tenant, template string) answer {
	if r.Method != http.MethodGet {
		return answer{status: http.StatusMethodNotAllowed, header: http.Header{}}
	}
	id := tenantInForm
	if tenant != "common" && tenant != "organizations" {
		s.mu.Lock()
		t := s.tenants[strings.ToLower(tenant)]
		s.mu.Unlock()
		if t == nil {
			return s.oauthAnswer(nil, oauth(400, "invalid_tenant", 90002, "Tenant '"+tenant+"' not found."))
		}
		id = t.ID
	}
	issuers := s.opts.Cloud.issuers()
	base := originOf(r) + "/" + tenant
	switch template {
	case keySetPath:
		return publicDocument(map[string]any{"keys": s.keys.Published("")})
	case keySet2Path:
		return publicDocument(map[string]any{"keys": s.keys.Published(notify.TenantIssuer(issuers.V2, id))})
	}
	out := openIDJSON{
		Issuer:    notify.TenantIssuer(issuers.V1, id),
		Authorize: base + "/oauth2/authorize", Token: base + "/oauth2/token", DeviceCode: base + "/oauth2/devicecode", Keys: base + "/discovery/keys",
		Algorithms: []string{"RS256"}, Responses: []string{"code", "id_token"}, SubjectTypes: []string{"pairwise"},
		Authenticates: []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
	}
	if template == openID2Path {
		out.Issuer = notify.TenantIssuer(issuers.V2, id)
		out.Authorize, out.Token, out.DeviceCode = base+"/oauth2/v2.0/authorize", base+"/oauth2/v2.0/token", base+"/oauth2/v2.0/devicecode"
		out.Keys = base + "/discovery/v2.0/keys"
	}
	return publicDocument(out)
}

func publicDocument(v any) answer {
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "max-age=86400, private")
	return answer{status: http.StatusOK, header: header, body: encode(v)}
}
