package teams

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// checkAssertion verifies a client assertion (private_key_jwt): signed with the registered certificate, named by its
// thumbprint, made by and for the app, addressed to this token endpoint and not out of date.
func (s *Sim) checkAssertion(l *login, assertion string) error {
	if l.form.Get("client_assertion_type") != assertionType {
		return errors.New("client_assertion_type is not " + assertionType)
	}
	cert := l.app.certificate
	if cert == nil {
		return errors.New("no certificate is registered")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("the registered certificate has no RSA key")
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		sum1, sum256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
		if t.Header["x5t"] == base64.RawURLEncoding.EncodeToString(sum1[:]) ||
			t.Header["x5t#S256"] == base64.RawURLEncoding.EncodeToString(sum256[:]) {
			return key, nil
		}
		return nil, errors.New("the thumbprint is not that of the registered certificate")
	}, jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithAudience(l.audience), jwt.WithIssuer(l.app.ClientID),
		jwt.WithSubject(l.app.ClientID), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.opts.Now))
	if err != nil {
		return fmt.Errorf("reading the assertion: %w", err)
	}
	if claims.ID == "" {
		return errors.New("the assertion has no jti")
	}
	return nil
}
