package notification

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestOpenGivesWhatWasSealed(t *testing.T) {
	keys := knownKeys(t)
	public := publicOf(t, keys.Current())
	for n := range 70 {
		plain := bytes.Repeat([]byte{byte(n)}, n)
		got, err := keys.Open(seal(t, public, plain, true).item(t, keys.Current()))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: %x, %v", n, got, err)
		}
	}
}

func TestOpenTakesEscapedBase64(t *testing.T) {
	keys := knownKeys(t)
	body := string(read(t, "delivery.json"))
	escaped := strings.NewReplacer("+", `\u002B`, "/", `\/`, "=", `\u003d`).Replace(body)
	if escaped == body {
		t.Fatal("nothing was escaped")
	}
	plain, err := keys.Open(&parse(t, escaped).Items[0])
	if err != nil || !bytes.Equal(plain, read(t, "resource.json")) {
		t.Errorf("%s, %v", plain, err)
	}
}

func TestOpenFindsTheKeyByThumbprintWhenNoIDIsNamed(t *testing.T) {
	keys := knownKeys(t)
	c := keys.Current()
	s := seal(t, publicOf(t, c), []byte("{}"), true)
	c.ID, c.Thumbprint = "", strings.ToLower(c.Thumbprint)
	if _, err := keys.Open(s.item(t, c)); err != nil {
		t.Error(err)
	}
	c.Thumbprint = ""
	if _, err := keys.Open(s.item(t, c)); !errors.Is(err, ErrUnknownKey) {
		t.Error(err)
	}
}

func TestOpenOpensNothingTwiceOver(t *testing.T) {
	keys := knownKeys(t)
	body := read(t, "delivery.json")
	before := bytes.Clone(body)
	item := &parse(t, string(body)).Items[0]
	first, err1 := keys.Open(item)
	second, err2 := keys.Open(item)
	if err1 != nil || err2 != nil || !bytes.Equal(first, second) || !bytes.Equal(body, before) {
		t.Errorf("%s %v, %s %v", first, err1, second, err2)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	keys := knownKeys(t)
	c := keys.Current()
	if _, err := keys.Open(&Item{}); !errors.Is(err, ErrNoContent) {
		t.Error(err)
	}
	foreign := c
	foreign.ID = "MySelfSignedCert/DDC9651A" + strings.Repeat("x", 300)
	_, err := keys.Open(seal(t, publicOf(t, c), nil, true).item(t, foreign))
	if !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), "MySelfSignedCert/DDC9651A") || len(err.Error()) > 400 {
		t.Error(err)
	}
}

// TestEveryTamperingIsRefused, always by the same error.
func TestEveryTamperingIsRefused(t *testing.T) {
	keys := knownKeys(t)
	c := keys.Current()
	public := publicOf(t, c)
	plain := []byte(`{"id":"1565045424600","body":{"content":"a text that fills some blocks of sixteen bytes"}}`)
	good := seal(t, public, plain, true)
	plain16 := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(16 - len(plain)%16)}, 16-len(plain)%16)...)
	refused := func(what string, s sealed) {
		t.Helper()
		if got, err := keys.Open(s.item(t, c)); err != ErrUndecipherable || got != nil { // the very same, not just one like it
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	flipped := func(b []byte, i int, bit byte) []byte {
		b = bytes.Clone(b)
		b[i] ^= bit
		return b
	}
	for i := range good.data {
		s := good
		s.data = flipped(good.data, i, 1<<(i%8))
		refused(fmt.Sprintf("byte %d of the data", i), s)
	}
	for i := range good.signature {
		s := good
		s.signature = flipped(good.signature, i, 1<<(i%8))
		refused(fmt.Sprintf("byte %d of the signature", i), s)
	}
	for i := 0; i < len(good.dataKey); i += 3 { // each costs a millisecond
		s := good
		s.dataKey = flipped(good.dataKey, i, 1<<(i%8))
		refused(fmt.Sprintf("byte %d of the key", i), s)
	}
	other := seal(t, public, plain, true)
	for what, change := range map[string]func(*sealed){
		"no data":              func(s *sealed) { s.data = nil },
		"no key":               func(s *sealed) { s.dataKey = nil },
		"no signature":         func(s *sealed) { s.signature = nil },
		"empty data, signed":   func(s *sealed) { s.data = nil; s.sign() },
		"half a block, signed": func(s *sealed) { s.data = s.data[:24]; s.sign() },
		"a block less":         func(s *sealed) { s.data = s.data[:len(s.data)-16] },
		"a block more":         func(s *sealed) { s.data = append(bytes.Clone(s.data), s.data[:16]...) },
		"blocks changed over": func(s *sealed) {
			s.data = append(bytes.Clone(s.data[16:32]), append(bytes.Clone(s.data[:16]), s.data[32:]...)...)
		},
		"a signature cut":           func(s *sealed) { s.signature = s.signature[:31] },
		"a longer signature":        func(s *sealed) { s.signature = append(bytes.Clone(s.signature), 0) },
		"a shorter key":             func(s *sealed) { s.dataKey = s.dataKey[:255] },
		"a longer key":              func(s *sealed) { s.dataKey = append(bytes.Clone(s.dataKey), 0) },
		"a key of zeros":            func(s *sealed) { s.dataKey = make([]byte, 256) },
		"a key beyond the modulus":  func(s *sealed) { s.dataKey = bytes.Repeat([]byte{0xff}, 256) },
		"another item's key":        func(s *sealed) { s.dataKey = other.dataKey },
		"another item's data":       func(s *sealed) { s.data = other.data },
		"another item's signature":  func(s *sealed) { s.signature = other.signature },
		"signed with the empty key": func(s *sealed) { s.key = make([]byte, 32); s.sign(); s.dataKey = flipped(s.dataKey, 9, 1) },
		"wrapped with another hash": func(s *sealed) {
			var err error
			if s.dataKey, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, public, s.key, nil); err != nil {
				t.Fatal(err)
			}
		},
		"wrapped with a label": func(s *sealed) {
			var err error
			if s.dataKey, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, public, s.key, []byte("x")); err != nil {
				t.Fatal(err)
			}
		},
		"a key of 16 bytes": func(s *sealed) { s.key = s.key[:16]; s.sign(); s.wrap(t, public) },
		"a key of 31 bytes": func(s *sealed) { s.key = s.key[:31]; s.sign(); s.wrap(t, public) },
		"a key of 33 bytes": func(s *sealed) { s.key = append(bytes.Clone(s.key), 1); s.sign(); s.wrap(t, public) },
		"a key of 31 bytes, the last one 0 and left out": func(s *sealed) {
			short := sealKey(t, public, append(bytes.Repeat([]byte{7}, 31), 0), plain16)
			short.key = short.key[:31] // the signature is the same: HMAC fills up with zeros
			short.wrap(t, public)
			*s = short
		},
		"a key of 33 bytes, the last one left over": func(s *sealed) {
			long := sealKey(t, public, bytes.Repeat([]byte{7}, 32), plain16)
			long.key = append(bytes.Clone(long.key), 8)
			long.wrap(t, public)
			*s = long
		},
		"a key of zeros, wrapped wrongly": func(s *sealed) {
			*s = sealKey(t, public, make([]byte, 32), plain16)
			s.dataKey = flipped(s.dataKey, 9, 1)
		},
		"an empty key": func(s *sealed) { s.key = nil; s.sign(); s.wrap(t, public) },
	} {
		s := good
		change(&s)
		refused(what, s)
	}
	if got, err := keys.Open(good.item(t, c)); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the untouched one: %q, %v", got, err)
	}
}

// TestWrongPaddingIsRefused although key and signature are right.
func TestWrongPaddingIsRefused(t *testing.T) {
	keys := knownKeys(t)
	c := keys.Current()
	public := publicOf(t, c)
	block := func(ends ...byte) []byte {
		return append(bytes.Repeat([]byte{'x'}, 32-len(ends)), ends...)
	}
	for what, plain := range map[string][]byte{
		"0":                       block(0),
		"17":                      block(bytes.Repeat([]byte{17}, 17)...),
		"32":                      bytes.Repeat([]byte{32}, 32),
		"255":                     block(255),
		"2, but 1 before":         block(1, 2),
		"2, but 3 before":         block(3, 2),
		"16, the first of them 0": block(append([]byte{0}, bytes.Repeat([]byte{16}, 15)...)...),
		"16, but one amidst":      block(16, 16, 16, 16, 16, 16, 16, 16, 15, 16, 16, 16, 16, 16, 16, 16),
	} {
		if got, err := keys.Open(seal(t, public, plain, false).item(t, c)); err != ErrUndecipherable || got != nil {
			t.Errorf("padding %s: %q, %v", what, got, err)
		}
	}
	for n := 1; n <= 16; n++ {
		plain := block(bytes.Repeat([]byte{byte(n)}, n)...)
		if got, err := keys.Open(seal(t, public, plain, false).item(t, c)); err != nil || len(got) != 32-n {
			t.Errorf("padding %d: %q, %v", n, got, err)
		}
	}
}

func TestBase64MustBeExact(t *testing.T) {
	keys := knownKeys(t)
	body := string(read(t, "delivery.json"))
	item := &parse(t, body).Items[0]
	data, key := item.data, item.dataKey
	if !strings.HasSuffix(key, "==") {
		t.Fatal("256 bytes end in ==")
	}
	for what, changed := range map[string]string{
		"no padding":        strings.Replace(body, key, strings.TrimRight(key, "="), 1),
		"URL form":          strings.Replace(body, data, strings.NewReplacer("+", "-", "/", "_").Replace(data)+"-_", 1),
		"unused bits":       strings.Replace(body, key, key[:len(key)-3]+string(key[len(key)-3]+1)+"==", 1),
		"spaces":            strings.Replace(body, data, data[:4]+"    "+data[4:], 1),
		"something behind":  strings.Replace(body, data, data+"====", 1),
		"not base64 at all": strings.Replace(body, data, "<<--EncryptedContent-->>", 1),
	} {
		if changed == body {
			t.Fatalf("%s: nothing was changed", what)
		}
		if got, err := keys.Open(&parse(t, changed).Items[0]); err != ErrUndecipherable || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestContentOfTheLargestSizeOpens(t *testing.T) {
	keys := knownKeys(t)
	plain := bytes.Repeat([]byte("0123456789abcdef"), MaxContent/4*3/16-1)
	s := seal(t, publicOf(t, keys.Current()), plain, true)
	if n := base64.StdEncoding.EncodedLen(len(s.data)); n > MaxContent || n < MaxContent-64 {
		t.Fatal(n)
	}
	if got, err := keys.Open(s.item(t, keys.Current())); err != nil || !bytes.Equal(got, plain) {
		t.Error(err)
	}
}
