package notify_test

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams/notify"
)

func TestFaultsRepeatWithTheirSeed(t *testing.T) {
	run := func(seed uint64) (list []arrival, s notify.Stats) {
		onDesk(t, notify.Config{}, func(d *desk) {
			d.SetFaults(notify.Faults{Seed: seed, Duplicate: .2, Delay: .2, Reorder: .2, Lose: .1, LoseRequest: .1, LoseAnswer: .1})
			for n := range 200 {
				d.Send(item(n))
				time.Sleep(1037 * time.Millisecond)
			}
			d.settled()
			list, s = d.arrivals(), d.Stats()
			s.First, s.Last = time.Time{}, time.Time{}
		})
		return list, s
	}
	first, stats := run(1)
	again, _ := run(1)
	if diff := gocmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	if other, _ := run(2); gocmp.Equal(first, other) {
		t.Error("another seed gives the same")
	}
	count := map[string]int{}
	sorted := true
	for i, a := range first {
		count[a.Items]++
		sorted = sorted && (i == 0 || number(first[i-1].Items) <= number(a.Items))
	}
	if sorted {
		t.Error("nothing overtook")
	}
	if len(count)+stats.Lost != 200 || stats.Delivered != len(count) || stats.Lost < 5 || stats.Copies < 20 || stats.Late < 40 || stats.Retries < 20 {
		t.Errorf("%d arrived, %+v", len(count), stats)
	}
}

func number(text string) (n int) {
	fmt.Sscan(text, &n)
	return n
}

func TestEachFaultAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults notify.Faults
		change func(*notify.Item)
		want   []arrival
	}{
		{"duplicate", notify.Faults{Duplicate: 1, MaxDelay: 1}, nil, []arrival{{0, "1"}, {0, "1"}, {0, "2"}, {0, "2"}}},
		{"reorder", notify.Faults{Reorder: 1}, nil, []arrival{{0, "2"}, {0, "1"}}},
		{"lose", notify.Faults{Lose: 1}, nil, nil},
		{"twice per reaction", notify.Faults{TwicePerReaction: true}, func(it *notify.Item) { it.Reaction = it.ID == "2" }, []arrival{{0, "1"}, {0, "2"}, {0, "2"}}},
		{"batch", notify.Faults{Batch: 2}, nil, []arrival{{0, "1 2"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onDesk(t, notify.Config{}, func(d *desk) {
				d.SetFaults(c.faults)
				release := d.Hold()
				for n := 1; n <= 2; n++ {
					it := item(n)
					if c.change != nil {
						c.change(it)
					}
					d.Send(it)
				}
				release()
				d.settled()
				got := d.arrivals()
				slices.SortStableFunc(got, func(a, b arrival) int {
					if c.name != "duplicate" {
						return 0
					}
					return cmp.Compare(a.Items, b.Items)
				})
				for i := range got {
					got[i].At = float64(int(got[i].At))
				}
				if diff := gocmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestDelaysAreUpToTheirMost(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.SetFaults(notify.Faults{Delay: 1})
		for n := range 100 {
			d.Send(item(n))
		}
		d.settled()
		longest := 0.0
		for _, a := range d.arrivals() {
			longest = max(longest, a.At)
		}
		if longest < 25 || longest > 30 {
			t.Errorf("the longest delay was %v s", longest)
		}
	})
}

func TestOneWithNobodyToOvertakeItComesAfterAll(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.SetFaults(notify.Faults{Reorder: 1})
		d.Send(item(1))
		d.settled()
		d.expect(arrival{30, "1"})
		d.Send(item(2))
		d.SetFaults(notify.Faults{})
		d.settled()
		d.expect(arrival{30, "1"}, arrival{30, "2"})
	})
}

func TestCapitals(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.SetFaults(notify.Faults{Capitals: 1})
		bodies := d.watch()
		d.Send(item(1))
		d.settled()
		if it := bodies()[0].Value[0]; it.ChangeType != "Updated" || it.ResourceData.Type != "#Microsoft.Graph.ChatMessage" {
			t.Errorf("%+v", it)
		}
	})
}

// watch keeps the bodies that arrive.
func (d *desk) watch() func() []wireBody {
	var mu sync.Mutex
	var list []wireBody
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = func(_ int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) }
	d.onBody = func(b wireBody) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, b)
	}
	return func() []wireBody {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

func richItem(t testing.TB, n int) *notify.Item {
	it := item(n)
	it.Certificate, it.CertificateID = readGolden(t).cert, "key-1"
	it.Plain = []byte(`{"id":"` + it.ID + `","body":{"contentType":"text","content":"genuine"}}`)
	return it
}

func TestEveryForgeryIsWrongInItsOwnWay(t *testing.T) {
	g := readGolden(t)
	genuine := func(b wireBody) (problems []string) {
		if len(b.Value) != 1 {
			return []string{"garbage"}
		}
		it := b.Value[0]
		for _, p := range []struct {
			wrong bool
			name  string
		}{
			{it.ClientState != "state", "client state"}, {it.TenantID != "tenant", "tenant"}, {it.SubscriptionID != "sub", "subscription"},
			{it.EncryptedContent.CertificateID != "key-1", "certificate"},
			{len(b.ValidationTokens) != 1 || b.ValidationTokens[0] != "token for app in tenant", "token"},
		} {
			if p.wrong {
				problems = append(problems, p.name)
			}
		}
		plain, err := notify.Decrypt(g.private, it.EncryptedContent)
		if err != nil {
			problems = append(problems, "encryption")
		} else if !strings.Contains(string(plain), notify.ForgedText) || strings.Contains(string(plain), "genuine") {
			t.Errorf("a forged message says %s", plain)
		}
		return problems
	}
	want := map[notify.Forgery]string{
		notify.WrongClientState: "client state", notify.ForeignTenant: "tenant", notify.UnknownSubscriber: "subscription",
		notify.UnknownCertificate: "certificate", notify.WrongSignature: "encryption", notify.WrongData: "encryption", notify.Garbage: "garbage",
	}
	for _, f := range notify.Forgeries() {
		onDesk(t, notify.Config{}, func(d *desk) {
			bodies := d.watch()
			status, err := d.Forge(d.t.Context(), richItem(t, 7), f)
			if err != nil || status != 202 {
				t.Fatalf("%s: %d, %v", f, status, err)
			}
			expected := want[f]
			if expected == "" {
				expected = "token"
			}
			if got := genuine(bodies()[0]); !slices.Equal(got, []string{expected}) {
				t.Errorf("%s is wrong in %v, want %s", f, got, expected)
			}
			if d.Stats().Forged != 1 {
				t.Errorf("%s: %+v", f, d.Stats())
			}
		})
	}
}

func TestForgeriesGoAlongAndAreNotRepeated(t *testing.T) {
	onDesk(t, notify.Config{Batch: 5}, func(d *desk) {
		bodies := d.watch()
		d.SetFaults(notify.Faults{Forged: 1, Forgeries: []notify.Forgery{notify.WrongClientState}})
		release := d.Hold()
		d.Send(richItem(t, 1), richItem(t, 10))
		release()
		d.settled()
		if b := bodies(); len(b) != 1 || b[0].items() != "2 1 11 10" {
			t.Errorf("%+v", b)
		}
		d.SetFaults(notify.Faults{Forged: 1, Forgeries: []notify.Forgery{notify.Garbage, notify.StrangersToken}})
		d.mu.Lock()
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader([]int{0, 400, 202}[n]) }
		d.mu.Unlock()
		d.Send(richItem(t, 20))
		d.settled()
		s := d.Stats()
		if s.Forged != 3 || s.ForgedAnswers[400] != 1 || s.ForgedAnswers[202] != 2 || s.Retries != 0 || s.Delivered != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTokensOfAPost(t *testing.T) {
	onDesk(t, notify.Config{Batch: 9}, func(d *desk) {
		bodies := d.watch()
		release := d.Hold()
		other := richItem(t, 3)
		other.Tenant = "elsewhere"
		d.Send(richItem(t, 1), richItem(t, 2), other, item(4))
		release()
		d.settled()
		d.Send(item(5))
		d.settled()
		if diff := gocmp.Diff([]string{"token for app in tenant", "token for app in elsewhere"}, bodies()[0].ValidationTokens); diff != "" {
			t.Error(diff)
		}
		if tokens := bodies()[1].ValidationTokens; tokens != nil {
			t.Errorf("a post without resource data has tokens: %v", tokens)
		}
	})
	onDesk(t, notify.Config{NullTokens: true}, func(d *desk) {
		var text string
		d.answer = nil
		d.onRaw = func(raw []byte) { text = string(raw) }
		d.Send(richItem(t, 1))
		d.settled()
		if !strings.Contains(text, `"validationTokens":null`) {
			t.Error(text)
		}
	})
}

func TestWhatCannotBeEncryptedIsLost(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		it := richItem(t, 1)
		it.Certificate = &x509.Certificate{}
		d.Send(it)
		d.settled()
		if d.Stats().Lost != 1 || len(d.arrivals()) != 0 {
			t.Errorf("%+v", d.Stats())
		}
		if _, err := d.Forge(d.t.Context(), it, notify.WrongIssuer); err == nil {
			t.Error("forged for a certificate without a key")
		}
	})
}

func TestObserveSeesEveryPost(t *testing.T) {
	var seen []string
	conf := notify.Config{Observe: func(p notify.Post) {
		seen = append(seen, fmt.Sprintf("%s %v %v %d", p.URL, p.Lifecycle, p.Forged, p.Attempt))
	}}
	onDesk(t, conf, func(d *desk) {
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader([]int{500, 202, 202, 202, 202}[n]) }
		d.Send(item(1))
		d.settled()
		d.Send(&notify.Item{URL: "https://bridge.example/life", Lifecycle: "subscriptionRemoved"})
		d.settled()
		_, err := d.Forge(d.t.Context(), item(2), notify.NoToken)
		ok(t, err)
		d.SetFaults(notify.Faults{Reorder: 1, Forged: 1, Batch: 2, Forgeries: []notify.Forgery{notify.ForeignTenant}})
		release := d.Hold()
		d.Send(item(3))
		d.SetFaults(notify.Faults{Batch: 2})
		release()
		d.settled()
	})
	hook := item(1).URL
	want := []string{hook + " false false 0", hook + " false false 1", "https://bridge.example/life true false 0", hook + " false true 0", hook + " false true 0"}
	if diff := gocmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}
