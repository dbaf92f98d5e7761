package msteams

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// richWorld is an account that receives by change notifications.
type richWorld struct {
	*simWorld
	account *account
	inbox   *testInbox
	town    bridge.ConversationID
	stop    func()
}

// inFakeTime runs a test in fake time. One that goes on for longest of real time never ends, as where two wait for each other's locks, of which
// fake time knows nothing: then all end, and show where they are.
func inFakeTime(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	const longest = 15 * time.Minute // under the race detector on a busy machine some take minutes
	stuck := time.AfterFunc(longest, func() {
		debug.SetTraceback("all")
		panic(t.Name() + " does not end")
	})
	defer stuck.Stop()
	synctest.Test(t, test)
}

// inRichWorld runs a test in fake time, with the channel General covered by a subscription.
func inRichWorld(t *testing.T, opts teams.Options, test func(w *richWorld)) {
	t.Helper()
	inFakeTime(t, func(t *testing.T) {
		w := &richWorld{simWorld: newSimWorld(t, opts)}
		w.richly()
		w.town = w.id(w.general)
		w.inbox = newTestInbox(w.town)
		w.start()
		defer func() { w.stop() }()
		test(w)
	})
}

// start begins to receive and waits until nothing more happens.
func (w *richWorld) start() {
	w.Helper()
	w.account = w.connected()
	w.stop = w.running(w.account, w.inbox)
	time.Sleep(10 * time.Second)
}

// reads counts the calls of Graph that read messages.
func (w *richWorld) reads() int {
	n := w.sim.Count("POST", "/$batch")
	for _, r := range w.sim.Requests() {
		if r.Method == http.MethodGet && strings.Contains(r.Template, "messages") {
			n++
		}
	}
	return n
}

func (w *richWorld) speak(text string) string {
	w.Helper()
	id, err := w.sim.Say(w.alice, w.general, "<p>"+text+"</p>")
	w.do(err)
	return id
}

// converged fails unless the newest state of each message is what people see.
func (w *richWorld) converged(want int) {
	w.Helper()
	count := 0
	for _, root := range w.sim.Messages(w.general) {
		for _, m := range append([]teams.Message{root}, root.Replies...) {
			count++
			id := messageID(m.RootID, m.ID)
			s := w.inbox.state(w.town, string(id))
			if s.Deleted != m.Deleted || s.ID == "" {

				w.Errorf("%s: deleted is %v in the inbox (known: %v), %v in Teams", id, s.Deleted, s.ID != "", m.Deleted)
			}
			if m.Deleted {
				continue
			}
			if got := plain(s.Text); got != m.Text {
				w.Errorf("%s: the inbox has %q, Teams %q", id, got, m.Text)
			}
			if len(s.Reactions) != len(m.Reactions) {
				w.Errorf("%s: the inbox has %d reactions, Teams %d", id, len(s.Reactions), len(m.Reactions))
			}
		}
	}
	if count != want {
		w.Errorf("Teams has %d messages, want %d", count, want)
	}
}

// subscriber is that of the present run.
func (w *richWorld) subscriber() *subscriber {
	w.account.mu.Lock()
	defer w.account.mu.Unlock()
	return w.account.subscriber
}

func (w *richWorld) subscription() teams.Subscription {
	w.Helper()
	all := w.sim.Subscriptions()
	if len(all) != 1 {
		w.Fatalf("there are %d subscriptions, want 1", len(all))
	}
	return all[0]
}

// logged fails unless the log holds a text so many times.
func (w *richWorld) logged(text string, times int) {
	w.Helper()
	if n := strings.Count(w.log.String(), text); n != times {
		w.Errorf("%q is logged %d times, want %d, in:\n%s", text, n, times, w.log.String())
	}
}

// talk makes people do everything that there is to do, over n minutes.
func (w *richWorld) talk(n int) (messages int) {
	w.Helper()
	for i := range n {
		first, second := w.speak(fmt.Sprint("first ", i)), w.speak(fmt.Sprint("second ", i))
		reply, err := w.sim.Reply(w.bob, w.general, first, "<p>answer</p>")
		w.do(err)
		time.Sleep(20 * time.Second)
		w.do(w.sim.Edit(w.alice, w.general, second, "<p>edited</p>"))
		w.do(w.sim.React(w.bob, w.general, first, "👍"))
		time.Sleep(20 * time.Second)
		w.do(w.sim.Edit(w.bob, w.general, reply, "<p>another answer</p>"))
		w.do(w.sim.Delete(w.alice, w.general, second))
		if i%2 == 0 {
			w.do(w.sim.Unreact(w.bob, w.general, first, "👍"))
		}
		time.Sleep(20 * time.Second)
	}
	return 3 * n
}

func TestNotificationsNeedNoReading(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		if s := w.account.Status(); s.Receiving != byNotifications || s.Why != "" || len(s.Facts) == 0 || !strings.Contains(s.Facts[0].Value, "1 of 1 alive") {
			t.Errorf("the status is %+v", s)
		}
		time.Sleep(2 * usualDelay) // as long as the subscription is new
		w.sim.ResetRequests()
		messages := w.talk(100)
		if n := w.reads(); n != 0 {
			t.Errorf("%d reads", n)
		}
		w.converged(messages)
		w.inbox.inOrder(w.TB)
		t.Logf("Graph calls per message received = %.2f; in %v of talk %v", float64(w.reads())/float64(messages), 100*time.Minute, w.sim.Calls(nil))
	})
}

// inOrder fails unless the messages of each channel came in the order in which they were made.
func (i *testInbox) inOrder(t testing.TB) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	type name struct {
		channel bridge.ConversationID
		id      bridge.MessageID
	}
	last, seen := map[bridge.ConversationID]time.Time{}, map[name]bool{}
	for _, s := range i.arrived {
		if seen[name{s.Conversation, s.ID}] {
			continue
		}
		seen[name{s.Conversation, s.ID}] = true
		if s.Created.Before(last[s.Conversation]) {
			t.Errorf("%s came after a younger one", s.ID)
		}
		last[s.Conversation] = s.Created
	}
}

func TestARunTakesOverItsSubscriptions(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		before := w.subscription()
		w.stop()
		w.speak("while it was down")
		w.start()
		if after := w.subscription(); after.ID != before.ID {
			t.Errorf("subscription %s was replaced by %s", before.ID, after.ID)
		}
		w.speak("afterwards")
		time.Sleep(time.Minute)
		w.converged(2)
		w.inbox.inOrder(w.TB)
		// What nobody wants any more is deleted; an account that polls leaves the rest to its end.
		w.inbox.watch()
		time.Sleep(time.Minute)
		if all := w.sim.Subscriptions(); len(all) != 0 {
			t.Errorf("%d subscriptions are left of a channel that is not watched any more", len(all))
		}
		w.logged("level=warning", 0)
	})
}

func TestASubscriptionThatEndsIsMadeAgain(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("told %v", told), func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				before := w.subscription()
				w.sim.RemoveSubscription(before.ID, told)
				w.speak("nobody tells of this")
				time.Sleep(2 * time.Hour)
				if w.subscription().ID == before.ID {
					t.Error("the subscription is still the old one")
				}
				w.speak("but of this")
				time.Sleep(time.Minute)
				w.converged(2)
			})
		})
	}
}

func TestASilentSubscriptionIsReplaced(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		before := w.subscription()
		time.Sleep(time.Hour)
		w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: 1, Lose: 1})
		w.speak("lost")
		time.Sleep(time.Minute)
		w.sim.SetWebhookFaults(teams.WebhookFaults{})
		time.Sleep(reconcileEvery + reconcileSpread)
		w.converged(1)
		w.logged("did not tell of everything", 1)
		if w.subscription().ID == before.ID {
			t.Error("the subscription was not replaced")
		}
	})
}

// TestOwnPostsProveTheFeed: a subscription that does not show our own post is found out in minutes, not in a day.
func TestOwnPostsProveTheFeed(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(time.Hour)
		post := func() {
			_, err := w.account.Post(w.Context(), bridge.Draft{Conversation: w.town, Text: nil, Key: "key"})
			w.do(err)
		}
		reads := w.reads()
		post()
		time.Sleep(10 * time.Minute)
		if n := w.reads(); n != reads {
			t.Errorf("%d reads although the feed is well", n-reads)
		}
		w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: 1, Lose: 1})
		w.speak("lost")
		post()
		time.Sleep(5 * time.Minute)
		w.converged(3)
		w.logged("did not tell of everything", 1)
	})
}

func TestAnHourWithoutWebhooks(t *testing.T) {
	for _, status := range []int{0, http.StatusBadGateway} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				n := w.talk(5)
				w.sim.WebhookOutage(status)
				n += w.talk(60)
				w.sim.EndWebhookOutage()
				n += w.talk(60)
				time.Sleep(24 * time.Hour)
				w.converged(n)
			})
		})
	}
}

// TestNothingIsLostOnABadDay goes through everything that Graph does to notifications.
func TestNothingIsLostOnABadDay(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				w.sim.SetWebhookFaults(teams.WebhookFaults{
					Seed: seed, Duplicate: 0.1, Delay: 0.1, Reorder: 0.1, Lose: 0.03, MaxDelay: 30 * time.Second, LoseRequest: 0.05, LoseAnswer: 0.05,
					Batch: 20, Capitals: 0.5, TwicePerReaction: true, NoNames: true, DeletedAsUpdated: 0.5, Remove: 0.002, RemoveSilently: 0.5, Forged: 0.2,
				})
				n := w.talk(60)
				w.sim.WebhookOutage(0)
				n += w.talk(60)
				w.sim.EndWebhookOutage()
				n += w.talk(30)
				w.sim.SetWebhookFaults(teams.WebhookFaults{})
				n += w.talk(5)
				time.Sleep(24*time.Hour + time.Minute)
				w.converged(n)
				for _, s := range w.inbox.arrived {
					if strings.Contains(plain(s.Text), notify.ForgedText) {
						t.Error("a forged message was taken")
					}
				}
				stats := w.sim.WebhookStats()
				t.Logf("%d messages; %+v; calls %v", n, stats, w.sim.Calls(nil))
				if stats.Copies == 0 || stats.Late == 0 || stats.Lost == 0 || stats.Retries == 0 || stats.Forged == 0 || stats.LargestPost < 2 || stats.Handshakes < 3 {
					t.Error("the stand-in has not made every kind of trouble")
				}
			})
		})
	}
}

func TestWithoutValidationTokensChannelsArePolled(t *testing.T) {
	inRichWorld(t, teams.Options{Webhooks: teams.Webhooks{NullTokens: true}}, func(w *richWorld) {
		w.speak("one")
		time.Sleep(time.Minute)
		w.speak("two")
		time.Sleep(time.Minute)
		w.converged(2)
		w.logged("cannot be taken for genuine", 1)
		if s := w.account.Status(); s.Receiving != byPolling || !strings.Contains(s.Why, "Assignment required") {
			t.Errorf("the status is %+v", s)
		}
	})
}

func TestManyChannelsShareOneSubscription(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		channels := []bridge.ConversationID{w.town}
		for n := range mostSingly {
			channels = append(channels, w.id(w.team.AddChannel(fmt.Sprint("room ", n))))
		}
		w.inbox.watch(channels...)
		time.Sleep(5 * time.Minute)
		if s := w.subscription(); s.Resource != allMessages && "/"+s.Resource != allMessages {
			t.Errorf("the subscription is for %s", s.Resource)
		}
		w.sim.ResetRequests()
		w.speak("covered")
		_, err := w.sim.Say(w.alice, w.random, "<p>not watched</p>")
		w.do(err)
		time.Sleep(time.Minute)
		w.converged(1)
		if n := w.reads(); n != 0 {
			t.Errorf("%d reads", n)
		}
		if s := w.inbox.newest[w.id(w.random)]; len(s) != 0 {
			t.Errorf("a channel that is not watched has %d states", len(s))
		}
	})
}

// TestAnotherInstallationIsNotDisturbed: two with one app registration, which Graph allows one subscription.
func TestAnotherInstallationIsNotDisturbed(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		first := w.subscription()
		other := &simWorld{TB: w.TB, sim: w.sim, tenant: w.tenant, app: w.app, team: w.team, general: w.general, settings: w.settings,
			vault: &memoryVault{}, log: &lockedBuffer{}, wire: w.wire, hook: strings.Replace(hookURL, "causeway.", "elsewhere.", 1)}
		other.vault.put(w.TB, relayVaultName, w.vault.login(w.TB))
		inbox := newTestInbox(w.town)
		b := other.connected()
		stop := other.running(b, inbox)
		defer stop()
		time.Sleep(time.Minute)
		if s := w.subscription(); s.ID != first.ID {
			t.Error("the first installation's subscription was touched")
		}
		if s := b.Status(); s.Receiving != byPolling || !strings.Contains(s.Why, "app registration of its own") {
			t.Errorf("the status is %+v", s)
		}
		w.speak("seen by both")
		time.Sleep(time.Minute)
		w.converged(1)
		if len(inbox.newest[w.town]) != 1 {
			t.Error("the other installation has not read it")
		}
	})
}

func TestAKeyIsUsedForAYear(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		before := w.subscription()
		old, err := notification.NewKeys(time.Now().Add(-notification.RotateAfter))
		w.do(err)
		text, err := old.Marshal()
		w.do(err)
		w.do(w.vault.Save(w.Context(), notificationKeysVaultName, text))
		w.start()
		after := w.subscription()
		if after.ID != before.ID || after.CertificateID == before.CertificateID || after.CertificateID == old.Current().ID {
			t.Errorf("subscription %s with certificate %s has become %s with %s", before.ID, before.CertificateID, after.ID, after.CertificateID)
		}
		w.speak("sealed for the new key")
		time.Sleep(time.Minute)
		w.converged(1)
		w.logged("A new key", 0) // it was made before the subscriber began
	})
}

// TestAnotherAddressEndsTheOldSubscription: what was made here is our own, wherever it delivers.
func TestAnotherAddressEndsTheOldSubscription(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		before := w.subscription()
		w.hook = strings.Replace(hookURL, "causeway.", "new.", 1)
		w.start()
		if after := w.subscription(); after.ID == before.ID || !strings.HasPrefix(after.NotificationURL, w.hook) {
			t.Errorf("the subscription %s delivers to %s", after.ID, after.NotificationURL)
		}
		w.stop()
		w.settings.Receive = "poll"
		w.start()
		if all := w.sim.Subscriptions(); len(all) != 0 {
			t.Errorf("%d subscriptions are left when messages are polled", len(all))
		}
		w.speak("polled")
		time.Sleep(time.Minute)
		w.converged(1)
	})
}

func TestADeletionIsNotForgottenForALateDuplicate(t *testing.T) {
	inRichWorld(t, teams.Options{DeletionMovesNothing: true}, func(w *richWorld) {
		at := w.subscriber().reader.channel(w.town)
		message := func(deleted string) models.ChatMessageable {
			return fromJSON(t, `"id":"1","etag":"5","lastModifiedDateTime":"2000-01-01T00:00:00.005Z"`+deleted)
		}
		at.note(message(`,"deletedDateTime":"2000-01-01T00:00:01Z"`))
		at.note(message(""))
		if at.isNews(message(`,"deletedDateTime":"2000-01-01T00:00:01Z"`)) {
			t.Error("the deletion is news again")
		}
	})
}

// plain gives the runs of a text, as people see them.
func plain(d richtext.Doc) string {
	var b strings.Builder
	for n, block := range d {
		if n > 0 {
			b.WriteByte('\n')
		}
		for _, run := range block.Runs {
			b.WriteString(run.Text)
		}
	}
	return b.String()
}
