package notification

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// ChangeTracking is the app that Graph sends notifications as, in every cloud (change-notifications-with-resource-data).
	ChangeTracking = "0bf30f3b-4a52-48df-9a82-234910c4a086"
	// leeway is how far the clocks may differ.
	leeway = 2 * time.Minute
	// verifiedKept is how many verified tokens are remembered. Graph sends the same one for hours.
	verifiedKept = 256
	// maxKeyID is how many bytes the name of a signing key may have; real ones have 27.
	maxKeyID = 256
)

// ValidatorOptions are what a Validator needs to know.
type ValidatorOptions struct {
	// ClientID of the app: tokens must be made for it.
	ClientID string
	// LoginURL is the login service's address, as https://login.microsoftonline.com, which differs between clouds. Tokens
	// of version 2.0 are issued under it.
	LoginURL string
	// IssuerV1 is under which address tokens of version 1.0 are issued; empty for the one that belongs to LoginURL,
	// which is https://sts.windows.net except in China.
	IssuerV1 string
	// Keys are the login service's.
	Keys KeySource
	// Now is the clock.
	Now func() time.Time
}

// Validator checks validation tokens. Any number of goroutines may use it.
type Validator struct {
	clientID string
	issuerV1 string
	issuerV2 string
	keys     KeySource
	now      func() time.Time
	parser   *jwt.Parser
	verified *lru.Cache[[sha256.Size]byte, verified]
}

// verified is a good token.
type verified struct {
	tenant  string
	expires time.Time
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// NewValidator refuses options that could never let a token pass.
func NewValidator(o ValidatorOptions) (*Validator, error) {
	login, err := url.Parse(o.LoginURL)
	switch {
	case !guid.MatchString(o.ClientID):
		return nil, errors.New("checking validation tokens: the client id is not a GUID")
	case err != nil || login.Host == "":
		return nil, errors.New("checking validation tokens: the login service's address is no address")
	case o.Keys == nil || o.Now == nil:
		return nil, errors.New("checking validation tokens: keys and a clock are needed")
	}
	v2, v1 := strings.TrimSuffix(o.LoginURL, "/"), strings.TrimSuffix(o.IssuerV1, "/")
	if v1 == "" {
		v1 = "https://sts.windows.net"
	}
	// In China tokens carry other addresses than the login service has (from its published OpenID configuration, not
	// confirmed). No Teams notifications are sent there yet.
	if login.Host == "login.chinacloudapi.cn" {
		v2 = "https://login.partner.microsoftonline.cn"
		if o.IssuerV1 == "" {
			v1 = "https://sts.chinacloudapi.cn"
		}
	}
	cache, err := lru.New[[sha256.Size]byte, verified](verifiedKept)
	if err != nil {
		return nil, fmt.Errorf("checking validation tokens: %w", err)
	}
	return &Validator{
		clientID: o.ClientID, issuerV1: v1, issuerV2: v2, keys: o.Keys, now: o.Now, verified: cache,
		// The claims are checked here, since each mistake has a reason of its own, and before a key is asked for.
		parser: jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()),
	}, nil
}

// Vouched says for which tenants a delivery is genuine.
type Vouched struct {
	none     bool
	tenants  []string
	failures []failure
}

type failure struct {
	// tenant is whom the token claims to be for.
	tenant string
	err    *TokenError
}

// Verify checks the tokens of one delivery: [Collection.Tokens]. A token that is not good spoils nothing but the items
// that it alone would have vouched for.
func (v *Validator) Verify(ctx context.Context, tokens []string) Vouched {
	o := Vouched{none: len(tokens) == 0}
	for _, token := range tokens {
		tenant, err := v.token(ctx, token)
		if err != nil {
			o.failures = append(o.failures, failure{tenant, err})
		} else {
			o.tenants = append(o.tenants, tenant)
		}
	}
	return o
}

// Check tells whether an item of this tenant is genuine. Else the error is a [*TokenError].
func (o Vouched) Check(tenant string) error {
	tenant = strings.ToLower(tenant)
	switch {
	case tenant == "":
		return fault(NoTenant, "the notification names no tenant")
	case slices.Contains(o.tenants, tenant):
		return nil
	case o.none:
		return fault(NoTokens, "the delivery has no validation tokens")
	}
	var told *TokenError
	for _, f := range o.failures {
		// What says most: a mistake in this tenant's own token, then that nothing can be said yet.
		if f.tenant == tenant && f.err.Reason != WrongAudience {
			return f.err
		}
		if told == nil || f.err.Transient() {
			told = f.err
		}
	}
	if told == nil {
		return fault(OtherTenant, "the delivery's validation tokens are for other tenants")
	}
	return told
}

// token checks one token. With an error comes the tenant that the token claims to be for, if it is readable.
func (v *Validator) token(ctx context.Context, token string) (string, *TokenError) {
	if token == "" || len(token) > MaxToken {
		return "", fault(Malformed, "a validation token is empty or too long")
	}
	now, sum := v.now(), sha256.Sum256([]byte(token))
	if known, ok := v.verified.Get(sum); ok && now.Before(known.expires) {
		return known.tenant, nil
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		key, err := v.keyFor(ctx, t.Header, &c, now)
		if err != nil {
			return nil, err
		}
		return key.Public, nil
	})
	tenant := strings.ToLower(c.Tenant)
	if err != nil {
		return tenant, reasonOf(err)
	}
	v.verified.Add(sum, verified{tenant, c.ExpiresAt.Time})
	return tenant, nil
}

// keyFor gives the key that must have signed a token, after everything else about it was found right.
func (v *Validator) keyFor(ctx context.Context, header map[string]any, c *claims, now time.Time) (SigningKey, error) {
	if err := v.checkClaims(c, now); err != nil {
		return SigningKey{}, err
	}
	if _, ok := header["crit"]; ok {
		return SigningKey{}, fault(Malformed, "a validation token asks for something that is not known")
	}
	kid, _ := header["kid"].(string)
	if kid == "" || len(kid) > maxKeyID {
		return SigningKey{}, fault(UnknownKey, "a validation token names no signing key")
	}
	key, err := v.keys(ctx, kid)
	switch {
	case errors.Is(err, ErrNoSuchKey):
		return SigningKey{}, &TokenError{Reason: UnknownKey, Err: fmt.Errorf("checking a validation token: %w: %s", err, shown(kid))}
	case err != nil:
		return SigningKey{}, &TokenError{Reason: KeysUnavailable, Hint: hintUnavailable, Err: fmt.Errorf("checking a validation token: %w", err)}
	case key.Public == nil || !fit(key.Public):
		return SigningKey{}, fault(UnknownKey, "the signing key of a validation token is too small")
	case !signsFor(key.Issuer, c.Tenant):
		return SigningKey{}, fault(WrongIssuer, "a validation token is signed by a key for another tenant")
	}
	return key, nil
}

// signsFor tells whether a key that is marked with an issuer may sign for a tenant: one that is for all tenants has
// {tenantid} in it. The versions of tokens share their keys, so only the tenant is looked at.
func signsFor(issuer, tenant string) bool {
	if issuer == "" || strings.Contains(strings.ToLower(issuer), "{tenantid}") {
		return true
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return strings.EqualFold(first, tenant)
}

// claims are what counts in a validation token.
type claims struct {
	jwt.RegisteredClaims
	Tenant  string `json:"tid"`
	Version string `json:"ver"`
	// Caller in version 2.0 and 1.0.
	AuthorizedParty string `json:"azp"`
	AppID           string `json:"appid"`
}

func (v *Validator) checkClaims(c *claims, now time.Time) error {
	var issuer, caller string
	switch c.Version {
	case "1.0":
		issuer, caller = v.issuerV1+"/"+c.Tenant+"/", c.AppID
	case "2.0":
		issuer, caller = v.issuerV2+"/"+c.Tenant+"/v2.0", c.AuthorizedParty
	default:
		return fault(WrongVersion, "a validation token is of an unknown version")
	}
	switch {
	case c.ExpiresAt == nil || !now.Before(c.ExpiresAt.Add(leeway)):
		return fault(Expired, "a validation token has expired")
	case c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.Time):
		return fault(NotYetValid, "a validation token is not valid yet")
	case len(c.Audience) != 1 || !strings.EqualFold(c.Audience[0], v.clientID):
		return fault(WrongAudience, "a validation token is for another app")
	case !guid.MatchString(c.Tenant) || c.Issuer != issuer:
		return fault(WrongIssuer, "a validation token is from another issuer")
	case !strings.EqualFold(caller, ChangeTracking):
		return fault(WrongCaller, "a validation token was not made for Microsoft Graph Change Tracking")
	}
	return nil
}

// reasonOf reads an error of the parser.
func reasonOf(err error) *TokenError {
	var known *TokenError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, jwt.ErrTokenMalformed):
		return fault(Malformed, "a validation token is not readable")
	case errors.Is(err, rsa.ErrVerification):
		return fault(BadSignature, "the signature of a validation token is wrong")
	}
	return fault(WrongAlgorithm, "a validation token is not signed by RS256")
}
