// Command teams-sim runs the Teams stand-in as a process of its own, with a small organisation in it. It prints the
// lines for config.toml, then shows what happens in the channels and lets people talk from standard input:
//
//	ada: hello           says hello in the channel General as Ada
//	login CODE bob       completes a login by device code as Bob
//	disable bob          and enable, delete, restore, purge, unlicense, license: what an administrator does to Bob
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"causeway/contrib/sim/teams"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "teams-sim:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	flags := flag.NewFlagSet("teams-sim", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:9081", "address to listen on")
	throttle := flags.Bool("throttle", false, "apply Microsoft's documented rate limits")
	allowHTTP := flags.Bool("allow-http", false, "take notification URLs of loopback addresses with http as well")
	redirect := flags.String("redirect", "http://127.0.0.1:9080/connect/back", "where people who sign in are sent back to")
	speed := flags.Float64("speed", 1, "how many seconds of deliveries (retries, windows) pass in a second")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	server, err := teams.Listen(*listen, teams.Options{
		Throttle: teams.Throttle{On: *throttle},
		Webhooks: teams.Webhooks{AllowHTTP: *allowHTTP, Speed: *speed},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	o := newOffice(server.Sim, *redirect)
	o.describe(out, server)
	server.OnChange(func(e teams.Event) { show(out, e, server.Sim) })
	lines := make(chan string)
	go func() { // ends with the input, or with the process: a read from a terminal cannot be interrupted
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case line := <-lines:
			if err := o.act(line); err != nil {
				fmt.Fprintln(out, "!", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// office is the organisation of the demonstration.
type office struct {
	sim    *teams.Sim
	tenant *teams.Tenant
	people map[string]*teams.User
	team   *teams.Team
	app    *teams.App
}

func newOffice(sim *teams.Sim, redirect string) *office {
	o := &office{sim: sim, tenant: sim.AddTenant("Contoso"), people: map[string]*teams.User{}}
	for key, name := range map[string]string{"ada": "Ada Lovelace", "bob": "Bob Kahn", "relay": "Causeway Relay"} {
		o.people[key] = o.tenant.AddUser(name)
	}
	o.team = o.tenant.AddTeam("Engineering", o.people["ada"], o.people["bob"], o.people["relay"])
	o.app = o.tenant.AddApp(teams.AppConfig{
		Name: "Causeway", Secret: "demo-secret", PublicClient: true, Redirects: []string{redirect},
		Roles: []string{"ChannelMessage.Read.All", "Channel.ReadBasic.All", "Team.ReadBasic.All", "User.Read.All", "TeamMember.Read.All", "ChannelMember.Read.All"},
		Scopes: []string{"ChannelMessage.Send", "ChannelMessage.ReadWrite", "ChannelMessage.Read.All", "Channel.ReadBasic.All",
			"Team.ReadBasic.All", "User.Read"},
	})
	return o
}

func (o *office) describe(out io.Writer, server *teams.Server) {
	fmt.Fprintf(out, "[msteams.demo]\nTenantID = %q\nClientID = %q\nClientSecret = %q\nTeamID = %q\nGraphURL = %q\nLoginURL = %q\n\n",
		o.tenant.ID, o.app.ClientID, "demo-secret", o.team.ID, server.GraphURL(), server.LoginURL())
}

// act does what a line of input says.
func (o *office) act(line string) error {
	if rest, ok := strings.CutPrefix(line, "login "); ok {
		code, name, _ := strings.Cut(rest, " ")
		who := o.people[strings.TrimSpace(name)]
		if who == nil {
			return fmt.Errorf("logging in: there is no %q", name)
		}
		return o.sim.ApproveDevice(code, who)
	}
	if done, err := o.administer(line); done {
		return err
	}
	name, text, ok := strings.Cut(line, ":")
	who := o.people[strings.ToLower(strings.TrimSpace(name))]
	if !ok || who == nil {
		return errors.New(`reading the line: write "ada: hello" or "login CODE relay"`)
	}
	_, err := o.sim.Say(who, o.team.General, strings.TrimSpace(text), teams.Plain())
	return err
}

// administer does what an administrator of the directory does; it reports whether the line was about that.
func (o *office) administer(line string) (done bool, err error) {
	verb, name, _ := strings.Cut(strings.TrimSpace(line), " ")
	act, known := map[string]func(*teams.User){
		"disable": func(u *teams.User) { u.SetDisabled(true) }, "enable": func(u *teams.User) { u.SetDisabled(false) },
		"unlicense": func(u *teams.User) { u.SetLicensed(false) }, "license": func(u *teams.User) { u.SetLicensed(true) },
		"delete": (*teams.User).Delete, "restore": (*teams.User).Restore, "purge": (*teams.User).Purge,
	}[verb]
	if !known {
		return false, nil
	}
	who := o.people[strings.ToLower(strings.TrimSpace(name))]
	if who == nil {
		return true, fmt.Errorf("%s: there is no %q", verb, name)
	}
	act(who)
	return true, nil
}

func show(out io.Writer, e teams.Event, sim *teams.Sim) {
	m, _ := sim.Message(e.Channel, e.ID)
	who := "Teams"
	if e.User != nil {
		who = e.User.Name
	}
	fmt.Fprintf(out, "%s  %s  %-9s %s: %s%s\n", e.At.Format("15:04:05"), e.Channel.Name, e.Kind, who, m.Text, e.Emoji)
}
