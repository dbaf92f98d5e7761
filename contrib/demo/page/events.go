package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"causeway/contrib/demo/operator"
	"causeway/contrib/demo/stage"
	"causeway/contrib/demo/town"
)

const (
	// together is how long changes are gathered before they are sent: too short to be noticed.
	together = 12 * time.Millisecond
	// again is how often the figures are sent while they may change by time alone.
	again = 500 * time.Millisecond
	// sign is how often a stream that has nothing to tell shows that it lives.
	sign = 15 * time.Second
)

// hello is the first event of a stream: what does not change.
type hello struct {
	Sides    [2]sideView   `json:"sides"`
	Faults   []stage.Fault `json:"faults"`
	Emoji    any           `json:"emoji"`
	MaxText  int           `json:"maxText"`
	MaxFile  int           `json:"maxFile"` // bytes
	MaxFiles int           `json:"maxFiles"`
	About    string        `json:"about"`
	Folder   string        `json:"folder"`
}

type sideView struct {
	Service      string       `json:"service"`
	Organisation string       `json:"organisation"`
	People       []personView `json:"people"`
}

type personView struct {
	town.Person
	Twin string `json:"twin,omitempty"` // who they are on the other side
}

type placeView struct {
	town.Conversation
	Twin string `json:"twin,omitempty"` // the conversation on the other side
}

// news is every later event.
type news struct {
	Now      int64           `json:"now"`              // epoch ms
	Fresh    bool            `json:"fresh"`            // forget what was before
	Open     bool            `json:"open"`             // all is set up
	Places   *[2][]placeView `json:"places,omitempty"` // all conversations, when they have changed
	Messages []town.View     `json:"messages"`
	Counts   town.Counts     `json:"counts"`
	Causeway operator.State  `json:"causeway"`
	Faults   map[string]bool `json:"faults"`
	Talking  int             `json:"talking"`
	Mood     stage.Mood      `json:"mood"`
	Status   string          `json:"status"`
	Problem  string          `json:"problem,omitempty"`
}

// events is the stream: everything first, then what changes.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	stream := stream{w: w, control: http.NewResponseController(w)}
	if !stream.send("hello", p.hello()) {
		return
	}
	mark, fresh := uint64(0), true
	var shown [2][]placeView
	for {
		changed := p.stage.Town.Changed.Wait()
		var n news
		n, mark = p.news(mark) // before the places, so that there is one for each message
		if now := p.places(); !reflect.DeepEqual(now, shown) {
			n.Places, shown = &now, now
		}
		n.Fresh, fresh = fresh, false
		if !stream.send("news", n) {
			return
		}
		wait := sign
		if n.Mood != stage.Well {
			wait = again
		}
		if !next(r.Context(), changed, wait) {
			return
		}
	}
}

// next waits for a change, though not for ever, and for those that come along with it.
func next(ctx context.Context, changed <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-changed:
	}
	timer.Reset(together)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (p *Page) hello() hello {
	h := hello{
		Faults: p.stage.Faults(), Emoji: town.Emoji, MaxText: town.MaxText, MaxFile: town.MaxFile, MaxFiles: town.MaxFiles,
		About: p.stage.About(), Folder: p.stage.Operator.Folder(),
	}
	for _, where := range []town.Place{town.Left, town.Right} {
		side := p.stage.Town.Side(where)
		v := sideView{Service: side.Service(), Organisation: side.Organisation()}
		for _, one := range side.People() {
			v.People = append(v.People, personView{one, p.stage.Town.Counterpart(where, one.ID)})
		}
		h.Sides[where] = v
	}
	return h
}

// places gives all conversations by side.
func (p *Page) places() (all [2][]placeView) {
	for _, where := range []town.Place{town.Left, town.Right} {
		for _, c := range p.stage.Town.Side(where).Conversations() {
			all[where] = append(all[where], placeView{c, p.stage.Town.Twin(c.ID)})
		}
	}
	return all
}

// news gives what has changed after a mark.
func (p *Page) news(mark uint64) (news, uint64) {
	n := news{Now: time.Now().UnixMilli(), Open: p.stage.Open(), Causeway: p.stage.Operator.State(), Faults: map[string]bool{}}
	n.Messages, mark = p.stage.Town.Since(mark)
	n.Counts = p.stage.Counts()
	for _, f := range p.stage.Faults() {
		n.Faults[f.Name] = p.stage.FaultOn(f.Name)
	}
	var failed error
	if n.Talking, failed = p.stage.Talking(); failed != nil {
		n.Problem = failed.Error()
	}
	n.Mood, n.Status = p.stage.Status(n.Counts)
	return n, mark
}

// stream writes events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send reports whether anybody still listens.
func (s stream) send(name string, value any) bool {
	data, err := json.Marshal(value)
	if err != nil {
		return false
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
