package gateway

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

var (
	playSeeds = flag.Int("play.seeds", 2000, "how many random plays")
	playFirst = flag.Uint64("play.first", 1, "seed of the first random play")
	playTrace = flag.Bool("play.trace", false, "print what happens in each play")
)

// TestRandomPlayEndsWithNothingWrong lets people on two services say, answer, edit, delete, restore and react at
// random while every kind of call fails before and after it took effect and the process dies at store writes. When the
// storm is over and the gateway has had time, an oracle that looks only at what people see counts what is wrong.
func TestRandomPlayEndsWithNothingWrong(t *testing.T) {
	var total sums
	var troubles tally
	messages := 0
	for n := range uint64(*playSeeds) {
		seed := *playFirst + n
		synctest.Test(t, func(t *testing.T) {
			p := newPlay(t, seed)
			p.troubles = &troubles
			p.perform()
			got := p.judge()
			messages += len(p.said)
			if got != (sums{}) {
				t.Errorf("seed %d: %+v\n%s", seed, got, strings.Join(p.wrong, "\n")+"\n"+p.seen()+p.stored+p.history.String())
			}
			total.add(got)
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d plays, %d messages: %+v", *playSeeds, messages, total)
	if !t.Failed() && *playSeeds >= 100 {
		troubles.complete(t)
	}
}

// sums count what is wrong at the end; all must be zero.
type sums struct{ missing, doubled, outOfOrder, wrong, undeleted, misplaced, taken, author int }

func (s *sums) add(o sums) {
	s.missing += o.missing
	s.doubled += o.doubled
	s.outOfOrder += o.outOfOrder
	s.wrong += o.wrong
	s.undeleted += o.undeleted
	s.misplaced += o.misplaced
	s.taken += o.taken
	s.author += o.author
}

// side is one of the two services.
type side struct {
	service *memory.Service
	rooms   []bridge.ChannelID
	people  []bridge.UserID
	names   []string
}

// utterance is what the oracle knows about a message that somebody said.
type utterance struct {
	side, room  int
	id          bridge.MessageID
	root        bridge.MessageID
	by          int // of the side's people
	token       string
	long        bool // it was once: in several parts
	rewritten   bool // its copy was edited by hand, so that Causeway writes into the origin
	restored    bool // deleted and brought back: its copy may have been made anew
	deleted     bool // by a person
	byModerator bool // its copy was deleted there
	withdrawn   bool // its copy, written as its author, was deleted there: by them, or together with a root
	certainly   bool // by them, and nothing has been restored since
}

type play struct {
	t      *testing.T
	seed   uint64
	mutex  sync.Mutex // guards random
	random *rand.Rand
	sides  [2]*side
	said   []*utterance
	storm  atomic.Bool
	wrong  []string
	history
	stored   string // what the store held in the end
	keep     *store.Store
	lost     atomic.Bool // acting as ben was refused once
	log      *logrus.Entry
	acts     int // at least so many, and less than four times as many
	crash    float64
	fault    float64
	dies     func(after bool) bool // whether a write to the store, before or after it is on disk, is the process's last
	coarse   [2]bool               // which side's clock ticks once an hour
	steady   bool                  // nobody loses a token
	troubles *tally
}

func newPlay(t *testing.T, seed uint64) *play {
	p := &play{t: t, seed: seed, history: history{began: time.Now()}, random: rand.New(rand.NewPCG(seed, 7))}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	if *playTrace {
		logger.SetOutput(t.Output())
	}
	logger.AddHook(&p.history)
	p.log = logrus.NewEntry(logger)
	p.crash, p.fault = p.float()*0.03, p.float()*0.3
	if seed%8 == 0 {
		p.crash, p.fault = 0, 0 // nothing goes wrong: every service's pace must be kept
	}
	p.acts = 20
	p.dies = func(bool) bool { return p.float() < p.crash }
	rooms := 1 + p.int(2)
	p.steady = p.int(2) == 0
	for n := range p.sides {
		s := &side{service: memory.NewService(bridge.ServerID(fmt.Sprintf("memory:%d", n)), p.options(n))}
		for r := range rooms {
			id := bridge.ChannelID(fmt.Sprintf("room%d", r))
			s.service.AddChannel(id, fmt.Sprintf("team/room%d", r))
			s.rooms = append(s.rooms, id)
		}
		for _, name := range []string{"ann", "ben", "cyd"} {
			u := bridge.UserID(fmt.Sprintf("%s%d", name, n))
			full := fmt.Sprintf("%s of side %d", name, n)
			s.service.AddPerson(bridge.Author{ID: u, Name: full, Username: name})
			s.names = append(s.names, full)
			s.people = append(s.people, u)
		}
		p.sides[n] = s
	}
	return p
}

func (p *play) options(n int) memory.Options {
	o := memory.Options{
		DeleteTakesReplies:  p.int(2) == 0,
		DeleteKeepsRevision: p.int(2) == 0,
		Settle:              time.Duration(p.int(3)) * time.Second,
		Skew:                time.Duration(p.int(11)-5) * time.Second,
		BatchSize:           1 + p.int(20),
		MaxText:             700,
		Feed:                memory.Feed{Seed: p.seed + uint64(n), Repeat: 0.2 * p.float(), Stale: 0.2 * p.float(), Ahead: 0.2 * p.float()},
		Fault:               p.fail,
	}
	if p.int(2) == 0 {
		o.Normalize = memory.CollapseSpaces
	}
	if p.int(3) == 0 {
		o.Tick = time.Hour
		p.coarse[n] = true
	}
	if p.int(4) == 0 {
		o.PostInterval = time.Second
	}
	return o
}

func (p *play) int(n int) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.random.IntN(n)
}

func (p *play) float() float64 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.random.Float64()
}

// The people of each side, by their place. Ann is one person on both sides, and stays connected. Ben is, too, and loses his
// tokens now and then. Cyd is somebody else on each side.
const (
	ann = iota
	ben
	cyd
)

// connect makes ann or ben one person.
func (p *play) connect(who int) {
	var ends [2]store.End
	for n, s := range p.sides {
		u := s.people[who]
		s.service.Grant(u)
		ends[n] = store.End{Identity: store.Identity{Account: bridge.AccountName(fmt.Sprintf("memory.%d", n)), Server: s.service.Server(), User: u}}
	}
	p.add("%s connects", ends[0].User)
	if _, err := p.keep.Connect(p.t.Context(), "", ends, 0); err != nil {
		p.t.Errorf("seed %d: connecting: %v", p.seed, err)
	}
}

// fail is the storm: any call may fail before or after it took effect.
func (p *play) fail(ctx context.Context, call memory.Call) error {
	if !p.storm.Load() || p.float() >= p.fault {
		return nil
	}
	err := p.failure(ctx, call)
	if err != nil {
		p.troubles.add(string(call.Op), call.After)
	}
	return err
}

func (p *play) failure(ctx context.Context, call memory.Call) error {
	switch p.int(8) {
	case 0:
		if call.As != "" { // or the relay would speak for them
			return p.unanswered(call)
		}
		return memory.Fails(bridge.Unauthorised)
	case 1, 2:
		if !call.After {
			scope := bridge.Scope(2 * p.int(2))
			if call.As != "" && p.int(2) == 0 {
				scope = bridge.ScopePerson
			}
			return memory.Throttles(scope, time.Duration(1+p.int(5))*time.Second)
		}
		return p.unanswered(call)
	case 3:
		pause(ctx, time.Duration(p.int(3000))*time.Millisecond)
		return ctx.Err()
	case 4:
		if !call.After {
			if call.As != "" {
				return p.unanswered(call)
			}
			return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: errors.New("the token has expired")}
		}
	}
	return p.unanswered(call)
}

// unanswered is a failure of which a write does not know whether it took effect.
func (p *play) unanswered(call memory.Call) error {
	switch {
	case !call.Op.Writes():
		return memory.Fails(bridge.Transient)
	case call.After || p.int(2) == 0:
		return memory.LostAnswer()
	}
	return memory.Fails(bridge.Transient)
}

// perform runs the play from the first word to the end of all waiting.
func (p *play) perform() {
	ctx, stop := context.WithCancel(p.t.Context())
	path := fmt.Sprintf("/play-%d", p.seed)
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		p.t.Fatal(err)
	}
	keep, err := store.Open(ctx, path, keys, store.Options{VFS: "memdb"}) // holds the database between crashes
	if err != nil {
		p.t.Fatal(err)
	}
	defer keep.Close()
	p.keep = keep
	p.connect(ann)
	p.connect(ben)
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			p.life(ctx, path, keys)
			if p.storm.Load() {
				pause(ctx, time.Duration(p.int(20))*time.Second)
			}
		}
	})
	time.Sleep(time.Minute) // both sides have begun
	p.storm.Store(true)
	for range p.acts + p.int(3*p.acts) {
		time.Sleep(time.Duration(p.int(4000)) * time.Millisecond)
		p.act()
	}
	time.Sleep(time.Duration(p.int(60)) * time.Second)
	p.storm.Store(false)
	time.Sleep(time.Hour)
	stop()
	done.Wait()
	if p.stored, err = dump(path); err != nil {
		p.t.Error(err)
	}
	held, err := keep.Quarantine(p.t.Context())
	if err != nil || len(held) > 0 {
		p.t.Errorf("seed %d: in quarantine: %+v, %v", p.seed, held, err)
	}
}

// life is one process: from opening the store to the end or a crash.
func (p *play) life(ctx context.Context, path string, keys store.Keys) {
	die := func(after bool) func() error {
		return func() error {
			if p.storm.Load() && p.dies(after) {
				p.troubles.add(crash, after)
				return errors.New("crash")
			}
			return nil
		}
	}
	s, err := store.Open(ctx, path, keys, store.Options{VFS: "memdb", BeforeCommit: die(false), AfterCommit: die(true)})
	if err != nil {
		if ctx.Err() == nil {
			p.t.Errorf("seed %d: %v", p.seed, err)
		}
		return
	}
	defer s.Close()
	o := Options{Store: s, Log: p.log}
	for n, side := range p.sides {
		name := bridge.AccountName(fmt.Sprintf("memory.%d", n))
		o.Accounts = append(o.Accounts, Account{
			Name: name, Protocol: "memory", NickFormat: "{NICK}", Bridge: overheard{side.service.Account(name, "bot"), fmt.Sprintf("side %d", n), &p.history},
		})
	}
	for r := range p.sides[0].rooms {
		o.Routes = append(o.Routes, Route{Name: fmt.Sprint("g", r), Endpoints: []Endpoint{
			{Account: "memory.0", Channel: fmt.Sprintf("team/room%d", r), In: true, Out: true},
			{Account: "memory.1", Channel: fmt.Sprintf("team/room%d", r), In: true, Out: true},
		}})
	}
	p.add("a process begins")
	err = New(o).Run(ctx)
	p.add("a process ends: %v", err)
}

// act is one thing that somebody does.
func (p *play) act() {
	n, r := p.int(2), p.int(len(p.sides[0].rooms))
	s := p.sides[n]
	by := p.int(len(s.people))
	room, who := s.rooms[r], s.people[by]
	all := s.service.Messages(room)
	kind := p.int(14)
	if len(all) == 0 {
		kind = 0
	}
	var seen memory.Seen
	if kind > 2 {
		seen = all[p.int(len(all))]
	}
	said, copied := p.byID(n, r, seen.ID), p.copied(n, r, seen)
	if kind > 2 && kind < 13 && said == nil && copied == nil || seen.Text == blankText {
		return // the oracle does not know whose later part or quote this is
	}
	switch kind {
	case 0, 1, 2:
		p.say(n, r, "", by)
	case 3, 4:
		if seen.Root == "" && !seen.Deleted {
			p.say(n, r, seen.ID, by)
		}
	case 5, 6:
		// Behind what Causeway has written there, a coarse clock hides edits.
		if said != nil && !seen.Deleted && !(said.rewritten && p.coarse[n]) {
			p.add("side %d %s: a person edits %s", n, room, seen.ID)
			s.service.Edit(room, seen.ID, fmt.Sprintf("%s  now %d", said.token, p.int(1000)))
		}
	case 7:
		p.remove(n, r, seen)
	case 8:
		if said != nil && seen.Deleted {
			said.restored, said.deleted, said.certainly = true, false, false
			p.add("side %d %s: a person restores %s", n, room, seen.ID)
			s.service.Undelete(room, seen.ID)
		}
	case 9, 10:
		if !seen.Deleted {
			emoji := []string{"👍", "🎉", "❤"}[p.int(3)]
			p.add("side %d %s: %s reacts to %s with %s", n, room, who, seen.ID, emoji)
			s.service.React(room, seen.ID, who, emoji)
		}
	case 11:
		for _, x := range seen.Reactions {
			if x.User != "bot" && !seen.Deleted {
				p.add("side %d %s: %s takes %s from %s", n, room, x.User, x.Emoji, seen.ID)
				s.service.Unreact(room, seen.ID, x.User, x.Emoji)
				break
			}
		}
	case 12:
		// A coarse clock hides edits; what stands before the text would be lost, and parts are told one by one.
		if copied != nil && !seen.Deleted && seen.Author.ID != "bot" && !copied.long && !p.coarse[n] && strings.HasPrefix(seen.Text, copied.token) {
			copied.rewritten = true
			p.add("side %d %s: %s edits %s, the copy of %s", n, room, seen.Author.ID, seen.ID, copied.token)
			s.service.Edit(room, seen.ID, fmt.Sprintf("%s  now %d", copied.token, 1000+p.int(1000)))
		}
	case 13:
		if p.int(3) > 0 || p.steady {
			break
		}
		if u := s.people[ben]; p.int(2) == 0 {
			p.add("%s loses his token", u)
			p.lost.Store(true)
			s.service.Revoke(u)
		} else {
			p.connect(ben)
		}
	}
}

func (p *play) say(n, r int, root bridge.MessageID, by int) {
	u, who := &utterance{side: n, room: r, root: root, by: by, token: fmt.Sprintf("m%d.", len(p.said))}, p.sides[n].people[by]
	text := u.token + "  says " + strings.Repeat("long ", p.int(2)*p.int(200))
	u.long = len(text) > 200
	if root == "" {
		u.id = p.sides[n].service.Say(p.sides[n].rooms[r], who, text)
	} else {
		u.id = p.sides[n].service.Reply(p.sides[n].rooms[r], root, who, text)
	}
	p.add("side %d %s: %s says %s as %s below %q", n, p.sides[n].rooms[r], who, u.token, u.id, root)
	p.said = append(p.said, u)
}

// remove deletes a message: its author's own, or a copy by a moderator. What goes along is noted.
func (p *play) remove(n, r int, seen memory.Seen) {
	if seen.Deleted {
		return
	}
	s := p.sides[n]
	p.add("side %d %s: a person deletes %s", n, s.rooms[r], seen.ID)
	s.service.Delete(s.rooms[r], seen.ID)
	for _, now := range s.service.Messages(s.rooms[r]) {
		if !now.Deleted || now.ID != seen.ID && now.Root != seen.ID {
			continue
		}
		if u := p.byID(n, r, now.ID); u != nil {
			u.deleted = true
		} else if u := p.copied(n, r, now); u != nil && now.Author.ID != "bot" {
			u.withdrawn = true
			u.certainly = u.certainly || now.ID == seen.ID && u.by == ann && now.Root == "" && !u.restored
		} else if u != nil {
			u.byModerator = true
		}
	}
}

func (p *play) byID(n, r int, id bridge.MessageID) *utterance {
	for _, u := range p.said {
		if u.side == n && u.room == r && u.id == id {
			return u
		}
	}
	return nil
}

// blankText stands where a message was that its replies need.
const blankText = "(message deleted)"

// copied finds whose copy a message is; nil when it is none, or has no token of its own.
func (p *play) copied(n, r int, m memory.Seen) *utterance {
	if p.byID(n, r, m.ID) != nil {
		return nil
	}
	text := memory.Text(slices.DeleteFunc(slices.Clone(m.Doc), func(b richtext.Block) bool { return b.Kind == richtext.Quote }))
	if strings.HasPrefix(text, lateMark) {
		_, text, _ = strings.Cut(text, ") ")
	}
	for _, u := range p.said {
		if u.side != n && u.room == r && strings.HasPrefix(strings.TrimSpace(text), u.token) {
			return u
		}
	}
	return nil
}

func emojiOf(m memory.Seen, own bool) []string {
	var all []string
	for _, r := range m.Reactions {
		if (r.User == "bot") == own && !slices.Contains(all, r.Emoji) {
			all = append(all, r.Emoji)
		}
	}
	slices.Sort(all)
	return all
}
