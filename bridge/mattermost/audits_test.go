package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// audits is a server that has audits, the oldest first, and takes its time to find any.
type audits struct {
	began time.Time
	all   []model.Audit
	takes time.Duration
	// asked are the pages that were asked for, and when.
	asked []string
}

// logIn lets people log in, one after the other.
func (s *audits) logIn(who ...string) {
	for _, id := range who {
		s.all = append(s.all, model.Audit{Id: model.NewId(), CreateAt: int64(len(s.all) + 1), UserId: id, Action: "/api/v4/users/login", ExtraInfo: "success"})
	}
}

func (s *audits) RoundTrip(r *http.Request) (*http.Response, error) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	s.asked = append(s.asked, fmt.Sprintf("%d after %v", page, time.Since(s.began)))
	select {
	case <-time.After(s.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	found := []model.Audit{}
	for i := len(s.all) - 1 - page*pageSize; i >= 0 && len(found) < pageSize; i-- {
		found = append(found, s.all[i])
	}
	text, err := json.Marshal(found)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
}

// doorway keeps who was told to have come.
type doorway struct {
	bridge.Front
	came []bridge.UserID
}

func (d *doorway) Arrived(_ context.Context, who []bridge.UserID) { d.came = append(d.came, who...) }

// TestAServerThatFindsAuditsSlowlyIsAskedSeldom: how long a look took counts, also one that was given up; nobody is missed, and the log says it once.
func TestAServerThatFindsAuditsSlowlyIsAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := logrus.New()
		logger.SetOutput(&log)
		front, server := &doorway{}, &audits{began: time.Now()}
		a, err := newAccount(bridge.Env{Log: logrus.NewEntry(logger), Front: front}, &Settings{Server: "http://mattermost.example"}, defaultTiming)
		if err != nil {
			t.Fatal(err)
		}
		a.client.HTTPClient = &http.Client{Transport: server}
		a.powers.admin = true
		minutes := func(n int, want ...string) {
			t.Helper()
			server.asked = nil
			for range n {
				next := time.Now().Add(time.Minute)
				_ = a.lookWhoLoggedIn(t.Context(), []string{"ann", "bob"}) // what fails is seen by when it is asked again
				time.Sleep(time.Until(next))
			}
			if d := cmp.Diff(want, server.asked); d != "" {
				t.Error(d)
			}
		}
		server.takes = slowAudits
		minutes(2, "0 after 0s", "0 after 1m0s")
		server.takes++
		minutes(11, "0 after 2m0s") // the rest begins when the look has ended
		server.takes = 10 * time.Second
		server.logIn("ann")
		for range pageSize {
			server.logIn("eve")
		}
		minutes(11, "0 after 13m0s", "1 after 13m10s")
		server.takes = time.Hour // longer than a request may take
		server.logIn("bob")
		minutes(16, "0 after 24m0s") // and for half a minute, thirty times of which are a quarter of an hour
		server.takes = 0
		minutes(2, "0 after 40m0s", "0 after 41m0s")
		if d := cmp.Diff([]bridge.UserID{"ann", "bob"}, front.came); d != "" {
			t.Error(d)
		}
		if n := strings.Count(log.String(), "level=info"); n != 1 || !strings.Contains(log.String(), `again=10m0s`) {
			t.Errorf("the log: %s", log.String())
		}
		_ = a.lookWhoLoggedIn(t.Context(), nil)
		server.asked = nil
		if _ = a.lookWhoLoggedIn(t.Context(), nil); server.asked != nil {
			t.Errorf("asked for nobody: %v", server.asked)
		}
	})
}
