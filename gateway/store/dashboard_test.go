package store

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// must compares what a read gives, whole.
func must[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Body{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAuditKeepsWhatWasDone(t *testing.T) {
	s, path := fresh(t, Options{})
	all := []Audited{
		{Who: "operator by command line", Act: "retry", About: "message 5", Result: "is sent again"},
		{Who: "dashboard", Act: "drop", About: "message 6", Result: "message 6: not in quarantine", Failed: true},
	}
	for i, a := range all {
		if err := s.Record(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		all[i].ID = int64(i) + 1
	}
	_ = s.Close()
	s = open(t, path, Options{})
	got, err := s.Audit(t.Context(), 0, 10)
	for i := range got {
		if age := time.Since(got[i].At); age < 0 || age > time.Minute {
			t.Errorf("it was done %v ago", age)
		}
		got[i].At = time.Time{}
	}
	must(t, []Audited{all[1], all[0]}, got, err)
	got, err = s.Audit(t.Context(), 2, 1)
	got[0].At = time.Time{}
	must(t, all[:1], got, err)
}

func TestAuditIsBounded(t *testing.T) {
	aboutSQLite(t) // which gives the id after the highest one; PostgreSQL counts by itself
	s, _ := fresh(t, Options{})
	if err := s.do(t.Context(), func(t *tx) error {
		return t.exec("INSERT INTO audit (id, at, who, act, about, result, failed) VALUES (1, 1, '', 'first', '', '', 0), ($1, 1, '', 'last', '', '', 0)", mostAudited)
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), Audited{Result: strings.Repeat("ä", longestAudited)}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Audit(t.Context(), 0, 10)
	if err != nil || len(got) != 2 || got[0].Result != strings.Repeat("ä", longestAudited/2)+"…" || got[1].Act != "last" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestTrafficCountsByConversationAndHour(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two"), state("m3", 3601, "three")))
	got, err := s.Traffic(t.Context(), began.Add(2*time.Second))
	hour := began.Truncate(time.Hour)
	byHour := func(a, b Traffic) bool { return a.Hour.Before(b.Hour) }
	if len(got) == 2 && byHour(got[1], got[0]) {
		got[0], got[1] = got[1], got[0]
	}
	for i := range got {
		got[i].Hour, got[i].Last = got[i].Hour.UTC(), got[i].Last.UTC()
	}
	must(t, []Traffic{
		{Origin: here, Hour: hour.UTC(), Last: began.Add(2 * time.Second).UTC(), Messages: 1},
		{Origin: here, Hour: began.Add(3601 * time.Second).Truncate(time.Hour).UTC(), Last: began.Add(3601 * time.Second).UTC(), Messages: 1},
	}, got, err)
}

func TestLastIsKnownHoweverLongAgo(t *testing.T) {
	s, _ := fresh(t, Options{})
	got, err := s.Last(t.Context())
	must(t, map[bridge.ConversationID]time.Time{}, got, err)
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two"), state("m3", 3601, "three")))
	deliver(t, s, there)
	got, err = s.Last(t.Context())
	must(t, map[bridge.ConversationID]time.Time{here: began.Add(3601 * time.Second).Local()}, got, err)
}

func TestAMessageIsFoundByTheIDOfAnyInstance(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two")))
	deliver(t, s, there)
	for _, id := range []string{"m1", "p1"} {
		got, err := s.ByID(t.Context(), []string{"nothing", id, id}, 10)
		must(t, []Sighting{{ID: 1, Origin: here, OriginID: "m1", Author: "ann", Created: began.Add(time.Second).Local(), Copies: 1}}, local(got), err)
	}
	got, err := s.ByID(t.Context(), []string{"m1", "p2"}, 1)
	if len(got) != 1 || err != nil {
		t.Errorf("%v %v", got, err)
	}
}

func local(all []Sighting) []Sighting {
	for i := range all {
		all[i].Created = all[i].Created.Local()
	}
	return all
}

func TestMessagesAreFoundByAuthorAndTime(t *testing.T) {
	s, _ := fresh(t, Options{})
	other := state("m2", 2, "two")
	other.Author = bridge.Author{ID: "ben", Name: "ben"}
	put(t, s, batch(state("m1", 1, "one"), other, state("m3", 3, "three"), state("m4", 4, "four")))
	find := func(w Window, limit, most int) (ids []int64, cut int64) {
		t.Helper()
		ids, at, err := s.between(t.Context(), w, limit, most)
		if err != nil {
			t.Fatal(err)
		}
		if !at.IsZero() {
			cut = int64(at.Sub(began) / time.Second)
		}
		return ids, cut
	}
	all := Window{From: began, To: began.Add(time.Hour)}
	for _, test := range []struct {
		name        string
		w           Window
		limit, most int
		want        []int64
		cut         int64
	}{
		{"everybody", all, 10, 10, []int64{4, 3, 2, 1}, 0},
		{"so many", all, 2, 10, []int64{4, 3}, 0},
		{"one", Window{From: all.From, To: all.To, Authors: []bridge.UserID{"ann"}}, 10, 10, []int64{4, 3, 1}, 0},
		{"two", Window{From: all.From, To: all.To, Authors: []bridge.UserID{"ben", "eve"}}, 10, 10, []int64{2}, 0},
		{"not to the end", Window{From: all.From, To: all.To, Authors: []bridge.UserID{"ben"}}, 10, 2, nil, 2},
		{"a time", Window{From: began.Add(2 * time.Second), To: began.Add(4 * time.Second)}, 10, 10, []int64{3, 2}, 0},
	} {
		got, cut := find(test.w, test.limit, test.most)
		if diff := cmp.Diff(test.want, got); diff != "" || cut != test.cut {
			t.Errorf("%s: cut %d (-want +got):\n%s", test.name, cut, diff)
		}
	}
	found, cut, err := s.Between(t.Context(), Window{From: began, To: began.Add(2 * time.Second), Authors: []bridge.UserID{"ann"}}, 10)
	if !cut.IsZero() {
		t.Errorf("cut %v", cut)
	}
	must(t, []Sighting{{ID: 1, Origin: here, OriginID: "m1", Author: "ann", Created: began.Add(time.Second).Local(), Copies: 1, Waiting: 1}}, local(found), err)
}

func TestAJourneyTellsOfEachInstance(t *testing.T) {
	s, _ := fresh(t, Options{})
	first := state("m1", 1, "one")
	reply := state("m2", 2, "two")
	reply.Root = "m1"
	put(t, s, batch(first, reply))
	stuck := refuseFirst(t, s) // and the post of the next has begun
	j, ok, err := s.Journey(t.Context(), 1)
	if !ok || err != nil || len(j.Stops) != 2 || j.Body == nil || j.Body.Author.Name != "ann" {
		t.Fatalf("%+v %v %v", j, ok, err)
	}
	must(t, Stop{ID: j.Stops[1].ID, Conversation: there, Reason: "not allowed", Quarantined: stuck}, unposted(j.Stops[1]), nil)
	j, ok, err = s.Journey(t.Context(), 2)
	if !ok || err != nil || j.RootID != "m1" || j.Version != 1 || j.Copies != 1 || j.Waiting != 1 || len(j.Stops) != 2 {
		t.Fatalf("%+v %v %v", j, ok, err)
	}
	must(t, Stop{ID: j.Stops[0].ID, Conversation: here, IsOrigin: true, Phase: Live, Version: 1, Posts: []Posting{{ID: "m2", Version: 1, Revision: 1}}}, j.Stops[0], nil)
	if under := j.Stops[1]; under.Begun.IsZero() || !under.Waiting || len(under.Posts) != 1 || under.Posts[0].Tried.IsZero() || under.Posts[0].ID != "" {
		t.Errorf("%+v", under)
	}
	if _, ok, err := s.Journey(t.Context(), 99); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

// unposted takes out the posts, which the refusal has left behind.
func unposted(s Stop) Stop { s.Posts = nil; return s }

func TestListsComeInPages(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two")))
	refuseFirst(t, s)
	all, err := s.QuarantineAfter(t.Context(), 0, 10)
	whole, errWhole := s.Quarantine(t.Context())
	if err != nil || errWhole != nil || len(all) != 1 || len(whole) != 1 {
		t.Fatalf("%v %v %v %v", all, err, whole, errWhole)
	}
	must(t, Stuck{Quarantined: whole[0], Message: 1}, all[0], nil)
	none, err := s.QuarantineAfter(t.Context(), all[0].ID, 10)
	must(t, nil, none, err)

	for n := range 3 {
		u := bridge.UserID(fmt.Sprint("u", n))
		end := func(server bridge.ServerID, account bridge.AccountName) End {
			return End{Identity: Identity{Account: account, Server: server, User: u, Name: "N", Username: string(u)}}
		}
		if _, err := s.Connect(t.Context(), "", [2]End{end("x:1", "x.one"), end("y:1", "y.one")}, 0); err != nil {
			t.Fatal(err)
		}
	}
	everybody, err := s.People(t.Context())
	if err != nil || len(everybody) != 3 {
		t.Fatalf("%v %v", everybody, err)
	}
	two, err := s.PeopleAfter(t.Context(), 0, 2)
	must(t, everybody[:2], two, err)
	rest, err := s.PeopleAfter(t.Context(), two[1].ID, 2)
	must(t, everybody[2:], rest, err)

	invited, err := s.Invitations(t.Context())
	if err != nil || len(invited) == 0 {
		t.Fatalf("%v %v", invited, err)
	}
	page, err := s.InvitationsAfter(t.Context(), User{}, 2)
	must(t, invited[:2], page, err)
	page, err = s.InvitationsAfter(t.Context(), User{Server: page[1].Server, User: page[1].User}, 100)
	must(t, invited[2:], page, err)
}

// pageQuery is a question of the dashboard.
type pageQuery struct {
	query string
	args  []any
	// may are the tables of which every row may be read.
	may string
}

func pageQueries() map[string]pageQuery {
	return map[string]pageQuery{
		"traffic":     {trafficQuery, []any{1}, "h"},
		"last":        {lastQuery, nil, "departures d"}, // a row for each pair of conversations
		"by id":       {byIDQuery, []any{"x", 1}, "c"},
		"everybody":   {betweenQuery(0), []any{1, 2, 3}, ""},
		"by author":   {betweenQuery(2), []any{1, 2, 3, 4, "a", "b"}, "w"},
		"quarantine":  {quarantineQuery, []any{1, 1}, ""},
		"people":      {peopleQuery, []any{1, 1}, "p"},
		"invitations": {"SELECT server, uid, asked, answer FROM invitations WHERE (server, uid) > ($1, $2) ORDER BY server, uid LIMIT $3", []any{"", "", 1}, ""},
		"audit":       {"SELECT id FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2", []any{1, 1}, ""},
	}
}

// TestPagesScanNothing holds each question of the dashboard against its plan: what grows with the store must be entered by an index.
func TestPagesScanNothing(t *testing.T) {
	aboutSQLite(t) // its plans
	s, _ := fresh(t, Options{})
	scan := regexp.MustCompile(`^SCAN (\w+)`)
	for name, one := range pageQueries() {
		rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+one.query, one.args...)
		if err != nil {
			t.Fatal(name, err)
		}
		lines := 0
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			lines++
			if m := scan.FindStringSubmatch(detail); m != nil && !slices.Contains(strings.Fields(one.may), m[1]) {
				t.Errorf("%s: %s", name, detail)
			}
		}
		_ = rows.Close()
		if lines == 0 {
			t.Errorf("%s: no plan", name)
		}
	}
}

// BenchmarkPages asks what the pages ask of a store with 1,000 gateways, 1,000,000 messages and 2,000,000 instances, a tenth of them said in
// the last 24 hours: go test ./gateway/store -run '^$' -bench Pages
func BenchmarkPages(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "causeway.db"), Options{})
	now := time.Now()
	if err := s.do(b.Context(), func(t *tx) error {
		for _, q := range []string{
			"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) INSERT INTO conversations (id, server, channel) SELECT x, 'server:' || (x % 2), 'channel' || x FROM n",
			`WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000) INSERT INTO messages (id, origin, origin_id, created, author, hash)
				SELECT x, 1 + x % 1000, 'message' || x, ` + fmt.Sprint(now.Add(-240*time.Hour).UnixMilli()) + ` + x * 864, 'author' || (x % 5000), 'hash of the usual length, forty-three letters' FROM n`,
			"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT id, id, origin, 1, 1, 1 FROM messages",
			"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT id + 1000000, id, origin + 1000, 0, 1, 1 FROM messages",
			"INSERT INTO parts (instance, number, conversation, id) SELECT id, 0, origin, origin_id FROM messages",
			"INSERT INTO parts (instance, number, conversation, id) SELECT id + 1000000, 0, origin + 1000, 'copy' || id FROM messages",
		} {
			if err := t.exec(q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	for name, ask := range map[string]func() (int, error){
		"traffic": func() (int, error) { all, err := s.Traffic(ctx, now.Add(-24*time.Hour)); return len(all), err },
		"by id":   func() (int, error) { all, err := s.ByID(ctx, []string{"copy777777"}, 20); return len(all), err },
		"by author": func() (int, error) {
			all, _, err := s.Between(ctx, Window{From: now.Add(-240 * time.Hour), To: now, Authors: []bridge.UserID{"author77"}}, 50)
			return len(all), err
		},
		"by time": func() (int, error) {
			all, _, err := s.Between(ctx, Window{From: now.Add(-100 * time.Hour), To: now}, 50)
			return len(all), err
		},
		"journey":  func() (int, error) { j, _, err := s.Journey(ctx, 777777); return len(j.Stops), err },
		"backlogs": func() (int, error) { _, err := s.Backlogs(ctx); return 1, err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if n, err := ask(); n == 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
