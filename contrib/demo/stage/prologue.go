package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/contrib/demo/town"
)

// prologue is a short conversation, so that there is something to look at: of people who have connected their accounts, and of others.
func (s *Stage) prologue(ctx context.Context) error {
	left, right := s.Town.Side(town.Left), s.Town.Side(town.Right)
	here, there := left.Conversations()[0].ID, right.Conversations()[0].ID
	var lunch, talk string
	return inTurn(ctx,
		func() error {
			id, err := left.Say(ctx, town.Draft{Person: s.here(alice), Conversation: here,
				Text: "Good morning! Version **2.4** is ready for a last look. The list:\n- tests are green\n- release notes?"})
			return s.answered(ctx, town.Left, id, err, func(id string) error {
				return right.React(ctx, s.there(berta), there, id, "🎉", true)
			})
		},
		func() error {
			id, err := right.Say(ctx, town.Draft{Person: s.there(bob), Conversation: there,
				Text:     `<p>Morning, Alice! I have the notes, <strong>done by ten</strong>. <at id="0">` + berta.Name + `</at>, can you read them?</p>`,
				Mentions: []string{s.there(berta)}})
			return s.answered(ctx, town.Right, id, err, func(id string) error {
				return left.React(ctx, s.here(mei), here, id, "👍", true)
			})
		},
		func() (err error) {
			lunch, err = left.Say(ctx, town.Draft{Person: s.here(mei), Conversation: here, Text: "Where shall we have lunch?"})
			return s.answered(ctx, town.Left, lunch, err, func(root string) error {
				_, err := right.Say(ctx, town.Draft{Person: s.there(sofia), Conversation: there, Root: root, Text: "<p>The soup place?</p>"})
				return err
			})
		},
		func() error {
			_, err := left.Say(ctx, town.Draft{Person: s.here(amir), Conversation: here, Root: lunch, Text: "Closed on Mondays. `pizza --now`"})
			return err
		},
		func() (err error) {
			talk, err = s.Town.Open(ctx, town.Left, s.here(alice), []string{s.here(bob)})
			return err
		},
		func() error {
			id, err := left.Say(ctx, town.Draft{Person: s.here(alice), Conversation: talk, Text: "Between us: will the customer like it?"})
			return s.answered(ctx, town.Left, id, err, func(string) error {
				_, err := right.Say(ctx, town.Draft{Person: s.there(bob), Conversation: s.Town.Twin(talk), Text: "<p>She has <em>seen</em> it. She does.</p>"})
				return err
			})
		},
	)
}

// here gives somebody's id in Mattermost, there that in Teams.
func (s *Stage) here(r Role) string {
	return s.Town.Side(town.Left).People()[slices.Index(InMattermost, r)].ID
}

func (s *Stage) there(r Role) string {
	return s.Town.Side(town.Right).People()[slices.Index(inTeams, r)].ID
}

// inTurn does one thing after the other, with a moment between them.
func inTurn(ctx context.Context, acts ...func() error) error {
	for _, act := range acts {
		if err := act(); err != nil {
			return fmt.Errorf("beginning the conversation: %w", err)
		}
		if !pause(ctx, 150*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

// answered waits until what was said is on the other side, and calls then with its id there; err says why it could not be said.
func (s *Stage) answered(ctx context.Context, where town.Place, id string, err error, then func(id string) error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		changed := s.Town.Changed.Wait()
		if twin := s.Town.TwinOf(where, id); twin != "" {
			return then(twin)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.New("a message does not cross")
		}
	}
}
