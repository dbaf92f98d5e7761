package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causeway/contrib/sim/teams"
)

// play is what people do.
type play struct {
	*demo
	world    *world
	causeway *causeway
	screen   *screen
	watch    *watcher
}

// script is the conversation that the demonstration plays. It returns when all of it has crossed.
func (p *play) script(ctx context.Context) error {
	p.screen.titles()
	for _, act := range []func(context.Context) error{p.talk, p.lookAtThreads, p.killed} {
		if err := act(ctx); err != nil {
			return err
		}
		if err := p.watch.settled(ctx, p.patience); err != nil {
			return err
		}
		if err := p.causeway.ended(); err != nil {
			return err
		}
	}
	said, crossed, median := p.watch.summary()
	p.screen.heading(fmt.Sprintf("%d messages said, %d things crossed (half of them within %v): 0 lost, 0 twice, 0 out of order",
		said, crossed, median.Round(time.Millisecond)))
	return nil
}

// then lets what was done cross, and gives one time to read it.
func (p *play) then(ctx context.Context) error {
	if err := p.watch.settled(ctx, p.patience); err != nil {
		return err
	}
	pause(ctx, p.pace)
	return ctx.Err()
}

// talk is a conversation in which texts are edited, deleted and reacted to.
func (p *play) talk(ctx context.Context) error {
	m, t, general := p.world.mattermost, p.world.teams, p.world.team.General
	bob, berta := p.world.people["bob"], p.world.people["berta"]
	var question, answer, slip string
	return p.steps(ctx, []func() error{
		func() (err error) {
			question, err = m.Post("alice", town, "Good morning! Is anybody **there**?")
			return err
		},
		func() (err error) {
			answer, err = t.Say(bob, general, "<p>Good morning, Alice. I read you <em>loud and clear</em>.</p>")
			return err
		},
		func() error { return m.Edit("alice", question, "Good morning! Is anybody on the **Teams** side?") },
		func() error {
			id, err := p.watch.copyOf(left, question)
			if err != nil {
				return err
			}
			return t.React(berta, general, id, "👍")
		},
		func() error {
			id, err := p.watch.copyOf(right, answer)
			if err != nil {
				return err
			}
			return m.React("amir", id, "tada")
		},
		func() (err error) {
			slip, err = t.Say(berta, general, "My password is 1234. Oops.", teams.Plain())
			return err
		},
		func() error { return t.Delete(berta, general, slip) },
	})
}

// lookAtThreads is a thread that begins on one side and goes on over both.
func (p *play) lookAtThreads(ctx context.Context) error {
	m, t, general := p.world.mattermost, p.world.teams, p.world.team.General
	var lunch, there string
	return p.steps(ctx, []func() error{
		func() (err error) { lunch, err = m.Post("amir", town, "Where shall we have lunch?"); return err },
		func() (err error) {
			if there, err = p.watch.copyOf(left, lunch); err != nil {
				return err
			}
			_, err = t.Reply(p.world.people["bob"], general, there, "The soup place?", teams.Plain())
			return err
		},
		func() (err error) { _, err = m.Reply("alice", lunch, "Closed on Mondays. `pizza --now`"); return err },
		func() (err error) {
			_, err = t.Reply(p.world.people["berta"], general, there, "<ul><li>pizza</li><li>or noodles</li></ul>")
			return err
		},
	})
}

// steps does one thing after the other, each when the one before has crossed.
func (p *play) steps(ctx context.Context, all []func() error) error {
	for _, step := range all {
		if err := step(); err != nil {
			return err
		}
		if err := p.then(ctx); err != nil {
			return err
		}
	}
	return nil
}

// killed kills Causeway while messages are on their way, and lets people go on meanwhile.
func (p *play) killed(ctx context.Context) error {
	m, t, general := p.world.mattermost, p.world.teams, p.world.team.General
	bob, berta := p.world.people["bob"], p.world.people["berta"]
	old, err := m.Post("alice", town, "The release is at noon.")
	if err != nil {
		return err
	}
	if err := p.then(ctx); err != nil {
		return err
	}
	p.screen.note("\n$ kill -9    (Causeway is gone, in the middle of six messages; people go on talking)")
	for i, word := range strings.Fields("one two three") {
		if _, err := m.Post("alice", town, "Counting from Mattermost: "+word); err != nil {
			return err
		}
		if _, err := t.Say(bob, general, "Counting from Teams: "+word, teams.Plain()); err != nil {
			return err
		}
		if i == 1 {
			p.causeway.kill()
		}
	}
	for _, act := range []func() error{
		func() error { return m.Edit("alice", old, "The release is at noon. Correction: at two.") },
		func() error {
			_, err := t.Say(berta, general, "Does anybody still hear me?", teams.Plain())
			return err
		},
		func() error { return m.React("amir", old, "eyes") },
		func() error { _, err := m.Reply("amir", old, "Two is better."); return err },
	} {
		if err := act(); err != nil {
			return err
		}
		pause(ctx, p.pace)
	}
	p.screen.note("\n$ causeway run    (again; what it was writing when it died is looked for in Teams first, after some seconds, lest it come twice)")
	return p.causeway.start()
}
