package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// begin signs the relay account in, starts Causeway, connects people, and has somebody say a first word everywhere.
func (w *world) begin() {
	if w.plan.Store == storeSQLite {
		w.openDisk()
	} else {
		w.openDatabase()
	}
	w.login()
	for _, i := range w.instances {
		i.Process = harness.StartProcess(w.tb, w.command(i, "run"))
	}
	w.instances[0].WaitForHTTP(w.tb, w.origin+"/readyz")
	for _, m := range w.members {
		if m.connected() {
			w.connect(m)
		}
	}
	w.firstWords()
}

func (w *world) login() {
	login := harness.StartProcess(w.tb, w.command(w.instances[0], "login", "msteams.contoso"))
	for deadline := time.Now().Add(harness.Patience); len(w.sim.UserCodes()) == 0; {
		if time.Now().After(deadline) || !login.Running() {
			w.tb.Fatalf("login shows no code:\n%s", login.Output())
		}
		w.sleep(20 * time.Millisecond)
	}
	w.must("signing the relay account in", w.sim.ApproveDevice(w.sim.UserCodes()[0], w.relay))
	if exit := login.Wait(w.tb); exit != 0 {
		w.tb.Fatalf("login: exit code %d:\n%s", exit, login.Output())
	}
}

// firstWords opens all places. What is said before a channel has begun is not carried, so something is said in each until it crosses.
func (w *world) firstWords() {
	ctx := w.tb.Context()
	for _, v := range w.places {
		if v.talk {
			continue
		}
		w.until("the beginning of "+v.name, func() string {
			if _, err := w.sim.Say(w.members[0].there, v.chat, "<p>is anybody there?</p>"); err != nil {
				return err.Error()
			}
			w.members[0].here.Post(w.tb, &model.Channel{Id: v.channel}, "is anybody here?")
			w.sleep(time.Second)
			here, there := w.crossed(ctx, v)
			if !here || !there {
				return fmt.Sprintf("crossed to Mattermost: %v, to Teams: %v", here, there)
			}
			return ""
		})
	}
	for _, a := range w.plan.Acts {
		if a.At < 0 {
			if v := w.places[a.Place]; v.talk && a.Side == Teams {
				v.chat = w.openChat(v)
			}
			w.perform(ctx, a)
		}
	}
	w.until("the first words", func() string {
		for _, v := range w.places {
			if chats := w.chats(v); v.chat == nil && len(chats) > 0 {
				v.chat = chats[0]
			}
			if v.chat == nil {
				return v.name + " is not in Teams yet"
			}
		}
		seen, err := w.look(ctx)
		if err != nil {
			return err.Error()
		}
		if v := judge(w.ledger.expected(), seen); v.broken(false) {
			return strings.Join(v.wrong, "\n")
		}
		return ""
	})
}

// crossed tells whether what was said to begin with stands on the other side.
func (w *world) crossed(ctx context.Context, v *venue) (here, there bool) {
	posts, err := w.posts(ctx, w.servers.mattermost.Admin.Client, v.channel, false)
	w.must("reading "+v.name, err)
	here = slices.ContainsFunc(posts, func(p *model.Post) bool { return strings.Contains(p.Message, "anybody there") })
	there = slices.ContainsFunc(w.sim.Messages(v.chat), func(m teams.Message) bool { return strings.Contains(m.Text, "anybody here") })
	return here, there
}

func (w *world) openChat(v *venue) *teams.Channel {
	var people []*teams.User
	for _, n := range v.people {
		people = append(people, w.members[n].there)
	}
	return w.tenant.AddChat(people...)
}

// until waits until wrong says nothing.
func (w *world) until(what string, wrong func() string) {
	w.tb.Helper()
	for deadline := time.Now().Add(harness.Patience); ; {
		problem := wrong()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) || !w.sleep(200*time.Millisecond) {
			w.tb.Fatalf("%s: %s", what, problem)
		}
	}
}

// state is what Causeway says of itself.
type state struct{ waiting, quarantined int }

// asksOne reads the numbers of an instance, which has none while it stands by.
func (w *world) asksOne(ctx context.Context, i *instance) (s state, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.address+"/metrics", nil)
	if err != nil {
		return s, err
	}
	r.Header.Set("Authorization", "Bearer "+w.secret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return s, fmt.Errorf("asking Causeway for its numbers: %w", err)
	}
	defer answer.Body.Close()
	found := 0
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case strings.HasPrefix(name, "causeway_waiting{"):
			s.waiting += int(n)
			found++
		case strings.HasPrefix(name, "causeway_quarantined{"):
			s.quarantined += int(n)
		}
	}
	if found == 0 {
		return s, fmt.Errorf("asking Causeway for its numbers: %s, and none that says what is waiting", answer.Status)
	}
	return s, nil
}
