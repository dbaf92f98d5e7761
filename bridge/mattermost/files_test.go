package mattermost_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// A server that somebody asked while it attached the files of a post tells of some of them only, for good.
func TestFilesThatTheServerDoesNotDescribe(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.say("alice", "before")
	attached := []sim.Attachment{{Name: "a.txt", Data: []byte("a")}, {Name: "b.txt", Data: []byte("bb")}, {Name: "c.txt", Data: []byte("ccc")}}
	whole, err := b.sim.PostFiles("alice", b.channel, "whole", attached...)
	b.must(err)
	b.arrives(whole, "whole")
	b.stop()

	partial, err := b.sim.PostFiles("alice", b.channel, "partial", attached...)
	b.must(err)
	none, err := b.sim.PostFiles("alice", b.channel, "none", attached...)
	b.must(err)
	b.sim.ReadBetween(whole, 1)
	b.sim.ReadBetween(partial, 1)
	b.sim.ReadBetween(none, 0)
	b.connect(b.sim.URL())
	b.start()
	b.arrives(none, "none")
	for _, id := range []string{whole, partial, none} {
		read, err := b.account.Read(t.Context(), b.conv, bridge.MessageID(id))
		b.must(err)
		for way, s := range map[string]bridge.State{"caught up": b.inbox.state(id), "read": read} {
			if got, want := described(s), []string{"a.txt 1", "b.txt 2", "c.txt 3"}; !cmp.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", said(s), way, got, want)
			}
		}
	}
}

func described(s bridge.State) (files []string) {
	for _, f := range s.Files {
		files = append(files, fmt.Sprint(f.Name, " ", f.Size))
	}
	slices.Sort(files) // of one millisecond they have no order
	return files
}
