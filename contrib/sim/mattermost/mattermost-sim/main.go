// Command mattermost-sim runs the Mattermost stand-in for a demonstration: a
// team with people and a channel, and a bot whose token it prints. Everything is
// forgotten when it ends.
//
//	mattermost-sim -listen 127.0.0.1:8065 -users alice,bob -team acme -channel town
//
// With -talk somebody says something now and then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	sim "causeway/contrib/sim/mattermost"
)

type config struct {
	listen, team, channel, users, bot, roles string
	talk                                     time.Duration
	events                                   bool
	faults                                   float64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

func parse(args []string) (config, error) {
	var c config
	f := flag.NewFlagSet("mattermost-sim", flag.ContinueOnError)
	f.StringVar(&c.listen, "listen", "127.0.0.1:8065", "address to listen on")
	f.StringVar(&c.team, "team", "acme", "name of the team")
	f.StringVar(&c.channel, "channel", "town", "name of the public channel")
	f.StringVar(&c.users, "users", "alice,bob", "people in the channel, by comma")
	f.StringVar(&c.bot, "bot", "causeway", "name of the bot")
	f.StringVar(&c.roles, "bot-roles", model.SystemAdminRoleId, "additional system roles of the bot, by comma")
	f.DurationVar(&c.talk, "talk", 0, "somebody says something this often; 0 is never")
	f.BoolVar(&c.events, "events", true, "print what people see")
	f.Float64Var(&c.faults, "faults", 0, "probability of a fault of each kind per request, up to 0.2")
	return c, f.Parse(args)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	opts := sim.Options{}
	if c.events {
		opts.OnEvent = func(e *model.WebSocketEvent) { show(out, e) }
	}
	s := sim.New(opts)
	if err := s.StartAt(c.listen); err != nil {
		return err
	}
	defer s.Close()
	people := strings.Split(c.users, ",")
	seed(s, c, people, out)
	if c.faults > 0 {
		s.SetRandomFaults(&sim.RandomFaults{Seed: 1, LoseRequest: c.faults, LoseAnswer: c.faults,
			Status503: c.faults, Status429: c.faults, Delay: c.faults, MaxDelay: 2 * time.Second})
	}
	if c.talk <= 0 {
		<-ctx.Done()
		return nil
	}
	return talk(ctx, s, c, people)
}

// seed builds the world and prints what is needed to connect to it.
func seed(s *sim.Server, c config, people []string, out io.Writer) {
	s.AddTeam(c.team)
	s.AddChannel(c.team, c.channel, model.ChannelTypeOpen)
	channel := c.team + "/" + c.channel
	_, token := s.AddBot(c.bot, strings.FieldsFunc(c.roles, func(r rune) bool { return r == ',' })...)
	for _, name := range people {
		s.AddUser(name)
		fmt.Fprintf(out, "token of %s: %s\n", name, s.Token(name))
	}
	s.Join(channel, append([]string{c.bot}, people...)...)
	fmt.Fprintf(out, "server: %s\nchannel: %s\ntoken of the bot %s: %s\n", s.URL(), channel, c.bot, token)
}

// talk lets the people take turns until the context ends.
func talk(ctx context.Context, s *sim.Server, c config, people []string) error {
	tick := time.NewTicker(c.talk)
	defer tick.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := s.Post(people[i%len(people)], c.team+"/"+c.channel, fmt.Sprintf("Message %d", i)); err != nil {
			return err
		}
	}
}

// show prints an event on one line.
func show(out io.Writer, e *model.WebSocketEvent) {
	d := e.GetData()
	switch e.EventType() {
	case model.WebsocketEventPosted:
		fmt.Fprintf(out, "%s %v: %v\n", e.EventType(), d["sender_name"], d["post"])
	case model.WebsocketEventPostEdited, model.WebsocketEventPostDeleted:
		fmt.Fprintf(out, "%s %v\n", e.EventType(), d["post"])
	case model.WebsocketEventReactionAdded, model.WebsocketEventReactionRemoved:
		fmt.Fprintf(out, "%s %v\n", e.EventType(), d["reaction"])
	}
}
