package notification

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func newKeys(t *testing.T, now time.Time) *Keys {
	t.Helper()
	k, err := NewKeys(now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestNewKeysAreWhatGraphTakes: X.509 with an RSA key of 2,048 to 4,096 bits, an id of at most 128 characters.
func TestNewKeysAreWhatGraphTakes(t *testing.T) {
	k := newKeys(t, noon)
	c := k.Current()
	der, err := base64.StdEncoding.DecodeString(c.Base64())
	if err != nil {
		t.Fatal(err)
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	public := x.PublicKey.(*rsa.PublicKey)
	if n := public.N.BitLen(); n < 2048 || n > 4096 {
		t.Errorf("%d bits", n)
	}
	if err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature); err != nil {
		t.Errorf("self-signed: %v", err)
	}
	if x.NotBefore.After(noon.Add(-time.Hour)) || x.NotAfter.Before(noon.Add(RotateAfter+LongestLife)) {
		t.Errorf("good from %v to %v", x.NotBefore, x.NotAfter)
	}
	if len(c.ID) > 128 || !strings.HasPrefix(c.ID, "causeway-") || len(c.Thumbprint) != 40 || !k.Has(c.ID) || k.Has("other") || k.Has("") {
		t.Errorf("%+v", c)
	}
	if other := newKeys(t, noon).Current(); other.ID == c.ID || other.Thumbprint == c.Thumbprint {
		t.Error("two keys are one")
	}
	if strings.Contains(string(der), "PRIVATE") || bytes.Contains(der, k.pairs[0].private.D.Bytes()) {
		t.Error("the private key is in the certificate")
	}
}

func TestRotation(t *testing.T) {
	first := newKeys(t, noon)
	if first.Due(noon.Add(RotateAfter-time.Second)) || !first.Due(noon.Add(RotateAfter)) {
		t.Error("due after a year")
	}
	later := noon.Add(RotateAfter)
	second, err := first.Rotate(later)
	if err != nil {
		t.Fatal(err)
	}
	old, current := first.Current(), second.Current()
	if old.ID == current.ID || second.Due(later) || !second.Has(old.ID) || first.Has(current.ID) {
		t.Error("it was not rotated")
	}
	sealedOld := seal(t, publicOf(t, old), []byte("old"), true)
	for _, c := range []Certificate{old, current} {
		if _, err := second.Open(seal(t, publicOf(t, c), []byte("x"), true).item(t, c)); err != nil {
			t.Error(err)
		}
	}
	at := later.Add(LongestLife)
	if kept, n := second.Prune(at, nil); n != 0 || !kept.Has(old.ID) {
		t.Error("pruned while a subscription may live")
	}
	at = later.Add(keepAfter)
	if kept, n := second.Prune(at, func(id string) bool { return id == old.ID }); n != 0 || !kept.Has(old.ID) {
		t.Error("pruned while a subscription names it")
	}
	pruned, n := second.Prune(at, func(string) bool { return false })
	if n != 1 || pruned.Has(old.ID) || !pruned.Has(current.ID) || !second.Has(old.ID) {
		t.Errorf("%d pruned", n)
	}
	if _, err := pruned.Open(sealedOld.item(t, old)); err == nil {
		t.Error("a pruned key still opens")
	}
	if again, n := pruned.Prune(at.Add(100*RotateAfter), nil); n != 0 || !again.Has(current.ID) {
		t.Error("the current key was pruned")
	}
}

// TestAThirdRotationKeepsWhenEachWasReplaced so that each is pruned in its own time, after being stored as well.
func TestAThirdRotationKeepsWhenEachWasReplaced(t *testing.T) {
	k := newKeys(t, noon)
	ids := []string{k.Current().ID}
	for i := 1; i < 3; i++ {
		var err error
		if k, err = k.Rotate(noon.Add(time.Duration(i) * 24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, k.Current().ID)
	}
	text, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if k, err = UnmarshalKeys(text); err != nil {
		t.Fatal(err)
	}
	pruned, n := k.Prune(noon.Add(24*time.Hour+keepAfter), nil)
	if n != 1 || pruned.Has(ids[0]) || !pruned.Has(ids[1]) || pruned.Current().ID != ids[2] {
		t.Errorf("%d pruned", n)
	}
	again, err := k.Marshal()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("stored again it differs: %v", err)
	}
}

func TestStoredKeysStillOpen(t *testing.T) {
	k := newKeys(t, noon)
	c := k.Current()
	item := seal(t, publicOf(t, c), []byte("kept"), true).item(t, c)
	text, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if k, err = UnmarshalKeys(text); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(item); err != nil || string(got) != "kept" || k.Current().Thumbprint != c.Thumbprint {
		t.Errorf("%s, %v", got, err)
	}
}

func TestDamagedKeysAreRefusedWithoutShowingThem(t *testing.T) {
	var good stored
	if err := json.Unmarshal(read(t, "keys.json"), &good); err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		b, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for problem, change := range map[string]func(*stored){
		"they are of version 2, this program knows version 1": func(s *stored) { s.Version = 2 },
		"there are none":                                               func(s *stored) { s.Keys = nil },
		"the private key is damaged":                                   func(s *stored) { s.Keys[0].Private = s.Keys[0].Private[:100] },
		"the certificate is damaged":                                   func(s *stored) { s.Keys[0].Certificate = s.Keys[0].Certificate[:100] },
		"the certificate belongs to another key":                       func(s *stored) { s.Keys[0].Private = pkcs8(signingKey()) },
		"the private key is not one of RSA with 2048 to 4096 bits":     func(s *stored) { s.Keys[0].Private = pkcs8(ec) },
		"reading key 1 for notifications: the private key is not one ": func(s *stored) { s.Keys[0].Private = pkcs8(small) },
	} {
		s := stored{Version: good.Version, Keys: append([]storedPair(nil), good.Keys...)}
		change(&s)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := UnmarshalKeys(text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v", problem, err)
		}
	}
	for _, text := range []string{"", "null", "{", `{"version":1,"keys":[{"private":"hunter2"}]}`, `{"version":1,"keys":[{"made":"hunter2"}]}`} {
		if _, err := UnmarshalKeys([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestKeysShowNothing however they are printed, logged or encoded, nor does what holds them.
func TestKeysShowNothing(t *testing.T) {
	k := knownKeys(t)
	states, err := NewClientStates(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Keys   *Keys
		Value  Keys
		States *ClientStates
		hidden Keys
		states ClientStates
	}
	h := holder{Keys: k, Value: *k, States: states, hidden: *k, states: *states}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, v := range []any{k, *k, h, &h, states, *states, []Keys{*k}, map[string]*Keys{"a": k}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	encoder := json.NewEncoder(&out)
	for _, v := range []any{k, *k, h.Keys, map[string]any{"keys": k}} {
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("keys", "keys", k, "value", *k, "states", states)
	slog.New(slog.NewTextHandler(&out, nil)).Info("keys", "keys", k, "value", *k, "states", states)
	for _, f := range []logrus.Formatter{&logrus.JSONFormatter{}, &logrus.TextFormatter{}} {
		l := logrus.New()
		l.Out, l.Formatter = &out, f
		l.WithField("keys", k).WithField("value", *k).WithField("states", fmt.Sprint(states)).Info("keys")
	}
	text, err := k.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	shown := out.String()
	p := k.pairs[0].private
	for _, number := range []interface {
		String() string
		Text(int) string
		Bytes() []byte
	}{p.D, p.Primes[0], p.Primes[1]} {
		for _, form := range []string{number.String(), number.Text(16), strings.ToUpper(number.Text(16)), base64.StdEncoding.EncodeToString(number.Bytes()), fmt.Sprint(number.Bytes())[1:40]} {
			if strings.Contains(shown, form[:min(len(form), 20)]) {
				t.Fatal("the private key is shown")
			}
		}
	}
	if strings.Contains(shown, "7 7 7 7") || strings.Contains(shown, "0707") || strings.Contains(shown, "BwcHBwc") {
		t.Error("the key of the client states is shown")
	}
	if n := strings.Count(shown, "[secret]"); n < 40 {
		t.Errorf("only %d masks are shown", n)
	}
}

func TestKeysServeManyAtOnce(t *testing.T) {
	k := knownKeys(t)
	item := &parse(t, string(read(t, "delivery.json"))).Items[0]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := k.Open(item); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		if _, err := k.Rotate(noon); err != nil {
			t.Error(err)
		}
		k.Prune(noon, nil)
	})
	wg.Wait()
}
