package town

import (
	"context"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// small is what people say when everybody talks.
var small = []string{
	"The build is green.", "Who has the key to the meeting room?", "Lunch at noon?", "I am on it.", "Shipping it now.",
	"Can somebody review this?", "Done, thanks!", "The customer called again.", "Coffee?", "Numbers look good.",
	"Moving this to tomorrow.", "I have pushed a fix.", "Which version is that?", "Same here.", "Let me check.",
}

// Talk lets everybody on both sides talk at the same time, n messages in all, replies among them, and some are edited or get a reaction. Most are
// said in the first channel, the others in direct and group conversations where there are any. Each begins with its number on that side, so that one can see that they come once and in order. Pace is the mean time
// between two messages of the whole town.
func (t *Town) Talk(ctx context.Context, n int, pace time.Duration, seed uint64) error {
	var sides sync.WaitGroup
	var errs [2]error
	for _, where := range []Place{Left, Right} {
		sides.Go(func() {
			share := n / 2
			if where == Left {
				share = n - n/2
			}
			errs[where] = t.talkOn(ctx, where, share, 2*pace, rand.New(rand.NewPCG(seed, uint64(where))))
		})
	}
	sides.Wait()
	return errors.Join(errs[:]...)
}

// talkOn lets the people of one side talk.
func (t *Town) talkOn(ctx context.Context, where Place, n int, pace time.Duration, random *rand.Rand) error {
	side := t.sides[where]
	said := map[string]Draft{} // by id, to be edited
	var ids []string
	for i := range n {
		c := somewhere(side, random)
		d := Draft{
			Person:       c.Members[random.IntN(len(c.Members))],
			Conversation: c.ID,
			Text:         fmt.Sprintf("%d. %s", i+1, small[random.IntN(len(small))]),
		}
		if where == Left { // not the beginning of a list
			d.Text = fmt.Sprintf("%d · %s", i+1, small[random.IntN(len(small))])
		}
		if random.IntN(6) == 0 {
			d.Root = t.recentRoot(where, d.Conversation)
		}
		id, err := side.Say(ctx, written(where, d))
		if err != nil && d.Root != "" && ctx.Err() == nil { // somebody may have deleted it meanwhile
			d.Root = ""
			id, err = side.Say(ctx, written(where, d))
		}
		if err == nil && len(ids) > 0 {
			err = t.secondThoughts(ctx, side, where, said, ids, random)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("talking on %s: %w", side.Service(), err)
		}
		said[id] = d
		ids = append(ids, id)
		if !pause(ctx, pace/2+time.Duration(random.Int64N(int64(pace)+1))) {
			return nil
		}
	}
	return nil
}

// somewhere gives the first channel, or now and then a direct or group conversation.
func somewhere(side Side, random *rand.Rand) Conversation {
	all := side.Conversations()
	talks := slices.DeleteFunc(slices.Clone(all), func(c Conversation) bool { return c.Kind == Channel })
	if len(talks) > 0 && random.IntN(4) == 0 {
		return talks[random.IntN(len(talks))]
	}
	return all[0]
}

// secondThoughts sometimes edits or reacts to what was said a little earlier.
func (t *Town) secondThoughts(ctx context.Context, side Side, where Place, said map[string]Draft, ids []string, random *rand.Rand) error {
	id := ids[max(0, len(ids)-1-random.IntN(5))]
	d := said[id]
	switch random.IntN(10) {
	case 0:
		d.Text += " (edited)"
		said[id] = d
		return side.Edit(ctx, id, written(where, d))
	case 1:
		for _, c := range side.Conversations() {
			if c.ID == d.Conversation {
				return side.React(ctx, c.Members[random.IntN(len(c.Members))], c.ID, id, Emoji[random.IntN(len(Emoji))].Char, true)
			}
		}
	}
	return nil
}

// written puts plain words into the markup of a side.
func written(where Place, d Draft) Draft {
	if where == Right {
		d.Text = "<p>" + html.EscapeString(d.Text) + "</p>"
	}
	return d
}

// recentRoot gives one of the latest messages that begin a thread, or "".
func (t *Town) recentRoot(where Place, conversation string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range slices.Backward(t.ledger.order[where]) {
		if e.Root == "" && !e.Deleted && e.Conversation == conversation {
			return e.ID
		}
	}
	return ""
}
