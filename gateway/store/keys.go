package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"causeway/bridge"
)

// Keys are made from the key text, in the key file or in the config: one proves that a post is Causeway's own, one seals tokens at
// rest, one proves that somebody may read the key text, one signs what goes to people and comes back.
type Keys struct {
	post   []byte
	seal   cipher.AEAD
	reader []byte
	sign   []byte
	// former may have sealed what is stored: a change of the key has not been finished.
	former []cipher.AEAD
	text   keyText
}

const keySize = 32

// LoadKeys reads the key file; it is created with mode 0600 when absent.
func LoadKeys(path string) (Keys, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = createKeyFile(path)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("reading the key file: %w: set KeyFile in [storage] to a file that Causeway may read and write", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return Keys{}, fmt.Errorf("the key file %s is damaged: restore it from a backup; a new one cannot open what is sealed with it", path)
	}
	return keys, nil
}

// createKeyFile makes the file whole or not at all; of two processes that try, one does.
func createKeyFile(path string) ([]byte, error) {
	text := []byte(keyText{seal: newSecret()}.String())
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // has mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path)
	} else if err != nil { // a file system without links
		err = os.Rename(f.Name(), path)
	}
	return text, err
}

// NewKeys derives the keys from 32 secret bytes.
func NewKeys(secret []byte) (Keys, error) { return keyText{seal: secret}.keys() }

// keys derives them. Each use has a key of its own.
func (t keyText) keys() (Keys, error) {
	k := Keys{text: t}
	var err error
	if k.post, err = hkdf.Key(sha256.New, t.markSecret(), nil, "causeway post key", 32); err != nil {
		return Keys{}, err
	}
	if k.reader, err = hkdf.Key(sha256.New, t.seal, nil, "causeway reader of the key file", 32); err != nil {
		return Keys{}, err
	}
	if k.seal, err = sealer(t.seal); err != nil {
		return Keys{}, err
	}
	if k.sign, err = hkdf.Key(sha256.New, t.seal, nil, "causeway links and buttons", 32); err != nil {
		return Keys{}, err
	}
	for _, secret := range t.former {
		former, err := sealer(secret)
		if err != nil {
			return Keys{}, err
		}
		k.former = append(k.former, former)
	}
	return k, nil
}

func sealer(secret []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "causeway vault", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

const half = 12 // bytes of each half of a key: 96 bits against guessing, 96 against collisions

// postKey gives the key of one part of one instance: a name that the same part always gets, so that a restored
// store makes the same key again, and a proof that holds in its own conversation only.
func (k Keys) postKey(origin bridge.ConversationID, id bridge.MessageID, target bridge.ConversationID, part int, generation int64) bridge.Key {
	name := k.mac("name", string(origin.Server), string(origin.Channel), string(id), string(target.Server), string(target.Channel),
		strconv.Itoa(part), strconv.FormatInt(generation, 10))
	return bridge.Key(base64.RawURLEncoding.EncodeToString(append(name, k.proof(name, target)...)))
}

// authentic reports whether key was made by this installation for conversation c.
func (k Keys) authentic(key bridge.Key, c bridge.ConversationID) bool {
	raw, err := base64.RawURLEncoding.DecodeString(string(key))
	return err == nil && len(raw) == 2*half && hmac.Equal(raw[half:], k.proof(raw[:half:half], c))
}

func (k Keys) proof(name []byte, c bridge.ConversationID) []byte {
	return k.mac("proof", string(name), string(c.Server), string(c.Channel))
}

func (k Keys) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, k.post)
	for _, p := range parts {
		// The length keeps "a","bc" and "ab","c" apart.
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)[:half]
}

func (k Keys) sealed(account, name string, value []byte) []byte {
	nonce := make([]byte, k.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return k.seal.Seal(nonce, nonce, value, []byte(account+"\x00"+name))
}

func (k Keys) opened(account, name string, sealed []byte) ([]byte, error) {
	n := k.seal.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("sealed value is too short")
	}
	value, err := k.seal.Open(nil, sealed[:n], sealed[n:], []byte(account+"\x00"+name))
	for i := 0; err != nil && i < len(k.former); i++ {
		value, err = k.former[i].Open(nil, sealed[:n], sealed[n:], []byte(account+"\x00"+name))
	}
	return value, err
}

// keyFileSeal names what is sealed only to tell whether it can be opened.
const keyFileSeal = "key file"

// check makes sure that the store was made with the same key file: with another one, no post of Causeway's own would be
// recognised.
func (k Keys) check(ctx context.Context, conn *sql.Conn) error {
	const account, name, query = "", keyFileSeal, "SELECT sealed FROM vault WHERE account = $1 AND name = $2"
	var sealed []byte
	err := conn.QueryRowContext(ctx, query, account, name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) { // of several that begin at once, one says it
		if _, err := conn.ExecContext(ctx, "INSERT INTO vault (account, name, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", account, name, k.sealed(account, name, []byte("the same"))); err != nil {
			return err
		}
		err = conn.QueryRowContext(ctx, query, account, name).Scan(&sealed)
	}
	if err != nil {
		return err
	}
	if _, err := k.opened(account, name, sealed); err != nil {
		return errOtherKey
	}
	return nil
}

var errOtherKey = errors.New("it belongs to another key file: restore that one from a backup (KeyFile or Key in [storage]), or move the database away to begin anew")

// Belongs makes sure that a store can be understood, and that what it holds was made with these keys, before anybody waits for their turn to work on it. What cannot be
// read is left to Open. [ErrTooNew], [ErrUnfinished]: it is not a store that this Causeway can work on.
func (k Keys) Belongs(ctx context.Context, dsn string) error {
	db, version, err := readOnly(ctx, dsn)
	switch {
	case errors.Is(err, ErrTooNew), errors.Is(err, ErrUnfinished):
		return fmt.Errorf("opening the store %s: %w", Name(dsn), err)
	case err != nil || version == 0:
		return nil
	}
	defer db.Close()
	var sealed []byte
	if err := db.QueryRowContext(ctx, "SELECT sealed FROM vault WHERE account = '' AND name = $1", keyFileSeal).Scan(&sealed); err != nil {
		return nil
	}
	if _, err := k.opened("", keyFileSeal, sealed); err != nil {
		return fmt.Errorf("opening the store %s: %w", Name(dsn), errOtherKey)
	}
	return nil
}
