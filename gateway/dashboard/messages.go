package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/store"
)

// mostFound is how many messages a search shows.
const mostFound = 50

// search is the page on which messages are found.
type search struct {
	head
	// Query is a link or an id; Author, From and To are of the other way to look.
	Query, Author, From, To string
	Zone                    string
	Asked                   bool
	Found                   []found
	// Unsure: a service could not be asked who the author is.
	Unsure bool
	// Notes say what the search has left out.
	Notes []string
}

// found is a message in a list.
type found struct {
	ID             int64
	Origin, Author string
	Created        moment
	State          string
	Bad            bool
}

// inputTime is how browsers write a date and a time.
const inputTime = "2006-01-02T15:04"

func (d *Dashboard) messages(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	q, now := r.URL.Query(), time.Now()
	v := search{head: d.head(r, g, "messages", "Messages"), Query: strings.TrimSpace(q.Get("q")), Author: strings.TrimSpace(q.Get("author")), From: q.Get("from"), To: q.Get("to"), Zone: zone(now)}
	v.Live = false
	n := newNames(d.o.Gateway.Status(ctx))
	var all []store.Sighting
	var err error
	switch {
	case v.Query != "":
		v.Asked = true
		all, err = d.o.Store.ByID(ctx, Candidates(v.Query), mostFound)
	case q.Has("from") || q.Has("author"):
		v.Asked = true
		all, err = d.between(ctx, &v, now)
	}
	if err != nil {
		d.failed(w, g, err)
		return
	}
	if v.Query != "" && len(all) == 1 {
		lead(w, "message?id="+strconv.FormatInt(all[0].ID, 10))
		return
	}
	if len(all) == mostFound {
		v.Notes = append(v.Notes, "There are more: these are "+strconv.Itoa(mostFound)+".")
	}
	for _, s := range all {
		v.Found = append(v.Found, listed(s, n))
	}
	show(w, http.StatusOK, "messages", v)
}

func listed(s store.Sighting, n names) found {
	return found{ID: s.ID, Origin: n.conversation(s.Origin), Author: string(s.Author), Created: moment{s.Created}, State: gateway.SightingState(s), Bad: s.Quarantined > 0}
}

// between looks by author and time.
func (d *Dashboard) between(ctx context.Context, v *search, now time.Time) ([]store.Sighting, error) {
	win := store.Window{From: now.Add(-24 * time.Hour), To: now.Add(time.Hour)} // a service's clock may be ahead
	for _, one := range []struct {
		text string
		to   *time.Time
	}{{v.From, &win.From}, {v.To, &win.To}} {
		if one.text == "" {
			continue
		}
		t, err := time.ParseInLocation(inputTime, one.text[:min(len(one.text), len(inputTime))], time.Local)
		if err != nil {
			v.Notes = append(v.Notes, strconv.Quote(one.text)+" is not a time; write it as "+now.Format(inputTime)+".")
			return nil, nil
		}
		*one.to = t
	}
	if v.Author != "" {
		win.Authors = []bridge.UserID{bridge.UserID(strings.TrimPrefix(v.Author, "@"))}
		users, err := d.authors(ctx, v)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if !slices.Contains(win.Authors, u.User) {
				win.Authors = append(win.Authors, u.User)
			}
		}
		win.Authors = win.Authors[:min(len(win.Authors), 20)]
	}
	all, cut, err := d.o.Store.Between(ctx, win, mostFound)
	if !cut.IsZero() && len(all) < mostFound {
		v.Notes = append(v.Notes, "So much was said then that it was looked through back to "+moment{cut}.String()+" only: choose a shorter time.")
	}
	return all, err
}

// authors gives the users who are so called: those who have connected stand in the store, and the others are known to their services.
func (d *Dashboard) authors(ctx context.Context, v *search) ([]store.User, error) {
	known, err := d.o.Store.Called(ctx, v.Author)
	if err != nil {
		return nil, err
	}
	found, failed := d.o.People.Look(ctx, strings.TrimPrefix(v.Author, "@"))
	for _, err := range failed {
		v.Unsure = true
		v.Notes = append(v.Notes, sentence(bridge.Cause(err))+" What they have said is found by their id only, unless they have connected.")
	}
	return append(known, found...), nil
}

// mostCandidates bounds what one link is looked up as.
const mostCandidates = 24

// Candidates are what in a text may be the id of a message: the whole, and of a link the pieces of its path and the values behind it. Ids of
// Teams' replies are made of that of the thread's first message and their own, so two pieces may be one id.
func Candidates(text string) []string {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return []string{text}
	}
	var pieces []string
	for _, p := range strings.Split(strings.Trim(u.EscapedPath(), "/"), "/") {
		if p, err := url.PathUnescape(p); err == nil && p != "" {
			pieces = append(pieces, p)
		}
	}
	var all []string
	add := func(id string) {
		if len(all) < mostCandidates && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(pieces) > 0 {
		last := pieces[len(pieces)-1]
		for _, key := range []string{"parentMessageId", "threadRootId"} {
			if root := u.Query().Get(key); root != "" && root != last {
				add(root + "/" + last)
			}
		}
	}
	for _, p := range slices.Backward(pieces) {
		add(p)
	}
	return all
}

// journey is what has become of one message.
type journey struct {
	head
	Origin, ID, Author, Name string
	Created, Edited          moment
	Number, Version          int64
	Deleted                  bool
	Root                     int64
	RootID                   string
	// Text is shown when the config wants that, and as long as it is kept; Hidden says why it is not.
	Text, Hidden string
	State        found
	Stops        []stop
}

// stop is an instance, with what keeps it.
type stop struct {
	store.Stop
	Name, State string
	// Mood is "well", "wait" or "bad".
	Mood    string
	Why     problem
	Posts   []posting
	Failed  []string
	Retry   string
	Drop    string
	Current bool
}

// posting is one post of it.
type posting struct {
	Number int
	ID     string
	As     string
	Shows  int64
	// Revision is the service's newest that was seen, as a time where it looks like one.
	Revision string
	Tried    moment
	Deleted  bool
}

func (d *Dashboard) message(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	id, _ := strconv.ParseInt(r.URL.Query().Get("id"), 10, 64)
	j, ok, err := d.o.Store.Journey(ctx, id)
	if err != nil {
		d.failed(w, g, err)
		return
	}
	if !ok {
		d.refuse(w, http.StatusNotFound, g, "There is no such message", "It may never have been read, or the store was begun anew since.")
		return
	}
	n := newNames(d.o.Gateway.Status(ctx))
	v := journey{head: d.head(r, g, "messages", "A message's journey"), Number: number(r, "id"), Origin: n.conversation(j.Origin), ID: string(j.OriginID), Author: string(j.Author), Created: moment{j.Created},
		Edited: moment{j.Edited}, Version: j.Version, Deleted: j.Deleted, Root: j.Root, RootID: string(j.RootID), State: listed(j.Sighting, n)}
	if j.Body != nil {
		v.Name = j.Body.Author.Name
	}
	switch {
	case j.Body == nil:
		v.Hidden = "Its text is not kept any more: everything has been delivered."
	case !d.o.Settings.ShowText:
		v.Hidden = "Texts are shown only with ShowText = true in [dashboard]."
	default:
		v.Text = j.Body.Text.PlainText()
	}
	for _, s := range j.Stops {
		v.Stops = append(v.Stops, stopped(s, j, n, d.o.Gateway.Attempt))
	}
	show(w, http.StatusOK, "message", v)
}

// stopped words how an instance stands.
func stopped(s store.Stop, j store.Journey, n names, attempt func(bridge.ConversationID) (gateway.Attempt, bool)) stop {
	one := stop{Stop: s, Name: n.conversation(s.Conversation), Current: s.Version >= j.Version, State: gateway.StopState(s), Mood: "well", Failed: gateway.FailureLines(s.Failed)}
	id := strconv.FormatInt(s.ID, 10)
	switch {
	case s.Reason != "":
		one.Mood = "bad"
		one.Why = problem{Text: s.Reason, For: ago(s.Quarantined, n.at), Next: "when the cause is mended, retry; or drop it, and it will not arrive there"}
		one.Retry, one.Drop = "confirm?"+query("do", "retry", "id", id), "confirm?"+query("do", "drop", "id", id)
	case s.IsOrigin && s.Phase == store.Live, s.Phase == store.Gone, s.Phase == store.Removed:
	case s.Held && s.Phase == store.Live && !s.Waiting:
		one.Mood = "wait"
		one.Why = problem{Text: "Causeway cannot act as them, and nobody else may in their stead", Next: "`causeway people list lost` shows who has to connect again"}
	case s.Held && !s.Waiting:
		one.Mood = "wait"
		one.Why = problem{Text: "only its author may write there, and Causeway cannot act as them", Next: "`causeway people list lost` shows who has to connect again"}
	case s.Waiting:
		one.Mood, one.Why = "wait", waits(s, n, attempt)
	}
	for _, p := range s.Posts {
		one.Posts = append(one.Posts, posted(p, s.IsOrigin))
	}
	return one
}

// waits says what keeps an instance that is in its lane: what has failed of its own, else of what is before it.
func waits(s store.Stop, n names, attempt func(bridge.ConversationID) (gateway.Attempt, bool)) problem {
	t := n.writing[s.Conversation.String()]
	a, failing := attempt(s.Conversation)
	switch {
	case failing && a.Instance == s.ID:
		p := trouble("", &a.Trouble, n.at)
		p.Text = fmt.Sprintf("%s (tried %s since Causeway was started, last at %s)", p.Text, gateway.Count(a.Times, "time"), moment{a.Last})
		return p
	case failing && t != nil:
		p := trouble("", t, n.at)
		p.Text = "what is before it in this conversation fails: " + p.Text
		return p
	case t != nil:
		return trouble("", t, n.at)
	case !s.Begun.IsZero():
		return problem{Text: "it has been tried, and whether it arrived is being found out", For: ago(s.Begun, n.at)}
	}
	return problem{Text: "others are before it in this conversation, or the service allows no more at present"}
}

func posted(p store.Posting, origin bool) posting {
	one := posting{Number: p.Number + 1, ID: string(p.ID), As: string(p.Writer), Shows: p.Version, Tried: moment{p.Tried}, Deleted: p.Deleted}
	switch {
	case origin:
		one.As = "its author"
	case one.As == "":
		one.As = "the relay"
	}
	if p.Revision > 0 {
		one.Revision = strconv.FormatInt(p.Revision, 10)
		if t := time.UnixMilli(p.Revision); t.Year() > 2000 && t.Year() < 2200 {
			one.Revision = moment{t}.String()
		}
	}
	return one
}

// fileStates are what is said of files.
var fileStates = map[store.FileState]string{store.FileMoving: "on its way", store.FileThere: "there", store.FileLeft: "cannot cross", store.FileLeaving: "being removed"}

// FileLines says how each file stands.
func (s stop) FileLines() []string {
	var all []string
	for _, f := range s.Files {
		text := fileStates[f.State]
		if f.Reason != "" {
			text += ": " + f.Reason
		}
		all = append(all, text)
	}
	return all
}
