package people

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// running lets a stage's People run until stop is called.
func (s *stage) running() (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() { s.people.Run(ctx) })
	return func() {
		cancel()
		tasks.Wait()
	}
}

// told gives what alice was told, and whether by a button.
func told(s *stage, part string) (n, choices int) {
	for _, notice := range s.mm.Notices() {
		if notice.User == "alice" && strings.Contains(text(notice.Text), part) {
			n++
			choices += len(notice.Choices)
		}
	}
	return n, choices
}

const farewell = "You are not connected with Microsoft Teams any more"

func TestDisconnectingDeliversFirstAndLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		s.carrier.hold(1)
		defer s.running()()
		s.types("alice", "/msteams disconnect")
		if got := s.stored(); !strings.HasSuffix(got, "msteams.contoso=alice:leaving") { // at home they leave as soon as that is noticed
			t.Error(got)
		}
		time.Sleep(leavingWait - time.Minute)
		if got := s.stored(); got != "mattermost.hq=alice:leaving msteams.contoso=alice:leaving" {
			t.Error(got)
		}
		if n, _ := told(s, farewell); n != 0 || s.mm.Grants("alice")+s.teams.Grants("alice") != 2 {
			t.Error("it does not wait for what is to be delivered")
		}
		s.carrier.hold(0)
		time.Sleep(2 * leavingLook)
		if got := s.stored(); got != "" || s.mm.Grants("alice")+s.teams.Grants("alice") != 0 {
			t.Errorf("%q and %d grants are left", got, s.mm.Grants("alice")+s.teams.Grants("alice"))
		}
		time.Sleep(time.Hour)
		if n, _ := told(s, farewell); n != 1 {
			t.Errorf("told %d times: %+v", n, s.mm.Notices())
		}
	})
}

func TestDisconnectingDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		s.carrier.hold(1)
		defer s.running()()
		s.types("alice", "/msteams disconnect")
		time.Sleep(leavingWait + 2*leavingLook)
		if got := s.stored(); got != "" {
			t.Error(got)
		}
	})
}

// stubborn puts mutes back only when it is let.
type stubborn struct {
	mutex sync.Mutex
	asked map[bridge.UserID]int
	done  bool
	err   error
}

func (m *stubborn) Undo(_ context.Context, i store.Identity) (bool, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.asked[i.User]++
	return m.done, m.err
}

func (m *stubborn) wasAsked(u bridge.UserID) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.asked[u] > 0
}

func (m *stubborn) let(done bool, err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.done, m.err = done, err
}

func TestDisconnectingGoesOnAfterARestartWhateverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		mutes := &stubborn{asked: map[bridge.UserID]int{}}
		s.people.mutes = mutes
		stop := s.running()
		s.types("alice", "/msteams disconnect")
		time.Sleep(10 * time.Second)
		if s.stored() == "" || !mutes.wasAsked("alice") {
			t.Error("mutes are not put back first")
		}
		mutes.let(false, errors.New("cannot put back"))
		time.Sleep(time.Minute)
		stop()
		mutes.let(true, nil)
		s.fails(memory.Release, memory.Fails(bridge.Transient))
		again := New(s.people.o)
		again.mutes = mutes
		s.people = again
		stop = s.running()
		time.Sleep(10 * time.Minute)
		if got := s.stored(); got != "mattermost.hq=alice:leaving msteams.contoso=alice:leaving" || s.teams.Grants("alice") != 1 {
			t.Errorf("while releasing fails: %q", got)
		}
		if n := strings.Count(s.log.String(), "trying again"); n > 4 {
			t.Errorf("the log repeats itself %d times:\n%s", n, s.log)
		}
		s.fails("", nil)
		time.Sleep(leavingSlowest + 2*leavingLook)
		if n, _ := told(s, farewell); s.stored() != "" || n != 1 {
			t.Errorf("left %q, told %d times", s.stored(), n)
		}
		stop()
	})
}

func TestDisconnectingOneTenantLeavesTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, twoTenants)
		defer s.close()
		connected(s, tmAccount, faAccount)
		s.types("alice", "/msteams platform fabrikam")
		defer s.running()()
		s.types("alice", "/msteams disconnect fabrikam")
		time.Sleep(2 * leavingLook)
		if got := s.stored(); got != aliceIs {
			t.Error(got)
		}
		if n, _ := told(s, "You are not connected with Microsoft Teams (Fabrikam) any more"); n != 1 || s.fabrikam.Grants("alice") != 0 || s.teams.Grants("alice") != 1 {
			t.Errorf("told %d times", n)
		}
		s.types("alice", "/msteams disconnect")
		time.Sleep(2 * leavingLook)
		if got := s.stored(); got != "" {
			t.Error(got)
		}
	})
}

func TestWhoTheyAreIsKeptOnlyWhenWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(o *setting) { o.people.KeepMapping = true })
		defer s.close()
		connected(s, tmAccount)
		s.types("alice", "/msteams platform teams")
		defer s.running()()
		s.types("alice", "/msteams disconnect")
		time.Sleep(2 * leavingLook)
		if got := s.stored(); got != "mattermost.hq=alice:kept msteams.contoso=alice:kept" || s.mm.Grants("alice")+s.teams.Grants("alice") != 0 {
			t.Error(got)
		}
		if got := text(s.types("alice", "/msteams status").Text); !strings.Contains(got, "not connected") {
			t.Errorf("told %q", got)
		}
		s.both("alice").open(s.link("alice")).press(pressBegin).press(pressFinish).wants(donePage)
		if got := s.stored(); got != aliceIs {
			t.Error(got)
		}
	})
}

func TestLossIsToldOnceWithAButtonThatConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		s.fails(memory.Notify, memory.Fails(bridge.Transient))
		defer s.running()()
		lose := func(server bridge.ServerID) {
			if _, err := s.store.Turn(t.Context(), server, "alice", store.Connected, store.Lost, "refused"); err != nil {
				t.Error(err)
			}
			s.people.Noticed()
		}
		for range 3 {
			lose("msteams:1")
		}
		synctest.Wait()
		if got := s.stored(); got != "mattermost.hq=alice:connected msteams.contoso=alice:lost" {
			t.Error(got)
		}
		s.fails("", nil)
		time.Sleep(time.Minute)
		lose("msteams:1")
		time.Sleep(time.Hour)
		const lost = "Causeway cannot write as Alice Chen in Microsoft Teams any more."
		if n, choices := told(s, lost); n != 1 || choices != 1 {
			t.Fatalf("told %d times, %d buttons: %+v", n, choices, s.mm.Notices())
		}
		var button string
		for _, n := range s.mm.Notices() {
			button = n.Choices[0].Token
		}
		var links []string
		for range 2 { // a fresh link each time
			links = append(links, s.linkIn(s.mm.Press(t.Context(), "alice", button).Text))
		}
		b := s.both("alice")
		b.open(links[0]).wants(goneLink)
		b.open(links[1]).press(pressBegin).press(pressFinish).wants(donePage)
		if got := s.stored(); got != aliceIs {
			t.Error(got)
		}
		lose("mattermost:1")
		synctest.Wait()
		if n, choices := told(s, "Causeway cannot write as Alice Chen in Mattermost any more."); n != 1 || choices != 1 || !strings.HasPrefix(s.stored(), "mattermost.hq=alice:lost") {
			t.Errorf("told %d times, %d buttons; %s", n, choices, s.stored())
		}
	})
}

func TestWhatAnotherProcessStoresIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		defer s.running()()
		synctest.Wait()
		other, err := store.Open(t.Context(), s.name, s.store.Keys(), store.Options{VFS: "memdb"})
		if err != nil {
			t.Fatal(err)
		}
		s.carrier.hold(1)
		if _, err := other.Turn(t.Context(), "msteams:1", "alice", store.Connected, store.Leaving, ""); err != nil {
			t.Error(err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		s.people.Noticed() // as the gateway says, which watches the store
		synctest.Wait()
		if got := s.stored(); got != "mattermost.hq=alice:leaving msteams.contoso=alice:leaving" {
			t.Error(got)
		}
		s.carrier.hold(0)
		time.Sleep(2 * leavingLook)
		if got := s.stored(); got != "" {
			t.Error(got)
		}
	})
}

// TestAnAccountThatIsNotInTheConfigAnyMoreCanBeLeft by command, on one's own page, and by an administrator.
func TestAnAccountThatIsNotInTheConfigAnyMoreCanBeLeft(t *testing.T) {
	ways := map[string]func(s *stage){
		"by command": func(s *stage) {
			if got := text(s.types("alice", "/msteams disconnect").Text); !strings.Contains(got, "NAME with one of these names: contoso, fabrikam") {
				s.Errorf("told %q", got)
			}
			s.types("alice", "/msteams disconnect fabrikam")
		},
		"on the page": func(s *stage) {
			b, address := s.both("alice"), s.linkIn(s.types("alice", "/msteams status").Text)
			forms := b.open(address).wants(mePage).forms
			b.follow(b.ask(http.MethodPost, address, "same-origin", forms[len(forms)-1].fields), address).wants(mePage)
		},
		"by an administrator": func(s *stage) {
			done, err := s.people.Administer(s.Context(), Administrator{}, Order{Act: ActDisconnect, Names: []string{"alice"}})
			if err != nil || len(done) != 1 || done[0].Text != "is being disconnected from Microsoft Teams and msteams.fabrikam; what they have said is delivered first" {
				s.Errorf("%+v %v", done, err)
			}
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, func(o *setting) { o.tenants = 2 })
				defer s.close()
				connected(s, tmAccount, faAccount)
				if err := s.people.choose(t.Context(), s.alice(), s.people.accounts[tmAccount], false); err != nil {
					t.Fatal(err)
				}
				o := s.people.o
				o.Accounts = o.Accounts[:2] // and a restart
				s.restart(o)
				way(s)
				defer s.running()()
				time.Sleep(time.Minute)
				want := map[bool]string{false: aliceIs + " prefers msteams.contoso false", true: ""}[name == "by an administrator"]
				if got := s.stored(); got != want {
					t.Errorf("stored %q, want %q", got, want)
				}
				if kept, err := s.store.Vault(faAccount).Load(t.Context(), bridge.PersonGrant("alice")); kept != nil || err != nil {
					t.Errorf("what was kept is there still (%v)", err)
				}
				if n, _ := told(s, "msteams.fabrikam"); n != 1 {
					t.Errorf("told %+v", s.mm.Notices())
				}
			})
		})
	}
}

func (s *stage) alice() store.Person {
	s.Helper()
	p, _, err := s.store.PersonOf(s.Context(), "mattermost:1", "alice")
	if err != nil {
		s.Fatal(err)
	}
	return p
}
