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
	"strings"

	"causeway/bridge"
)

// Keys are made from the key file: one proves that a post is Causeway's own, one seals tokens at rest, one proves that
// somebody may read the key file, one signs what goes to people and comes back.
type Keys struct {
	post   []byte
	seal   cipher.AEAD
	reader []byte
	sign   []byte
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
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != keySize {
		return Keys{}, fmt.Errorf("the key file %s is damaged: restore it from a backup; a new one cannot open what is sealed with it", path)
	}
	return NewKeys(secret)
}

// createKeyFile makes the file whole or not at all; of two processes that try, one does.
func createKeyFile(path string) ([]byte, error) {
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails
	text := []byte(base64.StdEncoding.EncodeToString(secret) + "\n")
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
func NewKeys(secret []byte) (Keys, error) {
	post, err := hkdf.Key(sha256.New, secret, nil, "causeway post key", 32)
	if err != nil {
		return Keys{}, err
	}
	seal, err := hkdf.Key(sha256.New, secret, nil, "causeway vault", 32)
	if err != nil {
		return Keys{}, err
	}
	reader, err := hkdf.Key(sha256.New, secret, nil, "causeway reader of the key file", 32)
	if err != nil {
		return Keys{}, err
	}
	sign, err := hkdf.Key(sha256.New, secret, nil, "causeway links and buttons", 32)
	if err != nil {
		return Keys{}, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return Keys{}, err
	}
	gcm, err := cipher.NewGCM(block)
	return Keys{post: post, seal: gcm, reader: reader, sign: sign}, err
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
	return k.seal.Open(nil, sealed[:n], sealed[n:], []byte(account+"\x00"+name))
}

// check makes sure that the store was made with the same key file: with another one, no post of Causeway's own would be
// recognised.
func (k Keys) check(ctx context.Context, conn *sql.Conn) error {
	const account, name = "", "key file"
	var sealed []byte
	err := conn.QueryRowContext(ctx, "SELECT sealed FROM vault WHERE account = $1 AND name = $2", account, name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = conn.ExecContext(ctx, "INSERT INTO vault (account, name, sealed) VALUES ($1, $2, $3)", account, name, k.sealed(account, name, []byte("the same")))
		return err
	}
	if err != nil {
		return err
	}
	if _, err := k.opened(account, name, sealed); err != nil {
		return errors.New("it belongs to another key file: restore that one from a backup (KeyFile in [storage]), or move the database away to begin anew")
	}
	return nil
}
