package gateway

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

var (
	playSeeds = flag.Int("play.seeds", 300, "how many random plays")
	playFirst = flag.Uint64("play.first", 1, "seed of the first random play")
	playTrace = flag.Bool("play.trace", false, "print what happens in each play")
	// What one scheduler finds another one does not. With the race detector plays are parallel.
	playParallel = flag.Bool("play.parallel", false, "let calls overlap as they come: the seed alone does not decide then what happens")
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
	files       []memory.Upload
	long        bool // it was once: in several parts
	restored    bool // deleted and brought back: its copy may have been made anew
	rivalled    bool // its copy was edited, so that an edit of the origin may be older, and what files it took away stand at the copy still
	outdone     bool // its copy was edited, although the clock where it was said hides which of two edits is newer
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
	acts     int           // at least so many, and less than four times as many
	longest  time.Duration // that a call takes
	crash    float64
	fault    float64
	dies     func(after bool) bool // whether a write to the store, before or after it is on disk, is the process's last
	coarse   [2]bool               // which side's clock ticks once an hour
	paced    [2]bool               // which side lets everybody write once a second
	steady   bool                  // nobody loses a token
	troubles *tally
	gentle   bool // people only say, answer and edit
	// between, when not nil, is called between two lives, with the path of what is stored, and gives that of what is stored from then on.
	between func(path string, keys store.Keys) string
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
	p.longest = longestMoments[p.int(len(longestMoments))]
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
		Fault:               func(ctx context.Context, call memory.Call) error { return p.fail(ctx, n, call) },
	}
	if p.int(2) == 0 {
		o.Normalize = memory.CollapseSpaces
	}
	o.KeepFiles = p.int(2) == 0
	if p.int(3) == 0 {
		o.Tick = time.Hour
		p.coarse[n] = true
	}
	if p.int(4) == 0 {
		o.PostInterval = time.Second
		p.paced[n] = true
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

// perform runs the play from the first word to the end of all waiting.
func (p *play) perform() {
	ctx, stop := context.WithCancel(p.t.Context())
	path := fmt.Sprintf("/play-%d", p.seed)
	if cluster != nil { // where a former play of the same seed has left what it stored
		path = fmt.Sprintf("%s-%d", path, worlds.Add(1))
	}
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		p.t.Fatal(err)
	}
	none := store.Options{VFS: "memdb"}
	keep, err := store.Open(ctx, placed(path, &none), keys, none) // holds the database between crashes
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
				if p.between != nil {
					path = p.between(path, keys)
				}
			}
		}
	})
	time.Sleep(time.Minute) // both sides have begun
	p.storm.Store(true)
	for range p.acts + p.int(3*p.acts) {
		time.Sleep(time.Duration(p.int(int(4 * time.Second))))
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
				return fmt.Errorf("crash: %w", store.ErrClosed)
			}
			return nil
		}
	}
	options := store.Options{Holder: "a play", VFS: "memdb", BeforeCommit: die(false), AfterCommit: die(true), Turn: p.turn}
	s, err := store.Open(ctx, placed(path, &options), keys, options)
	if err != nil {
		if ctx.Err() == nil {
			p.t.Errorf("seed %d: %v", p.seed, err)
		}
		return
	}
	defer s.Close()
	o := Options{Store: s, Log: p.log, Random: func(n int64) int64 { return int64(p.int(int(n))) }}
	accounts := func() (all []Account) {
		for n, side := range p.sides {
			name := bridge.AccountName(fmt.Sprintf("memory.%d", n))
			all = append(all, Account{
				Name: name, Protocol: "memory", NickFormat: "{NICK}", Bridge: overheard{side.service.Account(name, "bot"), fmt.Sprintf("side %d", n), p},
			})
		}
		return all
	}
	o.Accounts = accounts()
	for r := range p.sides[0].rooms {
		o.Routes = append(o.Routes, Route{Name: fmt.Sprint("g", r), Endpoints: []Endpoint{
			{Account: "memory.0", Channel: fmt.Sprintf("team/room%d", r), In: true, Out: true},
			{Account: "memory.1", Channel: fmt.Sprintf("team/room%d", r), In: true, Out: true},
		}})
	}
	p.add("a process begins")
	err = p.performs(ctx, o, accounts)
	p.add("a process ends: %v", err)
}
