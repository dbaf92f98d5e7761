package msteams

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

const (
	// A subscription delivers on the token that it was made or renewed with, for as long as that lives: about an hour. Graph
	// asks for another one a quarter of an hour before; when that is lost, the subscription is renewed beforeToken ends all
	// the same. freshToken is how long the token must live at least with which that is done.
	beforeToken = 8 * time.Minute
	freshToken  = 40 * time.Minute
	// mostSingly is for how many channels each has a subscription of its own; for more there is one for all of the tenant.
	// Graph allows 10,000 subscriptions of Teams to all apps of an organisation together.
	mostSingly = 100
	// replaceAgain is how soon a subscription that was silent may be replaced; one that is silent again before is given up
	// for as long.
	replaceAgain = time.Hour
	// repeated is for how long Graph may repeat a delivery, and to spare.
	repeated = 5 * time.Hour
)

// feed is one subscription that is needed. It belongs to its subscriber.
type feed struct {
	resource string
	// conversation is the channel it covers; the zero value for all.
	conversation bridge.ConversationID
	// person is whose chats it covers instead; empty: none's. readers tells whose a chat is.
	person  bridge.UserID
	readers func(bridge.ConversationID) []bridge.UserID

	// id is empty as long as there is none.
	id      string
	expires time.Time
	// authorised is until when the token lives that it delivers on.
	authorised time.Time
	// since is when it began to live, renewed when it was last made or renewed.
	since, renewed time.Time
	// certificate is the id of that which it was made or renewed with.
	certificate string
	// next is when something is to be done about it.
	next     time.Time
	failures int
	trouble  error
	// silent is when it was found silent last, late when it last delivered so late that its channels were read.
	silent, late time.Time
	// replace: delete it and make it anew. muted: it has been silent again and again, so it does not count as alive.
	replace, muted bool
	// lived: it was alive when it was tended to last.
	lived bool
	// surplus: it is not needed any more, and is deleted when those that are needed live.
	surplus bool
	// reviving: it has paused and is being made to go on.
	reviving bool
}

func (f *feed) covers(c bridge.ConversationID) bool {
	if chat := isChat(string(c.Channel)); chat || f.person != "" {
		return chat && f.person != "" && slices.Contains(f.readers(c), f.person)
	}
	return f.conversation == bridge.ConversationID{} || f.conversation == c
}

func (f *feed) alive(now time.Time) bool {
	return f.id != "" && !f.muted && now.Before(f.expires) && now.Before(f.authorised)
}

// subscriber keeps the subscriptions that the watched channels need, and takes what they deliver. It lives as long as one
// run of the feed.
type subscriber struct {
	a      *account
	inbox  bridge.Inbox
	reader *reader
	talks  *talks
	// ctx is that of the run; taking counts the deliveries that are being taken, which end with it.
	ctx    context.Context
	taking sync.WaitGroup

	states    *notification.ClientStates
	validator *notification.Validator
	// hook is the address that subscriptions get.
	hook string

	// wake tells run that there is something to do.
	wake chan struct{}
	// troubles is what was logged last of each resource; it belongs to run.
	troubles map[string]string
	// told is when the operator was told last of a failure of people's subscriptions; it belongs to run, too.
	told map[string]time.Time

	mu    sync.Mutex
	keys  *notification.Keys
	feeds map[string]*feed // by resource
	// adopted: the subscriptions of earlier runs have been looked through. making: one is being made.
	adopted, making bool
	// changed is closed when that has changed.
	changed chan struct{}
	// retired are those that have lived in this run: what they have still to deliver is taken, too.
	retired map[string]time.Time
	// lookAgain is when to look through the subscriptions of earlier runs once more.
	lookAgain time.Time
	// distrusted is why deliveries cannot be taken for genuine; nil when they can.
	distrusted error
	// vouched is when a delivery was genuine last.
	vouched time.Time
	// counted since the start.
	forged, gaps int
}

func (a *account) newSubscriber(ctx context.Context, inbox bridge.Inbox, r *reader, t *talks) (*subscriber, error) {
	s := &subscriber{a: a, inbox: inbox, reader: r, talks: t, ctx: ctx, hook: a.env.Hook, wake: make(chan struct{}, 1), changed: make(chan struct{}),
		feeds: map[string]*feed{}, retired: map[string]time.Time{}, troubles: map[string]string{}, told: map[string]time.Time{}}
	var err error
	if s.keys, err = a.loadNotificationKeys(ctx, time.Now()); err != nil {
		return nil, err
	}
	if s.states, err = a.loadClientStates(ctx); err != nil {
		return nil, err
	}
	s.validator, err = notification.NewValidator(notification.ValidatorOptions{
		ClientID: a.settings.ClientID, LoginURL: a.cloud.login, Keys: a.signingKeys.Key, Now: time.Now,
	})
	return s, err
}

// run keeps the subscriptions until ctx ends; the error is one for which the whole account must connect anew.
func (s *subscriber) run(ctx context.Context) error {
	if err := s.a.signingKeys.Refresh(ctx); err != nil && ctx.Err() == nil {
		s.a.log.WithError(err).Warn("The login service's keys cannot be fetched; notifications wait for them.")
	}
	for ctx.Err() == nil {
		changed, observed := s.plan()
		next, err := s.act(ctx)
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-changed:
		case <-observed:
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// signal makes run look again.
func (s *subscriber) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// plan makes the set of feeds what the watched channels and the observed people need.
func (s *subscriber) plan() (changed, observed <-chan struct{}) {
	watched, changed := s.inbox.Watched()
	wanted := map[string]bridge.ConversationID{}
	for _, c := range watched {
		if p, err := s.a.channelPlace(c); err == nil && p.chat == "" {
			wanted["/teams/"+p.team+"/channels/"+p.channel+"/messages"] = c
		}
	}
	if len(wanted) > mostSingly {
		wanted = map[string]bridge.ConversationID{allMessages: {}}
	}
	people, observed := s.chatFeeds()
	s.mu.Lock()
	defer s.mu.Unlock()
	for resource, c := range wanted {
		if s.feeds[resource] == nil {
			s.feeds[resource] = &feed{resource: resource, conversation: c}
		}
	}
	for resource, u := range people {
		if s.feeds[resource] == nil {
			s.feeds[resource] = &feed{resource: resource, person: u, readers: s.inbox.Readers}
		}
	}
	for resource, f := range s.feeds {
		_, needed := wanted[resource]
		_, person := people[resource]
		f.surplus = !needed && !person
	}
	return changed, observed
}

// act does what is due, one after the other, and gives when the next is.
func (s *subscriber) act(ctx context.Context) (time.Time, error) {
	if err := s.rotate(ctx); err != nil {
		return time.Time{}, err
	}
	if s.mustAdopt(time.Now()) {
		if err := s.adopt(ctx); err != nil {
			return s.failedAll(ctx, err)
		}
	}
	next := time.Now().Add(24 * time.Hour)
	s.leave(ctx)
	for _, f := range s.inOrder() {
		s.mu.Lock()
		due := f.next
		s.mu.Unlock()
		if !due.After(time.Now()) {
			if err := s.tend(ctx, f); err != nil {
				return next, err
			}
			s.mu.Lock()
			due = f.next
			s.mu.Unlock()
		}
		if due.Before(next) {
			next = due
		}
	}
	if again := s.clear(ctx); !again.IsZero() && again.Before(next) {
		next = again
	}
	return next, nil
}

func (s *subscriber) inOrder() []*feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.feeds), func(a, b *feed) int { return cmp.Compare(a.resource, b.resource) })
}

// tend makes, renews or replaces one subscription. The error is one for the whole account.
func (s *subscriber) tend(ctx context.Context, f *feed) error {
	s.mu.Lock()
	id, replace, surplus, before := f.id, f.replace, f.surplus, f.alive(time.Now())
	s.mu.Unlock()
	var err error
	switch {
	case id == "":
	case replace:
		if err = s.remove(ctx, id); err == nil {
			s.lost(f, id)
			id = ""
		}
	default:
		if err = s.revive(ctx, f, id, before); bridge.KindOf(err) == bridge.Gone {
			s.lost(f, id)
			id, err = "", nil
		}
	}
	if err == nil && id == "" {
		if surplus { // nor is it made again
			s.mu.Lock()
			defer s.mu.Unlock()
			f.next = time.Now().Add(24 * time.Hour)
			return nil
		}
		err = s.create(ctx, f)
	}
	if ctx.Err() != nil {
		return nil
	}
	return s.tended(f, err)
}

// revive renews a subscription. When it has paused, it begins anew: Graph may have given up what was said meanwhile.
func (s *subscriber) revive(ctx context.Context, f *feed, id string, alive bool) error {
	if alive {
		return s.renew(ctx, f, id)
	}
	s.setReviving(f, true)
	defer s.setReviving(f, false)
	defer s.reader.interrupt(f.covers) // whatever the answer was
	return s.renew(ctx, f, id)
}

// lost notes that a subscription is no more.
func (s *subscriber) lost(f *feed, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired[strings.ToLower(id)] = time.Now()
	if f.replace = false; f.id == id {
		f.id, f.since = "", time.Time{}
	}
}

// tended notes how it went, and tells the reader when that changes how channels are read.
func (s *subscriber) tended(f *feed, err error) error {
	now := time.Now()
	s.mu.Lock()
	fresh := err == nil && f.since.IsZero() // made, or adopted
	if f.trouble = err; err == nil {
		f.failures = 0
		f.next = f.renewed.Add(min(f.expires.Sub(f.renewed)*2/3, max(time.Minute, f.authorised.Sub(f.renewed)-beforeToken)))
		if fresh {
			f.since = now
		}
		if f.id == "" || f.replace { // meanwhile it was removed, or found silent
			f.next = now
		}
	} else {
		f.failures++
		f.next = now.Add(max(bridge.AfterOf(err), backoff(15*time.Second, f.failures), retryAfterRefusal(err)))
		if !f.alive(now) {
			f.since = time.Time{}
		}
	}
	alive := f.alive(now)
	changed := alive != f.lived // it may have died since somebody looked last
	f.lived = alive
	s.mu.Unlock()
	s.report(f, alive, err)
	if fresh || changed {
		s.readInstead(f)
	}
	if bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeAccount {
		return err
	}
	return nil
}

// retryAfterRefusal is long after what only a person can mend.
func retryAfterRefusal(err error) time.Duration {
	switch bridge.KindOf(err) {
	case bridge.Rejected, bridge.Unauthorised:
		return 5 * time.Minute
	}
	return 0
}

// report logs a failure once, and that it is over.
func (s *subscriber) report(f *feed, alive bool, err error) {
	text := ""
	if err != nil {
		text = bridge.Cause(err)
	}
	if !alive && err != nil {
		text += " " // that it has ended meanwhile is news, too
	}
	if s.troubles[f.resource] == text {
		return
	}
	s.troubles[f.resource] = text
	log := s.a.log.WithField("resource", f.resource)
	if f.person != "" && s.toldOfPeople(text) {
		log.WithError(err).Debug("Subscribing to a person's chats fails, or works again.")
		return
	}
	switch {
	case err == nil:
		log.Info("Subscribing to messages works again.")
	case alive:
		log.WithError(err).Warn("Renewing a subscription failed; it still lives, and is tried again.")
	default:
		log.WithError(err).Warn("Subscribing to messages failed; meanwhile they are read by polling.")
	}
}

// failedAll is for a failure before any single subscription: all wait for the same.
func (s *subscriber) failedAll(ctx context.Context, err error) (time.Time, error) {
	now := time.Now()
	if ctx.Err() != nil {
		return now, nil
	}
	next := now.Add(24 * time.Hour)
	for _, f := range s.inOrder() {
		if failed := s.tended(f, err); failed != nil {
			return next, failed
		}
		s.mu.Lock()
		if f.next.Before(next) {
			next = f.next
		}
		s.mu.Unlock()
	}
	return next, nil
}

// live tells since when a channel has been covered by a subscription that delivers.
func (s *subscriber) live(c bridge.ConversationID) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.distrusted != nil {
		return time.Time{}, false
	}
	for _, f := range s.feeds {
		if f.covers(c) && f.alive(time.Now()) && !f.since.IsZero() && (!ok || f.since.Before(since)) {
			since, ok = f.since, true
		}
	}
	return since, ok
}

// urge has the subscription with an id, or that of a channel, tended to at once.
func (s *subscriber) urge(which func(f *feed) bool, change func(f *feed)) {
	s.mu.Lock()
	for _, f := range s.feeds {
		if which(f) {
			f.next = time.Time{}
			change(f)
		}
	}
	s.mu.Unlock()
	s.signal()
}

// foundSilent notes that a channel held n changes, the last of them at a time, of which its subscription said nothing. One that has taken its place
// since, as another channel found the same silence, is not to blame.
func (s *subscriber) foundSilent(c bridge.ConversationID, n int, last time.Time) {
	now := time.Now()
	s.mu.Lock()
	s.gaps += n
	var muted []*feed
	for _, f := range s.feeds {
		if !f.covers(c) || f.id == "" || f.since.IsZero() || f.replace || !last.After(f.since.Add(usualDelay)) {
			continue
		}
		again := now.Sub(f.silent) < replaceAgain
		f.silent, f.replace, f.next = now, true, now
		if again { // it is no use: poll for a while
			f.next = now.Add(replaceAgain)
			f.trouble, f.muted = errors.New("the subscription is alive, but messages do not arrive by it"), true
			muted = append(muted, f)
		}
	}
	s.mu.Unlock()
	for _, f := range muted {
		s.readInstead(f)
	}
	s.a.log.WithField("conversation", c.String()).WithField("changes", n).
		Warn("The subscription of this conversation did not tell of everything; what it left out has been read, and the subscription is replaced.")
	s.reader.nudge(func(other bridge.ConversationID) bool { return other == c })
	s.signal()
}

// distrust notes whether deliveries can be taken for genuine. As long as not, channels are polled.
func (s *subscriber) distrust(err error) {
	s.mu.Lock()
	before := s.distrusted
	s.distrusted = err
	s.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		s.a.log.WithError(err).Error("Notifications of Teams cannot be taken for genuine; meanwhile messages are read by polling.")
	case err == nil && before != nil:
		s.a.log.Info("Notifications of Teams are genuine again.")
	default:
		return
	}
	s.reader.interrupt(func(bridge.ConversationID) bool { return true }) // what came meanwhile was not taken
}
