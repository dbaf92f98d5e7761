package memory

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Options are how a service behaves. The zero value is a service that can everything, at once.
type Options struct {
	// NoEdit, NoDelete, NoReactions: accounts cannot do that here; people still can.
	NoEdit, NoDelete, NoReactions bool
	// NoPeople: accounts cannot act as people. NoSignIn: people cannot sign in here for another program. OwnRight: accounts may act
	// as anybody without being given that by a sign-in.
	NoPeople, NoSignIn, OwnRight bool
	// NoCommands: people cannot reach Causeway here. NoDirectory: nobody is told who has left. NoMute: it cannot be changed how
	// people are told of a conversation.
	NoCommands, NoDirectory, NoMute bool
	// NoDirect: accounts read no direct and group conversations. NoRelayDirect: an account cannot write in those of which it is no
	// member. Regroup: people join and leave groups, and there may be several with the same people.
	NoDirect, NoRelayDirect, Regroup bool
	// Quotes: in direct and group conversations an answer quotes whatever it answers.
	Quotes bool
	// RelayAside is the account's capability of that name.
	RelayAside bool
	// GroupLimit is how many people a group may have; 0: any number.
	GroupLimit int
	// TopicLimit is how many characters of a topic are kept; 0: all.
	TopicLimit int
	// NoFiles: accounts cannot send files. KeepFiles: what an account has uploaded stays when its post is gone, until it is discarded.
	NoFiles, KeepFiles bool
	// FilesPerPost is how many files a post may have, 0: any number; MaxFile how large one may be, 0: as large as it likes. With
	// HideSizes states do not tell how large files are.
	FilesPerPost int
	MaxFile      int64
	HideSizes    bool
	// DeleteTakesReplies: when somebody deletes the first message of a thread, the answers go along.
	DeleteTakesReplies bool
	// DeleteKeepsRevision: a deletion does not raise the revision; an undelete does.
	DeleteKeepsRevision bool
	// PostInterval is the least time between two writes of one account, or as one person; an earlier one is throttled and counted.
	PostInterval time.Duration
	// Settle is how long the feed, Read and Find do not see what was written.
	Settle time.Duration
	// Tick is what the service's clock counts in; 0: milliseconds. With an hour, nearly everything has equal times.
	Tick time.Duration
	// Skew is how far the service's clock is ahead.
	Skew time.Duration
	// MaxText is how many characters a post may have; 0: 16,000. A longer one is rejected, or cut off with Truncate.
	MaxText  int
	Truncate bool
	// Normalize changes what anybody writes, as services do; nil keeps it. See [CollapseSpaces].
	Normalize func(richtext.Doc) richtext.Doc
	// Feed is how the feed disturbs what it delivers.
	Feed Feed
	// BatchSize is how many states one batch of the feed has at most; 0: 100.
	BatchSize int
	// Fault decides what goes wrong; nil: nothing.
	Fault Fault
}

const (
	defaultMaxText   = 16000
	defaultBatchSize = 100
)

// Service is a chat service. Its methods may be called at the same time.
type Service struct {
	server  bridge.ServerID
	options Options

	mu         sync.Mutex
	people     map[bridge.UserID]bridge.Author
	revoked    map[bridge.UserID]bool
	channels   map[bridge.ChannelID]*channel
	order      []*channel
	feeds      map[*feed]struct{}
	paused     map[pause]time.Time
	lastWrite  map[bridge.UserID]time.Time
	notices    []notice
	accounts   map[bridge.UserID]bool // who is one
	uploading  map[string]*upload
	violations int
	writes     int
	humans
	talks
}

// NewService makes an empty service.
func NewService(server bridge.ServerID, options Options) *Service {
	if options.MaxText == 0 {
		options.MaxText = defaultMaxText
	}
	if options.BatchSize == 0 {
		options.BatchSize = defaultBatchSize
	}
	if options.Tick == 0 {
		options.Tick = time.Millisecond
	}
	return &Service{
		server:    server,
		options:   options,
		people:    map[bridge.UserID]bridge.Author{},
		revoked:   map[bridge.UserID]bool{},
		channels:  map[bridge.ChannelID]*channel{},
		feeds:     map[*feed]struct{}{},
		paused:    map[pause]time.Time{},
		lastWrite: map[bridge.UserID]time.Time{},
		uploading: map[string]*upload{},
		accounts:  map[bridge.UserID]bool{},
		humans:    newHumans(),
		talks:     newTalks(),
	}
}

// Server is the id that the service was made with.
func (s *Service) Server() bridge.ServerID { return s.server }

// AddPerson makes a person known, or renames one. Somebody who was never added is called like their id.
func (s *Service) AddPerson(a bridge.Author) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[a.ID] = a
	p := s.profile(a.ID)
	p.Author = a
	s.know(p)
}

// AddChannel makes a channel; name is what an operator writes, "team/channel". It panics when the id is taken.
func (s *Service) AddChannel(id bridge.ChannelID, name string) bridge.ConversationID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addChannel(id, name, talk{})
	return bridge.ConversationID{Server: s.server, Channel: id}
}

// RenameChannel gives a channel another name.
func (s *Service) RenameChannel(id bridge.ChannelID, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channel(id).conversation.Name = name
}

func (s *Service) addChannel(id bridge.ChannelID, name string, t talk) *channel {
	if s.channels[id] != nil {
		panic(fmt.Sprintf("memory: channel %s is there already", id))
	}
	c := &channel{
		conversation: bridge.Conversation{
			ID:   bridge.ConversationID{Server: s.server, Channel: id},
			Name: name,
			Link: "memory://" + string(s.server) + "/" + string(id),
		},
		talk:  t,
		keeps: s.options.KeepFiles,
		hides: s.options.HideSizes,
		byID:  map[bridge.MessageID]*message{},
	}
	s.channels[id] = c
	s.order = append(s.order, c)
	if c.shape == bridge.Group || c.shape == bridge.Meeting {
		s.enrol(c)
	}
	s.wake(c)
	return c
}

// channel gives a channel that must exist; what people do elsewhere is a mistake of the test.
func (s *Service) channel(id bridge.ChannelID) *channel {
	c := s.channels[id]
	if c == nil {
		panic(fmt.Sprintf("memory: there is no channel %s", id))
	}
	return c
}

// person gives who a user is.
func (s *Service) person(u bridge.UserID) bridge.Author {
	if a, known := s.people[u]; known {
		return a
	}
	return bridge.Author{ID: u, Name: string(u), Username: string(u)}
}

// clock is the service's time.
func (s *Service) clock() time.Time {
	return time.Now().Add(s.options.Skew).Truncate(s.options.Tick)
}

// Revoke takes away the token of a user: an account's own, or that of a person it speaks for. What accounts were given to act as
// them is good for nothing after that.
func (s *Service) Revoke(u bridge.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[u] = true
	s.revoke(u)
	s.wake(nil)
}

// Grant gives the token back; grants that were kept in a vault stay bad.
func (s *Service) Grant(u bridge.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.revoked, u)
	s.wake(nil)
}

// Shut takes a channel away from all accounts; people still use it.
func (s *Service) Shut(id bridge.ChannelID) { s.setShut(id, true) }

// Reopen gives it back.
func (s *Service) Reopen(id bridge.ChannelID) { s.setShut(id, false) }

func (s *Service) setShut(id bridge.ChannelID, shut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(id)
	c.shut = shut
	s.wake(c)
}

// Cut ends every Run that is going on with an error.
func (s *Service) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.feeds {
		f.fail(errCut)
	}
}

// Violations counts the writes that came although a Throttled answer, or PostInterval, had forbidden them.
func (s *Service) Violations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.violations
}

// Writes counts the writes that accounts have attempted, whatever became of them.
func (s *Service) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// CollapseSpaces makes one space of several in paragraphs and headings and trims their ends; for [Options.Normalize].
func CollapseSpaces(d richtext.Doc) richtext.Doc {
	var out richtext.Doc
	for _, b := range d {
		b.Blocks = CollapseSpaces(b.Blocks)
		b.Items = slices.Clone(b.Items)
		for i := range b.Items {
			b.Items[i] = CollapseSpaces(b.Items[i])
		}
		b.Runs = slices.Clone(b.Runs)
		space := true // at the start of a line
		for i, r := range b.Runs {
			var text strings.Builder
			for _, c := range r.Text {
				if c == ' ' && space {
					continue
				}
				space = c == ' '
				text.WriteRune(c)
			}
			space = space || r.Break
			b.Runs[i].Text = text.String()
		}
		if n := len(b.Runs); n > 0 {
			b.Runs[n-1].Text = strings.TrimRight(b.Runs[n-1].Text, " ")
		}
		b.Runs = slices.DeleteFunc(b.Runs, func(r richtext.Run) bool { return r.Text == "" && !r.Break })
		if len(b.Runs) > 0 || (b.Kind != richtext.Paragraph && b.Kind != richtext.Heading) {
			out = append(out, b)
		}
	}
	return out
}
