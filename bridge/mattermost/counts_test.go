package mattermost

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
)

// TestCallsAreCountedWithoutIdsAndNames, of which there are many.
func TestCallsAreCountedWithoutIdsAndNames(t *testing.T) {
	base, err := url.Parse("https://chat.example.org/mm")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	c := &client{Client4: model.NewAPIv4Client(base.String()), base: base, counted: func(operation, status string) { got = append(got, operation+" "+status) }}
	for _, one := range []struct {
		address string
		status  int
	}{
		{c.APIURL + "/posts?set_online=false", 201}, {c.APIURL + "/channels/4xp9fdt77pncbef59f4k1qe83o/posts?since=1", 304},
		{c.APIURL + "/users/username/alice", 404}, {c.APIURL + "/posts", 0}, {base.String() + "/oauth/access_token", 429},
	} {
		var answer *http.Response
		if one.status > 0 {
			answer = &http.Response{StatusCode: one.status}
		}
		c.count("GET", one.address, answer)
	}
	if diff := cmp.Diff([]string{"GET /posts ok", "GET /channels ok", "GET /users 404", "GET /posts none", "GET /oauth 429"}, got); diff != "" {
		t.Error(diff)
	}
}
