package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"causeway/contrib/e2e/harness"
	simmattermost "causeway/contrib/sim/mattermost"
	simteams "causeway/contrib/sim/teams"
)

const (
	partNotify = "notify"
	// notifyChannels are as many as a burst is spread over.
	notifyChannels = 10
	// What the stand-in posts: so many notifications together, and so many posts at once, unless it posts one after the other.
	// Posts that are on their way at once may overtake each other.
	itemsPerPost, postsAtOnce = 20, 4
	// steady is for how long there must be no call of Graph before any is counted, and young for how long a subscription is new: then
	// its channel is read once more.
	steady = 2 * time.Second
	young  = 130 * time.Second

	accepted  = "notifications accepted on disk"
	perRead   = "reads of Graph per message received"
	perSent   = "calls of Graph per message sent"
	whileDown = ", Mattermost down"
	whileUp   = ", Mattermost taking them"
)

// notifyMarks are what the part is to reach.
var notifyMarks = []struct {
	text, name, unit string
	least, most      float64
}{
	{"1,000 notifications a second accepted on disk, encryption included", accepted + atOnce(postsAtOnce) + whileDown, " a second", 1000, math.Inf(1)},
	{"no read of Graph per message received by notification", perRead, "", 0, 0},
	{"one call of Graph per message sent", perSent, "", 1, 1},
}

type notifySizes struct {
	rounds   int
	channels int
	rest     int           // messages at rest, each way
	burst    int           // in each burst
	age      time.Duration // of the subscriptions, at least
}

func notifySizesOf(o options) notifySizes {
	if o.quick {
		return notifySizes{rounds: 1, channels: 2, rest: 5, burst: 60}
	}
	return notifySizes{rounds: o.rounds, channels: notifyChannels, rest: 200, burst: 2000, age: young}
}

// notifications measures what Causeway is told by change notifications. Each round is a world of its own.
func notifications(tb harness.TB, o options, r *Report) {
	z := notifySizesOf(o)
	for round := range z.rounds {
		for _, posts := range []int{1, postsAtOnce} {
			tb.Logf("notify, round %d of %d: %d%s at once", round+1, z.rounds, posts, plural(" post", posts))
			w := newNotifyWorld(tb, o.programs.causeway(tb), z.channels, posts, nil)
			w.age(tb, z.age)
			if posts == 1 {
				w.atRest(tb, r, z)
			}
			w.burst(tb, r, z, true)
			w.burst(tb, r, z, false)
			w.callsPerRead(r)
			if posts == 1 {
				w.sending(tb, r, z)
			}
			w.end(tb, r)
		}
	}
	tb.Logf("notify: calls of Graph in idle hours")
	idle(tb, o, r)
	r.note("notify: bursts are of %d messages over %d channels, encrypted with a key of Causeway's own, over loopback without TLS; a post holds %d of them. What is accepted counts from the first post to the last 202. Posts that are on their way at once overtake each other, which counts as late; one after the other, they must bring all in order.", z.burst, z.channels, itemsPerPost)
	r.note("notify: one post after the other, Causeway waits while the stand-in encrypts the next, and the stand-in while Causeway makes durable; with %d posts at once the processors are all that limits.", postsAtOnce)
	r.note("notify: bare is the RSA decryption of one key and nothing else, the least that a notification can cost. Rates fall with the share of the processors that other programs take meanwhile; CPU times do not.")
	r.note("notify: with Mattermost down, Causeway does nothing but accept; else it writes to Mattermost meanwhile. The stand-ins share the processors with it: per notification they take what the line \"stand-ins\" says.")
	r.note("notify: calls of Graph are counted when subscriptions have been made and all channels read. Idle ones are those of a day of fake time (TestIdleCalls of bridge/msteams), renewals and the daily read included; each read of a batch counts where it says so, as Graph's limits do.")
}

// notifyWorld is Causeway that Teams sends notifications to.
type notifyWorld struct {
	sims     *sims
	joints   []*joint
	process  *harness.Process
	posts    int // at once
	received int // messages, since the calls of Graph are counted
}

// newNotifyWorld starts Causeway and waits until every channel has a subscription and carries, and Graph is not called any more.
func newNotifyWorld(tb harness.TB, program string, channels, posts int, env []string) *notifyWorld {
	tb.Helper()
	w := &notifyWorld{sims: newSimsWith(tb, simteams.Webhooks{AllowHTTP: true, Parallel: posts, Batch: itemsPerPost}), posts: posts}
	for n := range channels {
		w.joints = append(w.joints, w.sims.join(causeway, fmt.Sprint("told", n)))
	}
	at := w.sims.configure(tb, program, 0, w.joints...)
	at.env = env
	w.process = harness.StartProcess(tb, at.command("run"))
	w.until(tb, "a subscription of each channel", func() bool { return len(w.sims.teams.Subscriptions()) == channels })
	for _, j := range w.joints {
		begin(tb, w.sims.board, j.back, "the first notification")
	}
	calls, since := 0, time.Now()
	w.until(tb, "the end of reading", func() bool {
		if n := len(w.sims.teams.Requests()); n != calls {
			calls, since = n, time.Now()
		}
		return time.Since(since) > steady
	})
	w.sims.teams.ResetRequests()
	return w
}

// age waits until the subscriptions are not new any more, and forgets the calls of Graph until then.
func (w *notifyWorld) age(tb harness.TB, d time.Duration) {
	tb.Helper()
	select {
	case <-time.After(d):
	case <-tb.Context().Done():
	}
	w.sims.teams.ResetRequests()
}

func (w *notifyWorld) until(tb harness.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(harness.Patience); !done(); {
		if time.Now().After(deadline) {
			tb.Fatalf("waiting for %s: %v have passed; Causeway says:\n%s", what, harness.Patience, w.process.Output())
		}
		if err := pause(tb.Context(), 20*time.Millisecond); err != nil {
			tb.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

func (w *notifyWorld) atRest(tb harness.TB, r *Report, z notifySizes) {
	tb.Helper()
	flows, err := rest(tb.Context(), w.sims.board, []*talk{w.joints[0].back}, z.rest, false)
	if err != nil {
		tb.Fatalf("notify: %v", err)
	}
	w.received += z.rest
	r.addDelays(partNotify, back+", at rest", causeway, flows[0].delays)
}

// atOnce is how figures of so many posts at once are called.
func atOnce(posts int) string {
	return fmt.Sprintf(", %d%s at once", posts, plural(" post", posts))
}

// burst lets much be said in all channels and then delivers it as fast as Causeway takes it.
func (w *notifyWorld) burst(tb harness.TB, r *Report, z notifySizes, down bool) {
	tb.Helper()
	name := atOnce(w.posts) + map[bool]string{false: whileUp, true: whileDown}[down]
	up := func() {}
	if down {
		up = w.sims.mm.Inject(simmattermost.Fault{Method: http.MethodPost, Path: "/posts", Times: -1, Status: http.StatusServiceUnavailable}).Cancel
	}
	release := w.sims.teams.HoldDeliveries()
	flows := w.sayMuch(tb, z.burst)
	w.sims.teams.ResetWebhookStats()
	ours, theirs, all, began := usedCPU(tb, w.process.PID()), usedCPU(tb, os.Getpid()), usedByAll(tb), time.Now()
	release()
	w.delivered(tb)
	stats, n := w.sims.teams.WebhookStats(), float64(z.burst)
	acceptedCPU, standIns := usedCPU(tb, w.process.PID())-ours, usedCPU(tb, os.Getpid())-theirs
	others := max(0, usedByAll(tb)-all-acceptedCPU-standIns) / (milliseconds(time.Since(began)) * float64(runtime.NumCPU()))
	up()
	for _, f := range flows {
		if _, err := f.await(tb.Context(), harness.Patience); err != nil {
			tb.Fatalf("notify: %v", err)
		}
	}
	r.add(partNotify, accepted+name, "notifications/s", causeway, stats.PerSecond())
	r.add(partNotify, "processors taken by other programs"+name, "%", causeway, 100*others)
	if down {
		r.add(partNotify, "CPU time to accept one"+atOnce(w.posts), "ms/notification", causeway, acceptedCPU/n)
		r.add(partNotify, "CPU time to accept one"+atOnce(w.posts), "ms/notification", bare, decrypting(tb, z.burst/5))
		r.add(partNotify, "CPU time of the stand-ins meanwhile"+atOnce(w.posts), "ms/notification", causeway, standIns/n)
	} else {
		r.add(partNotify, "CPU time to accept one and write it to Mattermost"+atOnce(w.posts), "ms/notification", causeway, (usedCPU(tb, w.process.PID())-ours)/n)
	}
	r.add(partNotify, "deliveries repeated"+name, "deliveries", causeway, float64(stats.Retries))
	if stats.Delivered != z.burst {
		r.broke("notify: of %d notifications %d were accepted: %+v", z.burst, stats.Delivered, stats)
	}
}

// usedByAll gives the CPU time that everything on this machine has used, in milliseconds.
func usedByAll(tb harness.TB) float64 {
	tb.Helper()
	d, err := busyProcessors()
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	return milliseconds(d)
}

// bareKey is of the least size that Graph takes, which is Causeway's.
var bareKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// decrypting gives the CPU time in milliseconds of opening one notification's key, which nobody can do without.
func decrypting(tb harness.TB, times int) float64 {
	tb.Helper()
	key, err := bareKey()
	var sealed []byte
	if err == nil {
		sealed, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, make([]byte, 32), nil)
	}
	before := usedCPU(tb, os.Getpid())
	for range times {
		if err == nil {
			_, err = rsa.DecryptOAEP(sha1.New(), nil, key, sealed, nil)
		}
	}
	if err != nil {
		tb.Fatalf("measuring bare decryption: %v", err)
	}
	return (usedCPU(tb, os.Getpid()) - before) / float64(times)
}

// sayMuch has n messages said, in one channel after the other.
func (w *notifyWorld) sayMuch(tb harness.TB, n int) (flows []*flow) {
	tb.Helper()
	for _, j := range w.joints {
		f := w.sims.board.open()
		j.back.flows = append(j.back.flows, f)
		flows = append(flows, f)
	}
	for k := range n {
		at := k % len(flows)
		m := mark{flows[at].series, 0, k / len(flows)}
		flows[at].say(m)
		if err := w.joints[at].back.say(tb.Context(), 0, m.text()); err != nil {
			tb.Fatalf("notify: saying much: %v", err)
		}
	}
	w.received += n
	return flows
}

func (w *notifyWorld) delivered(tb harness.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*harness.Patience)
	defer cancel()
	if err := w.sims.teams.AwaitDeliveries(ctx); err != nil {
		tb.Fatalf("notify: waiting for deliveries: %v; %+v", err, w.sims.teams.WebhookStats())
	}
}

// graphCalls counts requests to Graph, of which some read messages; a batch is one, and reads.
func (w *notifyWorld) graphCalls() (all, reads int) {
	for _, q := range w.sims.teams.Requests() {
		if q.Batch || !strings.HasPrefix(q.Path, "/v1.0/") { // the rest is the login service's
			continue
		}
		all++
		if q.Template == "/$batch" || q.Method == http.MethodGet && strings.Contains(q.Template, "/messages") {
			reads++
		}
	}
	return all, reads
}

func (w *notifyWorld) callsPerRead(r *Report) {
	all, reads := w.graphCalls()
	r.add(partNotify, perRead, "calls/message", causeway, float64(reads)/float64(w.received))
	r.add(partNotify, "calls of Graph per message received", "calls/message", causeway, float64(all)/float64(w.received))
}

// sending counts the calls of Graph when messages go to Teams. They come back as notifications, which must not cost any.
func (w *notifyWorld) sending(tb harness.TB, r *Report, z notifySizes) {
	tb.Helper()
	begin(tb, w.sims.board, w.joints[0].there, "the first message to Teams")
	w.delivered(tb)
	w.sims.teams.ResetRequests()
	if _, err := rest(tb.Context(), w.sims.board, []*talk{w.joints[0].there}, z.rest, false); err != nil {
		tb.Fatalf("notify: %v", err)
	}
	w.delivered(tb)
	all, _ := w.graphCalls()
	r.add(partNotify, perSent, "calls/message", causeway, float64(all)/float64(z.rest))
}

// end counts what has become of everything.
func (w *notifyWorld) end(tb harness.TB, r *Report) {
	tb.Helper()
	var toTeams, toMattermost Counts
	for _, j := range w.joints {
		a, b := j.count()
		toTeams, toMattermost = toTeams.plus(a), toMattermost.plus(b)
	}
	if w.posts > 1 {
		r.add(partNotify, back+", brought late, as posts overtook each other", "messages late", causeway, float64(toMattermost.OutOfOrder))
		toMattermost.OutOfOrder = 0
	}
	addCounts(r, partNotify, there+", all of it", causeway, toTeams)
	addCounts(r, partNotify, back+", all of it", causeway, toMattermost)
	addMemory(tb, r, partNotify, causeway, w.process.PID())
	if code := w.process.Stop(tb); code != 0 {
		tb.Fatalf("stopping causeway: exit code %d", code)
	}
}

// profileNotifications profiles the program while it accepts a burst with Mattermost down.
func profileNotifications(tb harness.TB, o options, into string) {
	tb.Helper()
	z := notifySizesOf(o)
	w := newNotifyWorld(tb, o.programs.profiled(tb), z.channels, postsAtOnce, []string{"PROFILES=" + into})
	for range 3 {
		w.burst(tb, &Report{}, z, true)
	}
	if code := w.process.Stop(tb); code != 0 {
		tb.Fatalf("stopping causeway: exit code %d", code)
	}
}
