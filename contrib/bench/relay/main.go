// Command relay is the least that carries messages: it reads a websocket and posts, and reads Graph and posts. It stores
// nothing, tries nothing twice, and is what Causeway's costs are measured against.
//
//	relay -mattermost URL -from ID -to ID                       one Mattermost channel to another
//	relay -mattermost URL -from ID -graph URL -interval 100ms   a Mattermost channel to a Teams channel and back
//
// RELAY_TOKEN is the bot's token, RELAY_READ and RELAY_WRITE are Graph's. The URL of Graph is that of the channel's
// messages.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"html"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func main() {
	server := flag.String("mattermost", "", "address of the Mattermost server")
	from := flag.String("from", "", "id of the Mattermost channel that is read")
	to := flag.String("to", "", "id of the Mattermost channel that is written to")
	graph := flag.String("graph", "", "URL of the Teams channel's messages, in place of -to")
	interval := flag.Duration("interval", time.Second, "time between two reads of the Teams channel")
	flag.Parse()
	ctx, token := context.Background(), os.Getenv("RELAY_TOKEN")
	client := model.NewAPIv4Client(*server)
	client.SetToken(token)
	me, _, err := client.GetMe(ctx, "")
	must(err)
	socket, err := model.NewWebSocketClient4("ws"+strings.TrimPrefix(*server, "http"), token)
	must(err)
	socket.Listen()
	write := func(text string) error { return post(*graph, text) }
	back := func(channel, text string) {
		_, _, err := client.CreatePost(ctx, &model.Post{ChannelId: channel, Message: text})
		must(err)
	}
	if *graph == "" {
		write = func(text string) error { back(*to, text); return nil }
	} else {
		go poll(*graph, *interval, func(text string) { back(*from, text) })
	}
	log.Print("running")
	for event := range socket.EventChannel {
		var said model.Post
		text, _ := event.GetData()["post"].(string)
		if event.EventType() != model.WebsocketEventPosted || json.Unmarshal([]byte(text), &said) != nil {
			continue
		}
		if said.ChannelId == *from && said.UserId != me.Id && said.Type == "" {
			must(write(event.GetData()["sender_name"].(string) + ": " + said.Message))
		}
	}
	log.Fatal("the websocket has ended: ", socket.ListenError)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// call asks Graph and decodes its answer.
func call(method, url, token string, body, answer any) error {
	var text bytes.Buffer
	must(json.NewEncoder(&text).Encode(body))
	if body == nil {
		text.Reset()
	}
	request, err := http.NewRequest(method, url, &text)
	must(err)
	request.Header.Set("Authorization", "Bearer "+os.Getenv(token))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(err)
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		log.Fatal(method, " ", url, ": ", response.Status)
	}
	whole, err := io.ReadAll(response.Body) // to the end, so that the connection is used again
	must(err)
	return json.Unmarshal(whole, answer)
}

func post(url, text string) error {
	body := map[string]any{"body": map[string]string{"contentType": "html", "content": html.EscapeString(text)}}
	return call(http.MethodPost, url, "RELAY_WRITE", body, &struct{}{})
}

// page is what Graph answers; the newest come first. An id is a time, so that ids of one length are in order.
type page struct {
	Value []struct {
		ID   string
		From struct{ User struct{ DisplayName string } }
		Body struct{ Content string }
	}
	Next string `json:"@odata.nextLink"`
}

// poll carries what is new since it began. Its own posts begin with a name and "@", which nobody else's do.
func poll(url string, interval time.Duration, carry func(text string)) {
	latest := ""
	for first := true; ; first = false {
		var fresh []string
		newest := latest
		for next := url + "?$top=50"; next != ""; {
			var p page
			must(call(http.MethodGet, next, "RELAY_READ", nil, &p))
			next = p.Next
			for _, m := range p.Value {
				if m.ID <= latest {
					next = ""
					continue
				}
				newest = max(newest, m.ID)
				if !first && !strings.HasPrefix(m.Body.Content, "@") {
					fresh = append(fresh, m.From.User.DisplayName+": "+m.Body.Content)
				}
			}
			if first {
				next = ""
			}
			if next != "" {
				time.Sleep(interval) // Graph lets an app read a channel once a second, page by page as well
			}
		}
		latest = newest
		slices.Reverse(fresh)
		for _, text := range fresh {
			carry(text)
		}
		time.Sleep(interval)
	}
}
