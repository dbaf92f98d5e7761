package dashboard

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// kept gives the audit log, the newest first, without ids and times.
func (s *stage) kept() []store.Audited {
	s.Helper()
	all, err := s.store.Audit(s.Context(), 0, 20)
	if err != nil {
		s.Fatal(err)
	}
	for i := range all {
		all[i].ID, all[i].At = 0, time.Time{}
	}
	return all
}

// TestUpkeepLooksAndSaysWhatItHasFound: what the command line says stands on the page, and that it was done in the audit log.
func TestUpkeepLooksAndSaysWhatItHasFound(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.wants(s.page("/upkeep"), `href="confirm?do=channels&amp;account=left.one"`, `href="confirm?do=login&amp;account=right.two"`)
	if strings.Contains(s.page("/upkeep"), "do=login&amp;account=left.one") {
		t.Error("an account that needs no login can be signed in")
	}
	s.wants(s.press("/confirm?do=check"), "Everything was looked at: 1 problem, 1 warning.", "account right.two", "nobody has &lt;signed&gt; in", "run: causeway login right.two", `<span class="state bad">problem</span>`)
	s.wants(s.press("/confirm?do=checkstore"), "The store was looked through: no problem.", "7 rows")
	s.wants(s.press("/confirm?do=channels&account=left.one"), "1 channel, each", "channel = &#34;main/town&#34;")
	s.wants(s.press("/confirm?do=channels&account=right.two"), "nobody has signed in", "main/town") // what was found before stays
	s.wants(s.press("/confirm?do=reload"), "<p>gateway town: changed</p>", "<p>LogLevel: debug</p>")
	who := "dashboard on this machine"
	if diff := cmp.Diff([]store.Audited{
		{Who: who, Act: "reload", About: "config", Result: "gateway town: changed LogLevel: debug"},
		{Who: who, Act: "channels", About: "right.two", Result: "nobody has signed in", Failed: true},
		{Who: who, Act: "channels", About: "left.one", Result: "The channels of left.one: no problem."},
		{Who: who, Act: "store check", Result: "The store was looked through: no problem."},
		{Who: who, Act: "check", Result: "Everything was looked at: 1 problem, 1 warning."},
	}, s.kept()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// TestAnAccountIsSignedInFromThePage: the page shows what to do until it is done; a second press begins no second one, and the end of Causeway ends it.
func TestAnAccountIsSignedInFromThePage(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	until := func(want string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !strings.Contains(s.page("/upkeep"), want); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the page never says %q:\n%s", want, s.page("/upkeep"))
			}
		}
	}
	s.press("/confirm?do=login&account=right.two")
	until(`<a href="https://login.example/device" rel="noreferrer" target="_blank"> https://login.example/device.</a> Enter ABC.`)
	s.wants(s.press("/confirm?do=login&account=right.two"), "is being signed in already")
	s.wants(s.press("/confirm?do=login&account=left.one"), "choose one on the page")
	s.entered <- nil
	until("right.two is signed in.")
	s.press("/confirm?do=login&account=right.two")
	s.entered <- errors.New("the code has expired")
	until("right.two was not signed in: the code has expired")
	s.press("/confirm?do=login&account=right.two")
	until("is being signed in")
	stop()
	<-ended
	s.wants(s.page("/upkeep"), "right.two was not signed in: context canceled")
	s.wants(s.press("/confirm?do=login&account=right.two"), "it is being stopped")
	who := "dashboard on this machine"
	if diff := cmp.Diff([]store.Audited{
		{Who: who, Act: "login", About: "right.two", Result: "context canceled", Failed: true},
		{Who: who, Act: "login", About: "right.two", Result: "the code has expired", Failed: true},
		{Who: who, Act: "login", About: "right.two", Result: "right.two is signed in. Causeway uses it within a few minutes."},
		{Who: who, Act: "login", About: "left.one", Result: "no account of that name is signed in by a person: choose one on the page", Failed: true},
	}, s.kept()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// TestUpkeepBacksUpSetsTheLevelAndLinksChannels, and shows each.
func TestUpkeepBacksUpSetsTheLevelAndLinksChannels(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.wants(s.page("/upkeep"), "Logging: info", `href="confirm?do=loglevel&amp;level=debug"`, "None beside the gateways of the config.")
	if strings.Contains(s.page("/upkeep"), "level=info") {
		t.Error("the level that counts can be set")
	}
	s.wants(s.press("/confirm?do=backup"), "/var/backup.db holds the store.")
	s.wants(s.press("/confirm?do=loglevel&level=debug"), "Logging: debug", "Causeway logs by the level debug now.")
	s.wants(s.press("/confirm?do=loglevel&level=loud"), "Logging: debug", "there is no such level")
	s.wants(s.page("/confirm?do=link&one=left.one:a&two=right.two:b"), "<h1>Link left.one:a and right.two:b?</h1>")
	s.wants(s.press("/confirm?do=link&one=left.one:a&two=left.one:a"), "both are the same channel", "None beside the gateways")
	s.wants(s.press("/confirm?do=link&one=left.one:a&two=right.two:b"), "left.one:a and right.two:b are linked.", "left.one:a &lt;shown&gt;", "dashboard on this machine",
		`href="confirm?do=unlink&amp;one=left.one%3Aa&amp;two=right.two%3Ab"`)
	s.wants(s.press("/confirm?do=unlink&one=left.one:a&two=right.two:b"), "are not linked any more", "None beside the gateways of the config.")
	who := "dashboard on this machine"
	if diff := cmp.Diff([]store.Audited{ // that channels were linked is kept by whoever does it
		{Who: who, Act: "log level", About: "loud", Result: "there is no such level", Failed: true},
		{Who: who, Act: "log level", About: "debug", Result: "Causeway logs by the level debug now."},
		{Who: who, Act: "store backup", Result: "/var/backup.db holds the store."},
	}, s.kept()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}
