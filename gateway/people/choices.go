package people

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// choiceLife is how long a button can be pressed.
const choiceLife = 30 * 24 * time.Hour

// answer does what a button is for, and gives what the person is told.
type answer func(ctx context.Context, p pressed) bridge.Reply

// pressed is a button of Causeway's own, pressed by the one it was made for.
type pressed struct {
	home     Account
	user     bridge.UserID
	argument string
}

// choice makes a button for a user of an account, and for nobody else: what it does is in p.answers under its purpose, which is a word.
func (p *People) choice(a bridge.AccountName, u bridge.UserID, label, purpose, argument string) bridge.Choice {
	stamp := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(choiceLife).Unix()))
	proof := append(stamp, p.choiceProof(a, u, purpose, argument, stamp)...)
	return bridge.Choice{Label: label, Token: purpose + "." + base64.RawURLEncoding.EncodeToString(proof) + "." + argument}
}

func (p *People) choiceProof(a bridge.AccountName, u bridge.UserID, purpose, argument string, stamp []byte) []byte {
	return p.o.Store.Keys().Signature("button", string(a), string(u), purpose, argument, string(stamp))
}

// chosen gives what a token says, when it was made for this user and is still good.
func (p *People) chosen(a bridge.AccountName, u bridge.UserID, token string) (purpose, argument string, ok bool) {
	purpose, rest, _ := strings.Cut(token, ".")
	text, argument, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	const stamp = 8
	if err != nil || len(raw) != stamp+store.SignatureSize {
		return "", "", false
	}
	if !p.o.Store.Keys().Signed(raw[stamp:], "button", string(a), string(u), purpose, argument, string(raw[:stamp])) {
		return "", "", false
	}
	return purpose, argument, time.Now().Before(time.Unix(int64(binary.BigEndian.Uint64(raw)), 0))
}

// press does what a button is for.
func (p *People) press(ctx context.Context, home Account, in bridge.Press) bridge.Reply {
	purpose, argument, ok := p.chosen(home.Name, in.User, in.Token)
	do := p.answers[purpose]
	if !ok || do == nil {
		return bridge.Reply{Text: richtext.Plain("This button does not work any more. Type " + p.call(home, "help") + " for what you can do.")}
	}
	return do(ctx, pressed{home: home, user: in.User, argument: argument})
}
