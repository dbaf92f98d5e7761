package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"strings"

	"causeway/bridge"
	"causeway/gateway/store"
)

const (
	// codeLetters are those that nobody takes for another one.
	codeLetters = "ABCDEFGHJKMNPQRTUVWXYZ2346789"
	codeLength  = 8
	// codeTries are how many wrong codes a walk bears.
	codeTries = 5
)

// newCode gives a code that people can type.
func newCode() string {
	var code []byte
	b := make([]byte, 1)
	for len(code) < codeLength {
		_, _ = rand.Read(b)                                            // never fails
		if n := int(b[0]); n < 256/len(codeLetters)*len(codeLetters) { // each letter equally often
			code = append(code, codeLetters[n%len(codeLetters)])
		}
	}
	return string(code)
}

// shownCode gives a code as people read it.
func shownCode(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// typedCode understands what people type.
func typedCode(words []string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(strings.Join(words, "")))
}

// Errors of confirm.
var (
	errNothingToConfirm = errors.New("nothing waits for a code")
	errWrongCode        = errors.New("wrong code")
	errCodesUsedUp      = errors.New("too many wrong codes")
)

// confirm takes a code that a user has typed at home. It holds for their own walk only, whoever has told them.
func (p *People) confirm(ctx context.Context, home Account, u bridge.UserID, code string) error {
	stored, err := p.o.Store.WalkOf(ctx, home.Name, u)
	if err != nil {
		return err
	}
	result := errNothingToConfirm
	_, err = p.change(ctx, stored.ID, func(w *walk) error {
		switch result = nil; {
		case w.Step != atCode:
			result = errNothingToConfirm
		case subtle.ConstantTimeCompare([]byte(w.Code), []byte(code)) == 1:
			w.Step, w.Code, w.Form = atEnd, "", rand.Text()
		default:
			w.Tries++
			if result = errWrongCode; w.Tries >= codeTries {
				result = errCodesUsedUp
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrNoWalk) {
		return errNothingToConfirm
	}
	if err != nil {
		return err
	}
	if errors.Is(result, errCodesUsedUp) {
		return errors.Join(result, p.o.Store.EndWalk(ctx, stored.ID))
	}
	return result
}
