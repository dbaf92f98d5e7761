package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"causeway/contrib/sim/teams"
)

const manual = `Now you:
  m alice hello             alice (or amir) says hello in Mattermost
  t bob hi                  bob (or berta) says hi in Teams
  m alice /reply yes        to the last message there
  m alice /edit hello!      alice's own last message
  m alice /delete           the same
  t bob /react 👍           the last message there; in Mattermost by name: m alice /react tada
  kill                      kill -9, and start again
  quit`

// prompt does what is typed until the input or ctx ends.
func (p *play) prompt(ctx context.Context, input *bufio.Scanner) error {
	p.screen.note(manual)
	lines := make(chan string)
	go func() { // ends with the input, or with the process: reading from a terminal cannot be interrupted
		defer close(lines)
		for input.Scan() {
			select {
			case lines <- input.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case line, ok := <-lines:
			if !ok || strings.TrimSpace(line) == "quit" {
				return p.watch.settled(ctx, p.patience)
			}
			if err := p.typed(line); err != nil {
				p.screen.note("! " + err.Error())
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// typed does what one line says.
func (p *play) typed(line string) error {
	where, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	who, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	who, text = strings.ToLower(who), strings.TrimSpace(text)
	switch {
	case where == "":
		return nil
	case where == "kill":
		p.causeway.kill()
		return p.causeway.start()
	case where == "m" && text != "":
		return p.onMattermost(who, text)
	case where == "t" && text != "":
		return p.onTeams(who, text)
	}
	return errors.New("write for example: m alice hello")
}

// verb splits "/edit text".
func verb(text string) (name, rest string) {
	if !strings.HasPrefix(text, "/") {
		return "", text
	}
	name, rest, _ = strings.Cut(text, " ")
	return name, strings.TrimSpace(rest)
}

func (p *play) onMattermost(who, text string) error {
	m := p.world.mattermost
	if who != "alice" && who != "amir" {
		return fmt.Errorf("there is no %q in Mattermost; alice and amir are", who)
	}
	name, rest := verb(text)
	id, err := p.target(left, name, who)
	if err != nil {
		return err
	}
	switch name {
	case "":
		_, err = m.Post(who, town, rest)
	case "/reply":
		_, err = m.Reply(who, id, rest)
	case "/edit":
		err = m.Edit(who, id, rest)
	case "/delete":
		err = m.Delete(who, id)
	case "/react":
		err = m.React(who, id, strings.Trim(rest, ":"))
	}
	return err
}

func (p *play) onTeams(who, text string) error {
	t, general := p.world.teams, p.world.team.General
	u := p.world.people[who]
	if u == nil {
		return fmt.Errorf("there is no %q in Teams; %s are", who, strings.Join(slices.Sorted(maps.Keys(p.world.people)), " and "))
	}
	name, rest := verb(text)
	id, err := p.target(right, name, u.Name)
	if err != nil {
		return err
	}
	switch name {
	case "":
		_, err = t.Say(u, general, rest, teams.Plain())
	case "/reply":
		root := id
		if message, ok := t.Message(general, id); ok && message.RootID != "" {
			root = message.RootID
		}
		_, err = t.Reply(u, general, root, rest, teams.Plain())
	case "/edit":
		err = t.Edit(u, general, id, rest, teams.Plain())
	case "/delete":
		err = t.Delete(u, general, id)
	case "/react":
		err = t.React(u, general, id, rest)
	}
	return err
}

// target gives the message that a verb is about.
func (p *play) target(where side, verb, who string) (string, error) {
	switch verb {
	case "":
		return "", nil
	case "/reply", "/react":
		return p.watch.last(where, "")
	case "/edit", "/delete":
		return p.watch.last(where, who)
	}
	return "", fmt.Errorf("there is no %s; /reply, /edit, /delete and /react are", verb)
}
