package people

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// BenchmarkTwoThousandPeople measures what duties do at a start: 2,000 people who prefer to be notified elsewhere, 100 channels, each person in 10.
// It tells the time until all are muted for the first time, the work of a start after that, and the memory that duties keep.
func BenchmarkTwoThousandPeople(b *testing.B) {
	const people, channels, each = 2000, 100, 10
	log := logrus.New()
	log.SetOutput(io.Discard)
	home, away := memory.NewService(homeServer, memory.Options{OwnRight: true}), memory.NewService(awayServer, memory.Options{NoCommands: true, NoMute: true})
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	opened, err := store.Open(b.Context(), b.TempDir()+"/causeway.db", keys, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	r := &road{servers: map[bridge.AccountName]bridge.ServerID{homeAccount: homeServer, awayAccount: awayServer}, changed: make(chan struct{}), broken: map[bridge.ChannelID]bool{}}
	members := map[bridge.ChannelID][]bridge.UserID{}
	for n := range people {
		u := bridge.UserID(fmt.Sprintf("%026d", n))
		var ends [2]store.End
		for i, one := range []struct {
			account bridge.AccountName
			service *memory.Service
		}{{homeAccount, home}, {awayAccount, away}} {
			one.service.AddUser(profile(u))
			ends[i] = store.End{Identity: store.Identity{Account: one.account, Server: one.service.Server(), User: u, Name: string(u), Username: string(u), Email: string(u)}, Grant: make([]byte, 2000)}
		}
		p, err := opened.Connect(b.Context(), "", ends, 0)
		if err == nil {
			err = opened.Prefer(b.Context(), p.ID, awayAccount, false)
		}
		if err != nil {
			b.Fatal(err)
		}
		for k := range each {
			c := bridge.ChannelID(fmt.Sprint("channel", (n+k*7)%channels))
			members[c] = append(members[c], u)
		}
	}
	for c, all := range members {
		for _, s := range []*memory.Service{home, away} {
			s.AddChannel(c, "team/"+string(c))
			s.SetMembers(c, all...)
		}
		r.routes = append(r.routes, carried(c)...)
	}
	o := Options{
		Accounts: []Account{
			{Name: homeAccount, Title: "Mattermost", With: []bridge.AccountName{awayAccount}, Bridge: home.Account(homeAccount, "bot")},
			{Name: awayAccount, Title: "Microsoft Teams", With: []bridge.AccountName{homeAccount}, Bridge: away.Account(awayAccount, "bot")},
		},
		Settings: config.People{Enable: true, SyncInterval: time.Hour, OnTeamsUserRemoved: config.RemovedDeactivate},
		Store:    opened, Gateway: r, PublicURL: "https://causeway.example", Log: logrus.NewEntry(log),
	}
	pass := func(m *muting) time.Duration {
		began := time.Now()
		mirrors, talkers, _ := m.mirrors()
		if _, err := m.pass(context.Background(), m.view(mirrors, talkers, m.arriving(mirrors)), func() bool { return false }); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	first := pass(newMuting(New(o)))
	mutes, err := opened.Mutes(b.Context())
	if err != nil || len(mutes) != people*each {
		b.Fatal(len(mutes), err)
	}
	var start time.Duration
	var kept uint64
	for b.Loop() {
		before := heap()
		p := New(o)
		m := newMuting(p)
		start = pass(m)
		began := time.Now()
		if _, err := p.Sync(b.Context(), false, 0); err != nil {
			b.Fatal(err)
		}
		start += time.Since(began)
		kept = heap() - before
		runtime.KeepAlive(m)
	}
	b.ReportMetric(first.Seconds(), "s/first")
	b.ReportMetric(start.Seconds(), "s/start")
	b.ReportMetric(float64(kept)/1e6, "MB/kept")
}

// heap gives the bytes in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
