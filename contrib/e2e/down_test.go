package e2e

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// bridged is what was said on both sides and has crossed, before people change it.
type bridged struct {
	*pair
	t *testing.T
	// posts are the ids of #m0., #m1. … in Mattermost, messages those of #t0., #t1. … in Teams.
	posts, messages []string
	// copies are the ids of their copies on the other side, by their tokens.
	copies map[string]string
}

// bridge says n things on each side and waits until they have crossed.
func (p *pair) bridge(t *testing.T, n int) *bridged {
	t.Helper()
	b := &bridged{pair: p, t: t, copies: map[string]string{}}
	for i := range n {
		post, message := b.say(fmt.Sprintf("m%d. said before", i), fmt.Sprintf("t%d. said before", i))
		b.posts, b.messages = append(b.posts, post), append(b.messages, message)
	}
	p.judge(t, 2*n)
	for _, post := range p.mm.Admin.Read(t, p.channel) {
		if post.UserId == p.bot.Id {
			b.copies[token.FindString(post.Message)] = post.Id
		}
	}
	for _, m := range p.relayed() {
		b.copies[token.FindString(m.Text)] = m.ID
	}
	return b
}

func (b *bridged) must(all ...error) {
	b.t.Helper()
	if err := errors.Join(all...); err != nil {
		b.t.Fatal(err)
	}
}

// say says something new on each side.
func (b *bridged) say(here, there string) (post, message string) {
	b.t.Helper()
	message, err := b.sim.Say(b.others[0], b.team, "#"+there)
	b.must(err)
	return b.people[0].Post(b.t, b.channel, "#"+here).Id, message
}

// edit, remove, answer and react do that to number i on each side.
func (b *bridged) edit(i int) {
	b.t.Helper()
	text := fmt.Sprintf("#m%d. was edited", i)
	_, _, err := b.people[0].Client.PatchPost(b.t.Context(), b.posts[i], &model.PostPatch{Message: &text})
	b.must(err, b.sim.Edit(b.others[0], b.team, b.messages[i], fmt.Sprintf("#t%d. was edited", i)))
}

func (b *bridged) remove(i int) {
	b.t.Helper()
	_, err := b.people[0].Client.DeletePost(b.t.Context(), b.posts[i])
	b.must(err, b.sim.Delete(b.others[0], b.team, b.messages[i]))
}

func (b *bridged) answer(i int) {
	b.t.Helper()
	b.people[1].Reply(b.t, &model.Post{Id: b.posts[i], ChannelId: b.channel.Id}, fmt.Sprintf("#ma%d. an answer", i))
	_, err := b.sim.Reply(b.others[1], b.team, b.messages[i], fmt.Sprintf("#ta%d. an answer", i))
	b.must(err)
}

// react is done to what was said on each side, and to its copy on the other.
func (b *bridged) react(i int) {
	b.t.Helper()
	here := func(post, emoji string) error {
		_, _, err := b.people[1].Client.SaveReaction(b.t.Context(), &model.Reaction{UserId: b.people[1].Id, PostId: post, EmojiName: emoji})
		return err
	}
	b.must(here(b.posts[i], "tada"), here(b.copies[fmt.Sprintf("#t%d.", i)], "heart"),
		b.sim.React(b.others[1], b.team, b.messages[i], "👍"), b.sim.React(b.others[1], b.team, b.copies[fmt.Sprintf("#m%d.", i)], "❤️"))
}

// TestWhatHappensWhileCausewayIsDownArrives changes what was bridged before, on both sides: while Causeway is not running,
// and again when it has been started anew.
func TestWhatHappensWhileCausewayIsDownArrives(t *testing.T) {
	t.Parallel()
	p := newPair(t, harness.Shared(t).Mattermost, 2)
	p.begin(t)
	b := p.bridge(t, 8)
	change := func(first int) {
		b.edit(first)
		b.remove(first + 1)
		b.answer(first + 2)
		b.react(first + 3)
	}
	p.causeway.Kill(t)
	change(0)
	p.run(t)
	p.alike(t)
	change(4)
	p.alike(t)
	p.judge(t, 2*8)
}

// TestALongOutageIsCaughtUp has 1,300 new messages, 300 edits, and 50 deletions, reactions and answers in old threads made on
// each side while Causeway is not running: more than Mattermost gives in one answer.
func TestALongOutageIsCaughtUp(t *testing.T) {
	t.Parallel()
	const fresh, edits, others = 1300, 300, 50
	p := newPair(t, harness.Shared(t).Mattermost, 2)
	p.begin(t)
	b := p.bridge(t, edits+3*others)
	p.causeway.Kill(t)
	for i := range fresh {
		b.say(fmt.Sprintf("mn%d. new", i), fmt.Sprintf("tn%d. new", i))
		switch {
		case i < edits:
			b.edit(i)
		case i < edits+others:
			b.remove(i)
		case i < edits+2*others:
			b.react(i)
		case i < edits+3*others:
			b.answer(i)
		}
	}
	p.run(t)
	p.judge(t, 2*(edits+3*others-others+fresh+others))
	p.alike(t)
}
