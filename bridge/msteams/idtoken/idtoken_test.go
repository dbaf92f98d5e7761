package idtoken

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
)

var (
	want = Wanted{
		Client: "11111111-1111-1111-1111-111111111111", Issuer: "https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0",
		Tenant: "22222222-2222-2222-2222-222222222222", Nonce: "once",
	}
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	who = "33333333-3333-3333-3333-333333333333"
)

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a map of texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// token is a good one with some claims changed; nil removes one.
func token(changes map[string]any) string {
	c := map[string]any{"aud": want.Client, "iss": want.Issuer, "tid": want.Tenant, "oid": who, "nonce": want.Nonce, "exp": now.Add(time.Hour).Unix(), "preferred_username": "a@contoso.example"}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(c) + ".c2ln"
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]any
		want    error
	}{
		"good":                    {nil, nil},
		"tenant in capitals":      {map[string]any{"tid": strings.ToUpper(want.Tenant)}, nil},
		"several audiences":       {map[string]any{"aud": []string{"x", want.Client}}, nil},
		"signed in by the tenant": {map[string]any{"idp": "https://sts.windows.net/" + want.Tenant + "/"}, nil},
		"by the issuer":           {map[string]any{"idp": want.Issuer}, nil},
		"clocks that differ":      {map[string]any{"exp": now.Add(-4 * time.Minute).Unix(), "nbf": now.Add(4 * time.Minute).Unix()}, nil},
		"out of date":             {map[string]any{"exp": now.Add(-6 * time.Minute).Unix()}, ErrInvalid},
		"not yet":                 {map[string]any{"nbf": now.Add(6 * time.Minute).Unix()}, ErrInvalid},
		"without an end":          {map[string]any{"exp": nil}, ErrInvalid},
		"another app":             {map[string]any{"aud": who}, ErrInvalid},
		"no app":                  {map[string]any{"aud": nil}, ErrInvalid},
		"another issuer":          {map[string]any{"iss": want.Issuer + "/"}, ErrInvalid},
		"another sign-in":         {map[string]any{"nonce": "twice"}, ErrElse},
		"no sign-in":              {map[string]any{"nonce": nil}, ErrElse},
		"another tenant":          {map[string]any{"tid": who}, ErrForeign},
		"no tenant":               {map[string]any{"tid": nil}, ErrForeign},
		"a personal account":      {map[string]any{"tid": personalTenant}, ErrPersonal},
		"invited, personal":       {map[string]any{"idp": "live.com"}, ErrPersonal},
		"invited, personal STS":   {map[string]any{"idp": "https://sts.windows.net/" + personalTenant + "/"}, ErrPersonal},
		"invited":                 {map[string]any{"idp": "https://sts.windows.net/" + who + "/"}, ErrGuest},
		"an external name":        {map[string]any{"preferred_username": "a_b.example#ext#@contoso.example"}, ErrGuest},
		"nobody":                  {map[string]any{"oid": nil}, ErrNobody},
		"no id":                   {map[string]any{"oid": who + "/../x"}, ErrNobody},
		"a claim of another type": {map[string]any{"oid": 7}, ErrUnread},
	} {
		id, err := Read(token(c.changes), want, now)
		if !errors.Is(err, c.want) || err == nil && id != who {
			t.Errorf("%s: %q, %v, want %v", name, id, err, c.want)
		}
	}
	for text, want := range map[string]error{"": ErrAbsent, strings.Repeat("x", longest+1): ErrAbsent, "a.b.c": ErrUnread, "no": ErrUnread} {
		if _, err := Read(text, Wanted{}, now); !errors.Is(err, want) {
			t.Errorf("%.10q: %v, want %v", text, err, want)
		}
	}
	if _, err := Read(token(map[string]any{"nonce": ""}), Wanted{Client: want.Client, Issuer: want.Issuer, Tenant: want.Tenant}, now); !errors.Is(err, ErrElse) {
		t.Errorf("where no nonce is wanted: %v", err)
	}
}

// FuzzRead: whatever comes, nobody signs in without being named, and no error shows what came.
func FuzzRead(f *testing.F) {
	f.Add(token(nil))
	for _, seed := range []string{"", "..", "a.b.c", "e30.e30.", "e30.bnVsbA.", token(map[string]any{"aud": []any{nil, 7}, "exp": "soon"}), token(map[string]any{"exp": 1e300})} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := Read(text, want, now)
		if err == nil && !guid.MatchString(id) {
			t.Errorf("%q signed in", id)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("%v", err)
		}
	})
}
