package notify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"causeway/contrib/sim/teams/notify"
	"causeway/contrib/sim/teams/reference"
)

// golden is resource data that another program sealed.
type golden struct {
	private           *rsa.PrivateKey
	cert              *x509.Certificate
	plain, thumbprint string
	sealed            notify.Encrypted
}

func readGolden(t testing.TB) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/openssl.json")
	ok(t, err)
	var in struct {
		PrivateKey, Certificate                         []byte
		Plain, Thumbprint, Data, DataSignature, DataKey string
	}
	ok(t, json.Unmarshal(text, &in))
	key, err := x509.ParsePKCS8PrivateKey(in.PrivateKey)
	ok(t, err)
	cert, err := x509.ParseCertificate(in.Certificate)
	ok(t, err)
	return golden{private: key.(*rsa.PrivateKey), cert: cert, plain: in.Plain, thumbprint: in.Thumbprint,
		sealed: notify.Encrypted{Data: in.Data, DataSignature: in.DataSignature, DataKey: in.DataKey}}
}

// TestWhatOpenSSLSealedCanBeRead shows that the reader used by the tests follows the documentation and not just its own
// writer.
func TestWhatOpenSSLSealedCanBeRead(t *testing.T) {
	g := readGolden(t)
	plain, err := notify.Decrypt(g.private, &g.sealed)
	if err != nil || string(plain) != g.plain {
		t.Errorf("%q, %v, want %q", plain, err, g.plain)
	}
	if got := notify.Thumbprint(g.cert); got != g.thumbprint {
		t.Errorf("thumbprint %s, want %s", got, g.thumbprint)
	}
}

func TestEachItemIsSealedAnew(t *testing.T) {
	g := readGolden(t)
	seen := map[string]bool{}
	for n := range 40 { // all lengths of padding
		text := strings.Repeat("ä", n/2) + strings.Repeat("x", n%2)
		sealed, err := notify.Encrypt(g.cert, "label", []byte(text))
		ok(t, err)
		if plain, err := notify.Decrypt(g.private, sealed); err != nil || string(plain) != text {
			t.Errorf("%q came back as %q, %v", text, plain, err)
		}
		if sealed.CertificateID != "label" || sealed.CertificateThumbprint != g.thumbprint {
			t.Errorf("certificate: %+v", sealed)
		}
		for _, part := range []string{sealed.Data, sealed.DataKey, sealed.DataSignature} {
			if seen[part] {
				t.Fatal("a part was used twice")
			}
			seen[part] = true
		}
	}
}

func TestReadingRefusesWhatWasChanged(t *testing.T) {
	g := readGolden(t)
	for name, spoil := range map[string]func(*notify.Encrypted){
		"data":           func(e *notify.Encrypted) { e.Data = flip(e.Data) },
		"signature":      func(e *notify.Encrypted) { e.DataSignature = flip(e.DataSignature) },
		"key":            func(e *notify.Encrypted) { e.DataKey = flip(e.DataKey) },
		"no data":        func(e *notify.Encrypted) { e.Data = "" },
		"data no base64": func(e *notify.Encrypted) { e.Data = "%" },
	} {
		e := g.sealed
		spoil(&e)
		if plain, err := notify.Decrypt(g.private, &e); err == nil {
			t.Errorf("%s: read as %q", name, plain)
		}
	}
}

// flip changes a bit in the middle of a base64 text.
func flip(text string) string {
	raw, _ := base64.StdEncoding.DecodeString(text)
	raw[len(raw)/2] ^= 1
	return base64.StdEncoding.EncodeToString(raw)
}

func TestCertificatesAreChecked(t *testing.T) {
	make := func(public, private any) string {
		form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, form, form, public, private)
		ok(t, err)
		return base64.StdEncoding.EncodeToString(der)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	ok(t, err)
	good := base64.StdEncoding.EncodeToString(readGolden(t).cert.Raw)
	for text, want := range map[string]string{
		good:                          "",
		"-----BEGIN CERTIFICATE-----": "not base64",
		base64.StdEncoding.EncodeToString([]byte("no certificate")): "not an X.509",
		make(&curve.PublicKey, curve):                               "no RSA key",
		make(&small.PublicKey, small):                               "1024 bits",
	} {
		_, err := notify.ParseCertificate(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40s…: %v, want %q", text, err, want)
		}
	}
	if _, err := notify.Encrypt(&x509.Certificate{PublicKey: &curve.PublicKey}, "", nil); err == nil {
		t.Error("sealed for a key that is not RSA")
	}
}

// TestOfficialSampleWithItsPlaceholdersFilled takes Microsoft's sample of a rich notification, whose encrypted parts are
// placeholders, and their sample of the resource in it: filled in, the one opens to the other.
func TestOfficialSampleWithItsPlaceholdersFilled(t *testing.T) {
	f := reference.Open(t)
	g := readGolden(t)
	plain, err := f.Example("concept-teams-changenotifications-chatmessage-13.resource.json")
	ok(t, err)
	sealed, err := notify.Encrypt(g.cert, "label", plain)
	ok(t, err)
	sample, err := f.Example("concept-webhooks-with-resource-data-4.notification.json")
	ok(t, err)
	var document struct {
		Value []struct{ EncryptedContent map[string]string }
	}
	ok(t, json.Unmarshal(sample, &document))
	filled := document.Value[0].EncryptedContent
	text, err := json.Marshal(sealed)
	ok(t, err)
	var ours map[string]string
	ok(t, json.Unmarshal(text, &ours))
	for name := range filled {
		if ours[name] == "" {
			t.Errorf("the sample has a member %s, the stand-in not", name)
		}
		filled[name] = ours[name]
		delete(ours, name)
	}
	if len(ours) > 0 {
		t.Errorf("the stand-in has members that the sample lacks: %v", ours)
	}
	back := notify.Encrypted{Data: filled["data"], DataKey: filled["dataKey"], DataSignature: filled["dataSignature"]}
	if got, err := notify.Decrypt(g.private, &back); err != nil || string(got) != string(plain) {
		t.Errorf("%v: %s", err, got)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
