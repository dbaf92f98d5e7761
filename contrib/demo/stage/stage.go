// Package stage puts the demonstration together: a [town.Town] of a Mattermost and the stand-in for Teams, the causeway program
// between them under an [operator.Operator], and what can be made to go wrong.
package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"causeway/contrib/demo/operator"
	"causeway/contrib/demo/town"
	"causeway/gateway/web/freeport"
)

// Mattermost is what the stage needs to know of the server on the left, be it the stand-in or a real one.
type Mattermost struct {
	// Side has the people of InMattermost, in that order.
	Side *town.Mattermost
	// Server is the address at which Causeway finds it, which may be another one than the people's programs'.
	Server string
	// Token is the bot's, who is an administrator.
	Token string
	// Channels are the names that the config gives to the side's conversations, team/channel, in their order.
	Channels []string
	// Faults are what can go wrong on that side.
	Faults []Fault
	// Reading reports whether Causeway has begun to read the channels.
	Reading func(context.Context) (bool, error)
	// About says what stands on the left, in a sentence or two for whoever looks at the page.
	About string
}

// Options are what a stage is made of.
type Options struct {
	// Program is the path of causeway.
	Program string
	// Mattermost makes, or describes, the left side. It must be there already; whoever made it closes it.
	Mattermost Mattermost
	// Quiet leaves out the few words that people exchange at the beginning.
	Quiet bool
}

// Stage is the whole demonstration but its page.
type Stage struct {
	Town     *town.Town
	Operator *operator.Operator

	options Options
	contoso *contoso
	faults  []Fault
	listen  string // where Causeway is to listen

	mu      sync.Mutex
	on      map[string]bool // faults
	phase   Phase
	trouble trouble
	talk    *talk
	talks   sync.WaitGroup
	calm    time.Time // since when nothing is in the way
}

// Phase is how far the demonstration is.
type Phase string

// The phases in their order.
const (
	SigningIn  Phase = "signing in"
	Starting   Phase = "starting"
	Connecting Phase = "connecting" // people's accounts
	Open       Phase = "open"
)

// New starts the stand-in for Teams and writes the config. Run does the rest.
func New(o Options) (*Stage, error) {
	s := &Stage{options: o, on: map[string]bool{}, phase: SigningIn}
	left := o.Mattermost.Side
	var err error
	if s.contoso, err = newContoso(len(left.Conversations())); err != nil {
		return nil, err
	}
	right := s.contoso.side()
	var channels town.Twins
	for i, c := range left.Conversations() {
		channels = append(channels, [2]string{c.ID, right.Conversations()[i].ID})
	}
	s.Town = town.New(left, right, channels, onBoth(left, right))
	if s.Operator, err = operator.New(o.Program, s.operatorChanged); err != nil {
		return nil, errors.Join(err, s.contoso.close())
	}
	if s.listen, err = freeport.Address(); err != nil { // it must be free again at the next start
		return nil, errors.Join(err, s.Close())
	}
	s.contoso.app.SetRedirects("http://" + s.listen + "/connect/back") // of people who connect their accounts
	if err := s.Operator.WriteConfig(config(s.listen, o.Mattermost, s.contoso)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.faults = append(append([]Fault{}, o.Mattermost.Faults...), s.contoso.faults()...)
	return s, nil
}

// onBoth finds those who have accounts on both sides.
func onBoth(left, right town.Side) town.Twins {
	var both town.Twins
	for i, here := range InMattermost {
		if there := slices.Index(inTeams, here); there >= 0 {
			both = append(both, [2]string{left.People()[i].ID, right.People()[there].ID})
		}
	}
	return both
}

// Close ends what the stage has started.
func (s *Stage) Close() error { return errors.Join(s.Operator.Close(), s.contoso.close()) }

// About says what stands on the left.
func (s *Stage) About() string { return s.options.Mattermost.About }

// TeamsURL is where the stand-in for Teams listens.
func (s *Stage) TeamsURL() string { return s.contoso.server.URL }

// Run signs the relay account in, starts Causeway, has people connect their accounts, lets them say a few words, and keeps the ledger until ctx ends.
func (s *Stage) Run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- s.Town.Watch(watching) }()
	err := s.open(ctx)
	if err == nil {
		<-ctx.Done()
	}
	s.StopTalk()
	s.talks.Wait()
	stop()
	if err := errors.Join(err, <-watched); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Stage) open(ctx context.Context) error {
	if _, err := s.Operator.Login(ctx, teamsAccount, s.contoso.approveLogin); err != nil {
		return err
	}
	s.setPhase(Starting)
	if err := s.Operator.Start(); err != nil {
		return err
	}
	if err := s.awaitReading(ctx); err != nil {
		return err
	}
	s.setPhase(Connecting)
	if err := s.connectAll(ctx); err != nil {
		return err
	}
	if !s.options.Quiet {
		if err := s.prologue(ctx); err != nil {
			return err
		}
	}
	s.setPhase(Open)
	return nil
}

// Open reports whether all is set up, so that what people say is carried.
func (s *Stage) Open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == Open
}

func (s *Stage) setPhase(p Phase) {
	s.mu.Lock()
	s.phase = p
	s.mu.Unlock()
	s.judgeCalm()
	s.Town.Changed.Ring()
}

// patience is how long Causeway may take to begin.
const patience = time.Minute

// awaitReading waits until Causeway reads all channels: what is said in a channel before it is found for the first time is not carried.
func (s *Stage) awaitReading(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if state := s.Operator.State(); !state.Running {
			log, err := s.Operator.Log(4 << 10)
			return errors.Join(fmt.Errorf("causeway has ended by itself (%s):\n%s", state.Ended, log), err)
		}
		left, err := s.options.Mattermost.Reading(ctx)
		if err != nil {
			return err
		}
		if left && s.contoso.isRead() {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return errors.New("causeway does not read the channels")
		}
	}
}

// operatorChanged is called by the operator.
func (s *Stage) operatorChanged() {
	s.judgeCalm()
	s.Town.Changed.Ring()
}

// judgeCalm notes since when nothing is in the way.
func (s *Stage) judgeCalm() {
	running := s.Operator != nil && s.Operator.State().Running
	s.mu.Lock()
	defer s.mu.Unlock()
	calm := running && s.phase == Open
	for _, on := range s.on {
		calm = calm && !on
	}
	switch {
	case !calm:
		s.calm = time.Time{}
	case s.calm.IsZero():
		s.calm = time.Now()
	}
}

// Counts gives the figures of the ledger.
func (s *Stage) Counts() town.Counts {
	s.mu.Lock()
	calm := s.calm
	s.mu.Unlock()
	return s.Town.Counts(calm)
}

// pause waits; it reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
