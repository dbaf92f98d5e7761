package store

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// keyText is what the key file says: secrets of 32 bytes in base64, separated by white space. The first one seals; as long as the
// key has never been changed it is the only one. "marks:" stands before the one from which the marks in posts are made: it is the first
// ever, since with another one Causeway would not recognise its own posts. "former:" stands before those that may have sealed what
// is stored, while a change of the key is under way.
type keyText struct {
	seal, marks []byte
	former      [][]byte
}

const (
	marksWord  = "marks:"
	formerWord = "former:"
)

var errKeyText = errors.New("it is no key: 32 bytes in base64, as Causeway writes them")

// ParseKeys reads a key text.
func ParseKeys(text string) (Keys, error) {
	var t keyText
	for i, word := range strings.Fields(text) {
		marks, isMarks := strings.CutPrefix(word, marksWord)
		former, isFormer := strings.CutPrefix(word, formerWord)
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimPrefix(word, marksWord), formerWord))
		if err != nil || len(secret) != keySize {
			return Keys{}, errKeyText // its cause could show parts of the key
		}
		switch {
		case i == 0 && !isMarks && !isFormer:
			t.seal = secret
		case i > 0 && isMarks && marks != "" && t.marks == nil:
			t.marks = secret
		case i > 0 && isFormer && former != "":
			t.former = append(t.former, secret)
		default:
			return Keys{}, errKeyText
		}
	}
	if t.seal == nil {
		return Keys{}, errKeyText
	}
	return t.keys()
}

// String gives the text as it stands in the file.
func (t keyText) String() string {
	lines := []string{base64.StdEncoding.EncodeToString(t.seal)}
	if t.marks != nil {
		lines = append(lines, marksWord+base64.StdEncoding.EncodeToString(t.marks))
	}
	for _, f := range t.former {
		lines = append(lines, formerWord+base64.StdEncoding.EncodeToString(f))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (t keyText) markSecret() []byte {
	if t.marks != nil {
		return t.marks
	}
	return t.seal
}

func newSecret() []byte {
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails
	return secret
}
