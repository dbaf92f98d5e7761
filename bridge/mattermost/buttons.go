package mattermost

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// vaultButtons is where the key is kept that proves buttons.
const vaultButtons = "buttons"

// longestToken is the longest [bridge.Choice].Token.
const longestToken = 2000

// pressed is the context of a button. The server shows it to nobody, and sends it along when the button is pressed, without any
// signature of its own: so proof, made with a key of this installation, shows that it is the server who says so.
type pressed struct {
	Token string `json:"token"`
	// Stored: the button stands in a stored post, which can be changed; an ephemeral one cannot.
	Stored bool   `json:"stored"`
	Proof  string `json:"proof"`
}

func (p pressed) sum(key []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "button\x00%t\x00%s", p.Stored, p.Token) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (p pressed) authentic(key []byte) bool {
	return len(p.Token) <= longestToken && hmac.Equal([]byte(p.Proof), []byte(p.sum(key)))
}

// buttonsKey is the key of buttons as it was read from the vault.
type buttonsKey struct {
	key  []byte
	read time.Time
}

// buttonKey gives the key, made when it is needed first. Forged presses in any number cost one reading in a while; not one for ever, as of two instances
// that make it at the same time the later one has it stored.
func (a *account) buttonKey(ctx context.Context) ([]byte, error) {
	if known := a.buttonsKey.Load(); known != nil && time.Since(known.read) < rereads {
		return known.key, nil
	}
	done, err := a.actors.turns.take(ctx, vaultButtons)
	if err != nil {
		return nil, err
	}
	defer done()
	key, err := a.vault.Load(ctx, vaultButtons)
	if err != nil {
		return nil, wrap("reading the key of buttons", err)
	}
	if key == nil {
		key = make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
		if err := a.vault.Save(ctx, vaultButtons, key); err != nil {
			return nil, wrap("storing the key of buttons", err)
		}
	}
	a.buttonsKey.Store(&buttonsKey{key, time.Now()})
	return key, nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// buttons shows choices as the actions of a message attachment; nil when there are none. Ids of actions are letters and digits: a
// dash would make the server answer a press with 404.
func (a *account) buttons(ctx context.Context, choices []bridge.Choice, stored bool) ([]*model.SlackAttachment, error) {
	if len(choices) == 0 {
		return nil, nil
	}
	if a.callback == "" {
		return nil, unsupported("making buttons: the server cannot reach Causeway, as neither CallbackURL nor PublicURL is set")
	}
	key, err := a.buttonKey(ctx)
	if err != nil {
		return nil, err
	}
	row := &model.SlackAttachment{}
	for i, c := range choices {
		context := pressed{Token: c.Token, Stored: stored}
		context.Proof = context.sum(key)
		style := "default"
		if i == 0 {
			style = "primary"
		}
		row.Actions = append(row.Actions, &model.PostAction{
			Id: "choice" + strconv.Itoa(i), Name: c.Label, Type: model.PostActionTypeButton, Style: style,
			Integration: &model.PostActionIntegration{URL: a.callback + pathAction, Context: map[string]any{
				"token": context.Token, "stored": context.Stored, "proof": context.Proof,
			}},
		})
	}
	return []*model.SlackAttachment{row}, nil
}
