package notify_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"causeway/contrib/sim/teams/notify"
	"causeway/contrib/sim/teams/reference"
)

const (
	app    = "8e460676-ae3f-4b1e-8790-ee0fb5d6148f"
	tenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func form(version1 bool) notify.TokenForm {
	return notify.TokenForm{App: app, Tenant: tenant, Version1: version1, Issuers: notify.Worldwide}
}

// verify reads a validation token as the documentation tells receivers to.
func verify(k *notify.Keys, text string, at time.Time) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		for _, key := range k.Published("") {
			if key.ID == t.Header["kid"] {
				n, _ := base64.RawURLEncoding.DecodeString(key.Modulus)
				e, _ := base64.RawURLEncoding.DecodeString(key.Exponent)
				return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
			}
		}
		return nil, errors.New("the key is not published")
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(app), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return at }))
	if err != nil {
		return nil, err
	}
	caller, issuer := claims["azp"], "https://login.microsoftonline.com/"+tenant+"/v2.0"
	if claims["ver"] == "1.0" {
		caller, issuer = claims["appid"], "https://sts.windows.net/"+tenant+"/"
	}
	if caller != notify.ChangeTracking || claims["iss"] != issuer || claims["tid"] != tenant {
		return nil, errors.New("caller, issuer or tenant are wrong")
	}
	return claims, nil
}

func TestValidationTokensOfBothVersions(t *testing.T) {
	var k notify.Keys
	for _, version1 := range []bool{false, true} {
		text := k.Token(form(version1), noon)
		for _, at := range []time.Time{noon, noon.Add(24 * time.Hour)} {
			if _, err := verify(&k, text, at); err != nil {
				t.Errorf("version 1: %v, at %v: %v", version1, at, err)
			}
		}
		if _, err := verify(&k, text, noon.Add(25*time.Hour)); err == nil {
			t.Error("a token of yesterday is valid")
		}
		if k.Token(form(version1), noon.Add(30*time.Minute)) != text {
			t.Error("a further token was made within the hour")
		}
		if k.Token(form(version1), noon.Add(2*time.Hour)) == text {
			t.Error("no new token was made after an hour")
		}
	}
}

func TestClaimsAreThoseOfTheSamples(t *testing.T) {
	f := reference.Open(t)
	var k notify.Keys
	for name, version1 := range map[string]bool{"validationtoken-v1.claims.json": true, "validationtoken-v2.claims.json": false} {
		sample, err := f.Example(name)
		ok(t, err)
		want := map[string]any{}
		ok(t, json.Unmarshal(sample, &want))
		claims, err := verify(&k, k.Token(form(version1), noon), noon)
		ok(t, err)
		for claim := range want {
			if _, there := claims[claim]; !there && claim != "rh" { // an internal one of the service
				t.Errorf("%s has %s", name, claim)
			}
		}
		for claim := range claims {
			if _, there := want[claim]; !there {
				t.Errorf("%s lacks %s", name, claim)
			}
		}
	}
}

func TestKeysRotate(t *testing.T) {
	var k notify.Keys
	old := k.Token(form(false), noon)
	k.Rotate()
	fresh := k.Token(form(false), noon)
	if fresh == old || len(k.Published("")) != 2 {
		t.Fatalf("%d keys", len(k.Published("")))
	}
	for _, text := range []string{old, fresh} {
		if _, err := verify(&k, text, noon); err != nil {
			t.Error(err)
		}
	}
	k.Retire()
	if _, err := verify(&k, old, noon); err == nil {
		t.Error("a retired key still counts")
	}
	if _, err := verify(&k, fresh, noon); err != nil {
		t.Error(err)
	}
	if got := k.Published("https://issuer"); len(got) != 1 || got[0].Issuer != "https://issuer" || got[0].Type != "RSA" {
		t.Errorf("%+v", got)
	}
}

func TestForgedTokensAreNotValid(t *testing.T) {
	var k notify.Keys
	forged := []notify.Forgery{notify.StrangersToken, notify.UnsignedToken, notify.WrongAudience, notify.WrongCaller,
		notify.WrongIssuer, notify.ExpiredToken, notify.UnreadableToken}
	for _, version1 := range []bool{false, true} {
		for _, f := range forged {
			if !slices.Contains(notify.Forgeries(), f) {
				t.Errorf("%s is not listed", f)
			}
			if _, err := verify(&k, k.Forge(form(version1), f, noon), noon); err == nil {
				t.Errorf("%s: valid", f)
			}
		}
		if _, err := verify(&k, k.Forge(form(version1), "", noon), noon); err != nil {
			t.Errorf("unchanged: %v", err)
		}
	}
}
