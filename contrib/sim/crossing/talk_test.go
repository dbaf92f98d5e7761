package crossing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// utterance is something that somebody has said.
type utterance struct {
	// token stands at its beginning, in every version.
	token string
	teams bool // said in Teams, else on the other side
	// by is who said it, in Teams.
	by      *teams.User
	id      string
	root    *utterance
	answers int
	deleted bool
	// emoji are what people have set, each once.
	emoji []string
}

// talk lets people on both sides say, answer, edit, delete and react for a while. What has answers is not deleted.
func (w *world) talk(dice *rand.Rand, during time.Duration) {
	w.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Duration(dice.IntN(20_000)) * time.Millisecond) {
		n := dice.IntN(10)
		recent := slices.DeleteFunc(slices.Clone(w.said[max(0, len(w.said)-12):]), func(u *utterance) bool { return u.deleted })
		if n < 4 || len(recent) == 0 {
			w.say(dice, dice.IntN(4) > 0, nil)
			continue
		}
		u := recent[dice.IntN(len(recent))]
		switch {
		case n < 6 && u.root == nil:
			w.say(dice, u.teams, u)
		case n < 8:
			w.edit(u, fmt.Sprintf("%s edited %d", u.token, dice.IntN(1000)))
		case n == 8:
			w.react(u, []string{"👍", "🎉"}[dice.IntN(2)])
		case u.answers == 0:
			w.remove(u)
		}
	}
}

func (w *world) say(dice *rand.Rand, inTeams bool, root *utterance) {
	w.Helper()
	u := &utterance{token: fmt.Sprintf("#%d.", len(w.said)), teams: inTeams, by: w.people[dice.IntN(2)], root: root}
	text := u.token + " said"
	var err error
	switch {
	case inTeams && root == nil:
		u.id, err = w.teams.Say(u.by, w.general, "<p>"+text+"</p>")
	case inTeams:
		u.id, err = w.teams.Reply(u.by, w.general, root.id, "<p>"+text+"</p>")
	case root == nil:
		u.id = string(w.other.Say(town, "ann", text))
	default:
		u.id = string(w.other.Reply(town, bridge.MessageID(root.id), "ben", text))
	}
	w.do(err)
	if root != nil {
		root.answers++
	}
	w.said = append(w.said, u)
}

func (w *world) edit(u *utterance, text string) {
	w.Helper()
	if u.teams {
		w.do(w.teams.Edit(u.by, w.general, u.id, "<p>"+text+"</p>"))
		return
	}
	w.other.Edit(town, bridge.MessageID(u.id), text)
}

// react sets a reaction, or takes it back.
func (w *world) react(u *utterance, emoji string) {
	w.Helper()
	at := slices.Index(u.emoji, emoji)
	if at < 0 {
		u.emoji = append(u.emoji, emoji)
	} else {
		u.emoji = slices.Delete(u.emoji, at, at+1)
	}
	switch who := w.people[1]; {
	case u.teams && at < 0:
		w.do(w.teams.React(who, w.general, u.id, emoji))
	case u.teams:
		w.do(w.teams.Unreact(who, w.general, u.id, emoji))
	case at < 0:
		w.other.React(town, bridge.MessageID(u.id), "cyd", emoji)
	default:
		w.other.Unreact(town, bridge.MessageID(u.id), "cyd", emoji)
	}
}

func (w *world) remove(u *utterance) {
	w.Helper()
	u.deleted = true
	if u.teams {
		w.do(w.teams.Delete(u.by, w.general, u.id))
		return
	}
	w.other.Delete(town, bridge.MessageID(u.id))
}
