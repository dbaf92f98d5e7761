package matrix

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	bridgemm "causeway/bridge/mattermost"
	"causeway/contrib/sim/teams"
)

// How long a direct message takes from being said on one side until it stands on the other one: both stand-ins, both bridges, the gateway and its store on
// disk are in this process, and nothing else is said but what is measured.
func BenchmarkDelayOfADirectMessage(b *testing.B) {
	b.Run("told", func(b *testing.B) {
		d := newDelays(b, making{observe: bridgemm.ObserveWebsocket, receive: "rich"}, 2)
		d.row(b, "from Mattermost by websocket", func() []time.Duration { return d.talk(d.all[:1], "here", 200, 200*time.Millisecond) })
		d.row(b, "from Teams by change notifications", func() []time.Duration { return d.talk(d.all[1:], "there", 200, 200*time.Millisecond) })
	})
	b.Run("asked", func(b *testing.B) {
		d := newDelays(b, making{observe: bridgemm.ObservePoll, receive: "poll"}, 20)
		d.row(b, "from Mattermost by asking, while people talk", func() []time.Duration { return d.talk(d.all, "here", 10, time.Second) })
		d.row(b, "from Teams by asking, while people talk", func() []time.Duration { return d.talk(d.all, "there", 10, time.Second) })
	})
	b.Run("silent", func(b *testing.B) {
		d := newDelays(b, making{observe: bridgemm.ObservePoll, receive: "poll"}, 50) // of many more, the 20 reads a second that Graph allows would be what is measured
		time.Sleep(quiet)
		d.row(b, "from Mattermost by asking, the first word", func() []time.Duration { return d.talk(d.all, "here", 1, 30*time.Second) })
		time.Sleep(quiet)
		d.row(b, "from Teams by asking, the first word", func() []time.Duration { return d.talk(d.all, "there", 1, 30*time.Second) })
	})
}

// quiet is how long nothing has been said before a first word: longer than it takes until Mattermost is asked as rarely as can be.
const quiet = 3 * time.Minute

// delays is a world in which it is measured when something stands on the other side.
type delays struct {
	*world
	all []*duo
	n   int

	mu sync.Mutex
	// awaited are told when what they name stands in Mattermost ("here") or Teams.
	awaited map[string]chan time.Time
}

// duo is a direct conversation of somebody who is connected with somebody who is matched.
type duo struct {
	one     *person
	channel string
	chat    *teams.Channel
}

var marked = regexp.MustCompile(`#\d+\.`)

// newDelays makes so many conversations, and has something be said in each that has arrived.
func newDelays(b *testing.B, m making, conversations int) *delays {
	b.Helper()
	d := &delays{awaited: map[string]chan time.Time{}}
	m.profile, m.file = bridgemm.ProfileSimple, filepath.Join(b.TempDir(), "causeway.db")
	m.posted = func(e *model.WebSocketEvent) {
		if text, _ := e.GetData()["post"].(string); e.EventType() == model.WebsocketEventPosted {
			d.stands("here", text)
		}
	}
	m.answered = func(a teams.Answer) {
		if a.Method == http.MethodPost && a.Status == http.StatusCreated {
			d.stands("there", string(a.Body))
		}
	}
	d.world = newWorld(b, m)
	d.run(func() {
		for n := range conversations {
			one, other := d.person(fmt.Sprint("one", n), fmt.Sprintf("One %d", n)), d.person(fmt.Sprint("other", n), fmt.Sprintf("Other %d", n))
			d.connects(one, here)
			d.matches(other)
			d.all = append(d.all, &duo{one: one, channel: d.mm.Direct(one.name, other.name).Id, chat: d.tenant.AddChat(one.there, other.there)})
		}
	})
	d.talk(d.all, "here", 1, time.Second)
	d.talk(d.all, "there", 1, time.Second)
	return d
}

// stands notes what stands on a side.
func (d *delays) stands(side, text string) {
	now, token := time.Now(), marked.FindString(text)
	d.mu.Lock()
	defer d.mu.Unlock()
	if told := d.awaited[side+token]; told != nil {
		told <- now
		delete(d.awaited, side+token)
	}
}

// talk has something be said in each of these conversations, so often, with a random pause of at most that before; and gives how long it took to stand on
// the other side.
func (d *delays) talk(in []*duo, side string, often int, pause time.Duration) (all []time.Duration) {
	other := map[string]string{"here": "there", "there": "here"}[side]
	var talking sync.WaitGroup
	for _, one := range in {
		talking.Go(func() {
			for range often {
				time.Sleep(rand.N(pause))
				arrived := make(chan time.Time, 1)
				d.mu.Lock()
				d.n++
				token := fmt.Sprintf("#%d.", d.n)
				d.awaited[other+token] = arrived
				d.mu.Unlock()
				began := time.Now()
				var err error
				if side == "here" {
					_, err = d.mm.Post(one.one.name, one.channel, token)
				} else {
					_, err = d.teams.Say(one.one.there, one.chat, "<p>"+token+"</p>")
				}
				if err != nil {
					d.Errorf("saying %s: %v", token, err)
					return
				}
				select {
				case at := <-arrived:
					d.mu.Lock()
					all = append(all, at.Sub(began))
					d.mu.Unlock()
				case <-time.After(2 * patience):
					d.Errorf("%s has not arrived", token)
					return
				}
			}
		})
	}
	talking.Wait()
	return all
}

// row reports what was measured.
func (d *delays) row(b *testing.B, what string, measure func() []time.Duration) {
	b.Run(what, func(b *testing.B) {
		all := measure()
		slices.Sort(all)
		for b.Loop() {
		}
		if len(all) == 0 {
			b.Fatal("nothing has arrived")
		}
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "median-ms")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(len(all)), "messages")
		b.ReportMetric(0, "ns/op")
	})
}
