package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestTheDemoPrintsATokenThatWorks(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-listen", "127.0.0.1:0", "-users", "ann,ben", "-talk", "1ms"}, w)
		w.Close()
	}()
	found := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		found[name] = value
		if strings.HasSuffix(lines.Text(), "}") && strings.Contains(lines.Text(), "Message 3") {
			break
		}
	}
	go io.Copy(io.Discard, r) //nolint:errcheck // ends with the pipe
	c := model.NewAPIv4Client(found["server"])
	c.SetToken(found["token of the bot causeway"])
	ch, _, err := c.GetChannelByNameForTeamName(ctx, "town", "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	posts, _, err := c.GetPostsForChannel(ctx, ch.Id, 0, 100, "", false, false)
	if err != nil || len(posts.Order) < 6 { // three system messages, three of the people
		t.Fatalf("%v, %v", posts, err)
	}
	c.HTTPClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestBadFlags(t *testing.T) {
	if err := run(t.Context(), []string{"-listen", "nowhere"}, io.Discard); err == nil || !strings.Contains(err.Error(), "starting the Mattermost stand-in") {
		t.Fatalf("got %v", err)
	}
}
