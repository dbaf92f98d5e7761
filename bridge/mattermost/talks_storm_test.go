package mattermost_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/mattermost"
)

// people of the storm; some have agreed to a connection.
var stormy = map[string]bool{"alice": true, "bob": true, "carol": false, "dave": true, "erin": false}

// Whatever is cut, forgotten, restarted, taken away or killed: all that is said, changed and deleted in people's talks is known in the end, as it looks then,
// and nothing of a talk without any of them.
func TestATalkStorm(t *testing.T) {
	for name, role := range profiles {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) { talkStorm(t, role, seed) })
		}
	}
}

func talkStorm(t *testing.T, role string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	g := gather(t, role, mattermost.ObserveAuto, "alice", "bob", "carol", "dave", "erin")
	g.again = true
	for _, stranger := range []string{"zoe", "yan"} {
		g.ids[stranger] = g.sim.AddUser(stranger).Id
	}
	var observed []bridge.Observed
	for name, agreed := range stormy {
		observed = append(observed, bridge.Observed{User: g.user(name), Online: agreed})
	}
	g.talks.Observe(observed...)
	g.runs()
	talks := [][]string{{"alice", "bob"}, {"alice", "carol"}, {"carol", "erin"}, {"bob", "dave", "zoe"}, {"erin", "zoe"}, {"alice", "bob", "carol", "dave", "erin"}, {"dave", "yan"}, {"alice"}}
	strangers := g.sim.Direct("zoe", "yan").Id
	all := map[string]string{} // who wrote what
	var ids []string
	for range 150 {
		talk := talks[random.IntN(len(talks))]
		who := talk[random.IntN(len(talk))]
		channel := ""
		switch len(talk) {
		case 1:
			channel = g.sim.Direct(talk[0], talk[0]).Id
		case 2:
			channel = g.sim.Direct(talk[0], talk[1]).Id
		default:
			channel = g.sim.Group(talk...).Id
		}
		id := g.speaks(who, channel, fmt.Sprint("message ", len(ids)))
		all[id] = who
		ids = append(ids, id)
		other := ids[random.IntN(len(ids))]
		switch random.IntN(12) {
		case 0:
			_ = g.sim.Edit(all[other], other, fmt.Sprint("edited ", len(ids))) // it may be deleted
		case 1:
			_ = g.sim.Delete(all[other], other)
		case 2:
			_ = g.sim.React(all[other], other, "heart")
		case 3:
			_ = g.sim.Unreact(all[other], other, "heart")
		case 4:
			g.sim.CutWebsockets(true)
		case 5:
			g.sim.CutWebsockets(false)
		case 6:
			g.sim.SetOutage(true)
			g.speaks("zoe", strangers, "none of Causeway's business")
			g.sim.SetOutage(false)
		case 7:
			if random.IntN(3) == 0 {
				g.sim.Restart()
			}
		case 8:
			if random.IntN(3) == 0 {
				g.end()
				g.connectAgain()
				g.runs()
			}
		}
		if random.IntN(4) == 0 {
			time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		}
	}
	type look struct {
		Deleted bool
		Text    string
		Hearts  int
	}
	want, got := map[string]look{}, map[string]look{}
	for id := range all {
		if view, _ := g.sim.Look(id); view.Deleted {
			want[id] = look{Deleted: true}
		} else {
			want[id] = look{Text: view.Text, Hearts: len(view.Reaction["heart"])}
		}
	}
	known := func() bool {
		for id := range all {
			s, _ := g.talks.State(id)
			got[id] = look{Text: said(s), Hearts: len(s.Reactions)}
			if s.Deleted {
				got[id] = look{Deleted: true}
			}
			if s.ID == "" && want[id].Deleted { // it came and went while nobody looked
				got[id] = want[id]
			}
		}
		return cmp.Equal(want, got)
	}
	for end := time.Now().Add(20 * time.Second); !known(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
		}
	}
	if got := g.meetings(strangers); len(got) != 0 {
		t.Errorf("a conversation of strangers was met: %v", got)
	}
	for name, agreed := range stormy {
		if !agreed && g.online(name) {
			t.Errorf("%s is %s", name, g.sim.Status(name))
		}
	}
}
