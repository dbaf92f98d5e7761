package msteams

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"golang.org/x/sync/errgroup"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

const (
	// usualDelay is how late a notification of a message may come: Microsoft says a minute at most.
	usualDelay = 2 * time.Minute
	// afterOutage is how often at most late notifications make all their channels be read.
	afterOutage = 10 * time.Minute
)

// errCatchingUp: what was said before is still being read, and goes first.
var errCatchingUp = errors.New("taking a notification: its channel is still catching up")

// errUnknownSubscription: it may be one that is being made.
var errUnknownSubscription = errors.New("taking a notification: its subscription is not known yet")

// delivery is what one delivery holds for one channel.
type delivery struct {
	channel *watched
	items   []*notification.Item
	// before is closed when the deliveries that came before have been taken; done is closed by this one.
	before <-chan struct{}
	done   chan struct{}
}

// take stores what a delivery brings and returns when it is on disk. It returns an error when Graph shall repeat the
// delivery; what is forged, or none of ours, is passed over. What costs least is looked at first.
func (s *subscriber) take(ctx context.Context, c notification.Collection) error {
	vouched := sync.OnceValue(func() notification.Vouched { return s.validator.Verify(ctx, c.Tokens) })
	var taking errgroup.Group // one channel's trouble does not end the others' work
	for _, d := range s.sort(c.Items) {
		taking.Go(func() error {
			defer func() {
				<-d.before // they all have deadlines
				close(d.done)
			}()
			return s.takeOne(ctx, d, vouched)
		})
	}
	return taking.Wait()
}

// sort gives each watched channel what a delivery holds for it, and a place behind the deliveries that came before.
func (s *subscriber) sort(items []notification.Item) []*delivery {
	var all []*delivery
	for i := range items {
		item := &items[i]
		if !s.states.Valid(item.ClientState, "messages") {
			s.countForged()
			continue
		}
		if item.Lifecycle != "" {
			s.lifecycle(item)
			continue
		}
		w := s.channelOf(item)
		switch {
		case w == nil && s.ofChat(item):
			s.talks.pushed(s.a.chatID(item.Resource.Chat), item.Resource.Message)
			continue
		case w == nil:
			s.strange(item)
			continue
		case w.group: // it says nothing of who is in the group by now: that is read, in order
			s.reader.nudge(w.is)
			continue
		}
		n := slices.IndexFunc(all, func(d *delivery) bool { return d.channel == w })
		if n < 0 {
			d := &delivery{channel: w}
			d.before, d.done = s.reader.queue(w)
			n, all = len(all), append(all, d)
		}
		all[n].items = append(all[n].items, item)
	}
	return all
}

func (s *subscriber) takeOne(ctx context.Context, d *delivery, vouched func() notification.Vouched) error {
	if !d.channel.gate.enter(ctx) { // before it costs more
		if d.channel.place.chat != "" { // after a start its turn may be far away
			s.reader.nudge(d.channel.is)
		}
		return errCatchingUp
	}
	good, err := s.sift(ctx, d, vouched)
	if err != nil {
		return err
	}
	news := s.openAll(d.channel, good)
	<-d.before
	if len(good) > 0 && s.reader.doubtful(d.channel) {
		d.channel.gate.refuse()
		s.reader.suspect(d.channel)
	}
	if !d.channel.gate.isOpen() { // one that came before could not be stored, or a subscription is new
		return errCatchingUp
	}
	return s.store(ctx, d.channel, news)
}

// sift gives the genuine items of a delivery; an error when that cannot be told now.
func (s *subscriber) sift(ctx context.Context, d *delivery, vouched func() notification.Vouched) ([]*notification.Item, error) {
	var good []*notification.Item
	for _, item := range d.items {
		known, err := s.knows(ctx, item.Subscription)
		if err != nil { // its channel is read when the subscription is known
			return nil, err
		}
		if !known {
			s.countForged()
			continue
		}
		genuine, err := s.genuine(vouched(), d.channel, item)
		if err != nil {
			s.reader.doubt(d.channel)
			return nil, err
		}
		if genuine {
			good = append(good, item)
		}
	}
	return good, nil
}

// openAll gives the messages that items bring along. Opening one takes a millisecond of computing, so it is done side by
// side.
func (s *subscriber) openAll(w *watched, items []*notification.Item) []models.ChatMessageable {
	opened := make([]models.ChatMessageable, len(items))
	var opening errgroup.Group
	opening.SetLimit(runtime.GOMAXPROCS(0))
	for i, item := range items {
		opening.Go(func() error {
			opened[i] = s.open(w, item)
			return nil
		})
	}
	_ = opening.Wait()
	return slices.DeleteFunc(opened, func(m models.ChatMessageable) bool { return m == nil })
}

func (s *subscriber) countForged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forged++
	s.a.env.Notified(bridge.Forged, 1)
}

// strange has the channels of a subscription read that brings what cannot be read, so that nobody knows what it is about.
func (s *subscriber) strange(item *notification.Item) {
	if item.Err == nil || item.Subscription == "" {
		return // of a channel that is not watched
	}
	s.a.log.WithError(item.Err).Warn("A notification cannot be read; the channels of its subscription are read instead.")
	var covers []func(bridge.ConversationID) bool
	s.mu.Lock()
	for _, f := range s.feeds {
		if strings.EqualFold(f.id, item.Subscription) {
			covers = append(covers, f.covers)
		}
	}
	s.mu.Unlock()
	for _, c := range covers {
		s.reader.suspectAll(c)
	}
}

// ofChat tells whether an item is about a message of a chat.
func (s *subscriber) ofChat(item *notification.Item) bool {
	return item.Err == nil && item.Resource.Kind == notification.ChatMessage && isChat(item.Resource.Chat) && strings.EqualFold(item.Tenant, s.a.settings.TenantID)
}

// channelOf gives the watched channel or chat that an item is about; nil when there is none.
func (s *subscriber) channelOf(item *notification.Item) *watched {
	r := item.Resource
	if s.ofChat(item) {
		return s.reader.channel(s.a.chatID(r.Chat))
	}
	if r.Kind != notification.ChannelMessage || !strings.EqualFold(item.Tenant, s.a.settings.TenantID) {
		return nil
	}
	return s.reader.channel(s.a.conversation(r.Team, r.Channel))
}

// genuine tells whether a validation token vouches for an item; an error when that cannot be said now.
func (s *subscriber) genuine(v notification.Vouched, w *watched, item *notification.Item) (bool, error) {
	err := v.Check(item.Tenant)
	var why *notification.TokenError
	switch {
	case err == nil:
		s.mu.Lock()
		s.vouched = time.Now()
		s.mu.Unlock()
		s.distrust(nil)
		return true, nil
	case errors.As(err, &why) && why.Transient():
		return false, err
	case errors.As(err, &why) && why.Reason == notification.NoTokens:
		// The documented case: Graph will never send any, until somebody has changed a setting.
		if s.vouchedLately() {
			s.reader.suspect(w)
		} else {
			s.distrust(err)
		}
	case errors.As(err, &why) && why.Misdated():
		s.a.log.WithError(err).Debug("A notification was refused; its channel is read instead.")
		s.misdated(w, why)
	default:
		s.a.log.WithError(err).Debug("A notification was refused.")
	}
	s.countForged()
	return false, nil
}

// store puts what a delivery brought for one channel, and returns when it is on disk.
func (s *subscriber) store(ctx context.Context, w *watched, opened []models.ChatMessageable) error {
	news := slices.DeleteFunc(opened, func(m models.ChatMessageable) bool { return !w.isNews(m) })
	if len(news) == 0 {
		return nil
	}
	slices.SortStableFunc(news, oldestFirst)
	var states []bridge.State
	for _, m := range news {
		if state, ok := s.a.state(ctx, w.id, m); ok {
			states = append(states, state)
		}
	}
	if err := ctx.Err(); err != nil {
		s.turnAway(w)
		return err // names may be missing
	}
	if slices.ContainsFunc(states, s.a.nameless) {
		s.turnAway(w) // what is read has names
		return errors.New("storing notifications: the name of who wrote cannot be asked for now")
	}
	if len(states) > 0 {
		if err := s.inbox.Put(ctx, bridge.Batch{Conversation: w.id, States: states}); err != nil {
			s.turnAway(w)
			return fmt.Errorf("storing notifications: %w", err)
		}
	}
	late := false
	for _, m := range news {
		w.note(m)
		// A deletion may leave the date as it was.
		late = late || time.Since(modified(m)) > usualDelay && time.Since(value(m.GetDeletedDateTime())) > usualDelay
	}
	if late {
		s.afterOutage(w)
	}
	return nil
}

// turnAway has a channel read when a delivery could not be stored: Graph repeats it behind younger ones, which wait for the reading.
func (s *subscriber) turnAway(w *watched) {
	w.gate.refuse()
	s.reader.nudge(w.is)
}

// refused is turnAway for a delivery that was not even looked at; c is the zero value for one that was not read.
func (s *subscriber) refused(c notification.Collection) {
	if c.Items == nil {
		s.reader.refuseAll()
	}
	for i := range c.Items {
		if item := &c.Items[i]; item.Lifecycle == "" && s.states.Valid(item.ClientState, "messages") {
			if w := s.channelOf(item); w != nil {
				s.turnAway(w)
			}
		}
	}
}

// open gives the message that an item brings along; nil when it cannot be read. Then the channel is read instead.
func (s *subscriber) open(w *watched, item *notification.Item) models.ChatMessageable {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	err := item.Err
	var text []byte
	if err == nil {
		text, err = keys.Open(item)
	}
	if err == nil {
		var m models.ChatMessageable
		if m, err = parse[models.ChatMessageable](text, models.CreateChatMessageFromDiscriminatorValue); err == nil {
			if ours(item.Resource, m) {
				return m
			}
			err = errors.New("opening a notification: it holds another message than it says")
		}
	}
	s.a.log.WithError(err).WithField("conversation", w.id.String()).Warn("A notification cannot be read; its channel is read instead.")
	s.reader.suspect(w)
	return nil
}

// ours tells whether a message is the one that its notification names.
func ours(r notification.Resource, m models.ChatMessageable) bool {
	if value(m.GetChatId()) != r.Chat {
		return false
	}
	if r.Reply == "" {
		return value(m.GetId()) == r.Message && (value(m.GetReplyToId()) == "" || value(m.GetReplyToId()) == r.Message)
	}
	return value(m.GetId()) == r.Reply && value(m.GetReplyToId()) == r.Message
}

// afterOutage has the channels of a subscription read that has delivered late: something may have been given up.
func (s *subscriber) afterOutage(w *watched) {
	now := time.Now()
	var late []*feed
	s.mu.Lock()
	for _, f := range s.feeds {
		if f.covers(w.id) && now.Sub(f.late) > afterOutage {
			f.late = now
			late = append(late, f)
		}
	}
	s.mu.Unlock()
	for _, f := range late {
		s.readInstead(f)
	}
}

// readInstead has what a subscription covers looked through: it may not have told of everything. The caller holds no lock: whoever is asked to look
// holds their own, and asks for what lives.
func (s *subscriber) readInstead(f *feed) {
	s.reader.nudge(f.covers)
	s.talks.nudge(f.person)
}

// takeLifecycle acts on what happens to subscriptions.
func (s *subscriber) takeLifecycle(_ context.Context, c notification.Collection) error {
	for i := range c.Items {
		if item := &c.Items[i]; s.states.Valid(item.ClientState, "messages") {
			s.lifecycle(item)
		} else {
			s.countForged()
		}
	}
	return nil
}

func (s *subscriber) lifecycle(item *notification.Item) {
	named := func(f *feed) bool { return f.id != "" && strings.EqualFold(f.id, item.Subscription) }
	switch item.Lifecycle {
	case notification.ReauthorizationRequired:
		s.urge(named, func(*feed) {})
	case notification.SubscriptionRemoved:
		s.a.log.Warn("Graph has removed a subscription; it is made again, and what was missed is read.")
		var removed []*feed
		s.urge(named, func(f *feed) {
			s.retired[strings.ToLower(f.id)] = time.Now()
			f.id, f.since = "", time.Time{}
			removed = append(removed, f)
		})
		for _, f := range removed { // it may be long until there is another
			s.readInstead(f)
		}
	case notification.Missed: // never sent for Teams
		s.reader.nudge(func(bridge.ConversationID) bool { return true })
		s.talks.nudgeAll()
	}
}
