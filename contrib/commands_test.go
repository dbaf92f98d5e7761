package contrib_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/msteams"
	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
	"causeway/gateway/web/freeport"
)

// newcomer is somebody who has a server, a tenant, the program and README, and nothing else.
type newcomer struct {
	*testing.T
	folder string
	env    []string

	mattermost *mattermost.Server
	square     *model.Channel
	teams      *teams.Server
	relay, bob *teams.User
	general    *teams.Channel

	stop func()
}

// newNewcomer has a config.toml of README's own words, with addresses and ids of stand-ins.
func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	n := &newcomer{T: t, folder: t.TempDir(), stop: func() {}}
	n.mattermost = mattermost.New(mattermost.Options{})
	n.do(n.mattermost.Start())
	t.Cleanup(n.mattermost.Close)
	n.mattermost.AddTeam("main")
	_, token := n.mattermost.AddBot("causeway")
	n.mattermost.AddUser("alice")
	n.square = n.mattermost.AddChannel("main", "town-square", model.ChannelTypeOpen)
	n.mattermost.Join(n.square.Id, "causeway", "alice")
	n.mattermost.Join(n.mattermost.AddChannel("main", "offtopic", model.ChannelTypeOpen).Id, "causeway", "alice")

	var err error
	n.teams, err = teams.Start(teams.Options{DeviceCodeInterval: time.Second})
	n.do(err)
	t.Cleanup(func() { n.do(n.teams.Close()) })
	tenant := n.teams.AddTenant("Contoso")
	n.relay, n.bob = tenant.AddUser("Causeway Relay"), tenant.AddUser("Bob Kahn")
	team := tenant.AddTeam("Contoso", n.bob, n.relay)
	n.general = team.General
	team.AddChannel("Offtopic")
	var roles, scopes []string
	for _, op := range msteams.Operations() {
		if op.Delegated() {
			scopes = append(scopes, op.Permission)
		} else {
			roles = append(roles, op.Permission)
		}
	}
	app := tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: "s3cr3t-of-the-app", PublicClient: true, Roles: roles, Scopes: scopes})

	n.env = []string{"HOME=" + n.folder, "PATH=" + filepath.Dir(program(t)) + ":" + os.Getenv("PATH"), "CAUSEWAY_MATTERMOST_TOKEN=" + token, "CAUSEWAY_TEAMS_SECRET=s3cr3t-of-the-app"}
	listen, err := freeport.Address()
	n.do(err)
	text := regexp.MustCompile("(?s)```toml\n(.*?)```").FindStringSubmatch(example(t, "../README.md"))
	if text == nil {
		t.Fatal("README has no config")
	}
	config := text[1]
	none := `"00000000-0000-0000-0000-000000000000"`
	for _, change := range [][2]string{
		{"https://mattermost.example.com", n.mattermost.URL()},
		{"TenantID = " + none, `TenantID = "` + tenant.ID + `"`},
		{"ClientID = " + none, `ClientID = "` + app.ClientID + `"` + "\nPollInterval = \"200ms\"\nGraphURL = \"" + n.teams.GraphURL() + "\"\nLoginURL = \"" + n.teams.LoginURL() + `"`},
	} {
		if !strings.Contains(config, change[0]) {
			t.Fatalf("README's config lacks %s", change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	write(t, filepath.Join(n.folder, "config.toml"), "[http]\nListen = \""+listen+"\"\n"+config, 0o600)
	return n
}

func (n *newcomer) do(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// types has a shell carry out a command in the folder.
func (n *newcomer) types(command string) (string, error) {
	cmd := exec.CommandContext(n.Context(), "bash", "-c", command)
	cmd.Dir, cmd.Env = n.folder, n.env
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// sees types a command that must succeed, and say what is wanted.
func (n *newcomer) sees(command string, wants ...string) {
	n.Helper()
	said, err := n.types(command)
	if err != nil {
		n.Errorf("%s: %v\n%s", command, err, said)
		return
	}
	for _, want := range wants {
		if !strings.Contains(said, want) {
			n.Errorf("%s does not say %q:\n%s", command, want, said)
		}
	}
}

// until waits, for at most a minute.
func (n *newcomer) until(what string, holds func() bool) {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			n.Fatalf("it is never so that %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// login signs in, and enters the code elsewhere.
func (n *newcomer) login(command string) {
	n.Helper()
	ctx, cancel := context.WithCancel(n.Context())
	var entering sync.WaitGroup
	var entered error
	entering.Go(func() {
		entered = errors.New("no code was asked for")
		for ctx.Err() == nil {
			if codes := n.teams.UserCodes(); len(codes) > 0 {
				entered = n.teams.ApproveDevice(codes[0], n.relay)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	n.sees(command, "enter", "msteams.contoso is signed in.")
	cancel()
	entering.Wait()
	n.do(entered)
}

// run starts Causeway, and waits until it says that all is well.
func (n *newcomer) run(command string) {
	n.Helper()
	cmd := exec.Command("bash", "-c", "exec "+command)
	cmd.Dir, cmd.Env = n.folder, n.env
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	n.do(cmd.Start())
	var once sync.Once
	n.stop = func() {
		once.Do(func() {
			_ = cmd.Process.Signal(os.Interrupt)
			if err := cmd.Wait(); err != nil || n.Failed() {
				n.Errorf("%s: %v\n%s", command, err, log.String())
			}
		})
	}
	n.Cleanup(n.stop)
	n.until("Causeway is well", func() bool { _, err := n.types("causeway status"); return err == nil })
}

// messagesCross is what it is all for.
func (n *newcomer) messagesCross() {
	n.Helper()
	n.until("both channels have begun", func() bool {
		said, _ := n.types("causeway check")
		return strings.Contains(said, "No problem")
	})
	n.until("a message from Mattermost is in Teams", func() bool {
		if _, err := n.mattermost.Post("alice", n.square.Id, "good morning"); err != nil {
			n.Fatal(err)
		}
		return slices.ContainsFunc(n.teams.Messages(n.general), func(m teams.Message) bool { return strings.Contains(m.HTML, "good morning") })
	})
	// Until Causeway has read a channel of Teams for the first time, what is said there is older than its beginning. Reads are in batches, and those of a
	// check are not.
	n.until("Causeway has read the channel of Teams twice", func() bool {
		reads := 0
		for _, r := range n.teams.Requests() {
			if r.Batch && r.Status == 200 && r.Template == "/teams/{id}/channels/{id}/messages" {
				reads++
			}
		}
		return reads > 1
	})
	if _, err := n.teams.Say(n.bob, n.general, "<p>good evening</p>"); err != nil {
		n.Fatal(err)
	}
	n.until("a message from Teams is in Mattermost", func() bool {
		list, _, err := n.mattermost.Client(n.mattermost.Token("alice")).GetPostsForChannel(n.Context(), n.square.Id, 0, 60, "", false, false)
		n.do(err)
		for _, p := range list.Posts {
			if strings.Contains(p.Message, "good evening") {
				return true
			}
		}
		return false
	})
}

// TestReadmeFromItsConfigToTheFirstMessage does what README says, with its own config, in its order: with the program as it is built, between the
// stand-ins.
func TestReadmeFromItsConfigToTheFirstMessage(t *testing.T) {
	n := newNewcomer(t)
	defer func() { n.stop() }()
	readme := example(t, "../README.md")
	write(t, filepath.Join(n.folder, "text"), "**Hello** @ann", 0o600)
	write(t, filepath.Join(n.folder, "matterbridge.toml"), matterbridge, 0o600)
	plain := func(wants ...string) func(string) {
		return func(command string) { n.Helper(); n.sees(command, wants...) }
	}
	as := func(other string, wants ...string) func(string) {
		return func(string) { n.Helper(); n.sees(other, wants...) }
	}
	const unknown = "nobody who is known is called that: `causeway people list` shows who is"
	const unreachable = "nobody can connect: set PublicURL in [http] to the address at which browsers reach Causeway"
	refused := func(other, why string) func(string) { // as there is no PublicURL yet
		return func(string) {
			n.Helper()
			if said, err := n.types(other); err == nil || said != why+"\n" {
				n.Errorf("%s: %v\n%s", other, err, said)
			}
		}
	}
	for _, step := range []struct {
		says string // in README
		do   func(command string)
	}{
		{"causeway render --from mattermost --to msteams < text", plain("<strong>Hello</strong>")},
		{"causeway completion bash", func(command string) { n.sees(command + " | bash -n") }},
		{"causeway help COMMAND", as("causeway help check", "Examples:")},
		{"causeway import\nmatterbridge.toml -o config.toml", as("causeway import matterbridge.toml -o made.toml && cat made.toml", "[[gateway]]")},
		{"causeway login msteams.contoso", n.login},
		{"causeway channels mattermost.hq", plain(`channel = "main/town-square"`)},
		{"causeway channels msteams.contoso", plain(`channel = "Contoso/General"`)},
		{"causeway check", plain("No problem")},
		{"causeway run", n.run},
		{"causeway status", func(command string) {
			n.sees(command, "mattermost.hq main/town-square", "msteams.contoso Contoso/General")
			n.messagesCross()
		}},
		{"causeway reload", plain("Nothing has changed.")},
		{"causeway link mattermost.hq:main/offtopic msteams.contoso:Contoso/Offtopic", plain("are linked")},
		{"causeway unlink", as("causeway unlink mattermost.hq:main/offtopic", "not linked any more")},
		{"causeway people list [WORD…]", as("causeway people list")},
		{"causeway people show NAME", refused("causeway people show alice", "causeway: alice: "+unknown)},
		{"causeway people invite NAME…", refused("causeway people invite alice", "alice: not done: "+unreachable)},
		{"causeway people connect NAME OTHER", refused("causeway people connect alice Bob", "alice Bob: not done: "+unreachable)},
		{"causeway people disallow NAME OTHER", refused("causeway people disallow alice bob.kahn", "alice bob.kahn: not done: "+unreachable)},
		{"causeway people disconnect NAME…", refused("causeway people disconnect alice", "alice: not done: "+unknown)},
		{"causeway people platform NAME PLATFORM", refused("causeway people platform alice msteams.contoso", "alice msteams.contoso: not done: "+unknown)},
		{"causeway people export [--csv|--json]", as("causeway people export --csv")},
		{"causeway people sync [--dry-run|--confirm NUMBER]", as("causeway people sync --dry-run")},
		{"causeway dashboard", plain("/login?key=")},
		{"causeway quarantine list", plain()},
		{"causeway message LINK", as("causeway message https://chat.example.com/main/pl/nowhere || true")},
		{"causeway audit", plain("login", "reload")},
		{"causeway store backup FILE", as("causeway store backup copy.db", "copy.db holds the store")},
		{"causeway store restore FILE", func(string) {
			n.stop()
			n.sees("causeway store restore copy.db --replace", "is as it was when copy.db was made")
		}},
		{"causeway rekey", plain()},
		{"causeway store copy", as("causeway store copy --to moved.db && causeway store check", "are in moved.db now", "has version")},
	} {
		if !strings.Contains(readme, step.says) {
			t.Errorf("README does not say %s any more: what does it say instead?", step.says)
			continue
		}
		if step.do(step.says); t.Failed() {
			return // what follows needs it
		}
	}
}

// matterbridge is a config as its users have.
const matterbridge = `[mattermost.hq]
Server = "mattermost.example.com"
Team = "main"
Login = "bridge"
Password = "secret"
[msteams.contoso]
TenantID = "t"
ClientID = "c"
TeamID = "team"
[[gateway]]
name = "one"
enable = true
[[gateway.inout]]
account = "mattermost.hq"
channel = "town-square"
[[gateway.inout]]
account = "msteams.contoso"
channel = "19:x@thread.skype"
`

var (
	// namedCommand is a command on a page, in backticks or on an indented line, to the end of that.
	namedCommand = regexp.MustCompile("(?:`(?:sudo -u causeway )?|(?m:^ {4,}))(causeway|make) ([a-z][a-z0-9-]*)([^`#\n]*)")
	actionWord   = regexp.MustCompile(`^[a-z]+`)
	flagWord     = regexp.MustCompile(`(?:^|[ \[|])(--?[a-z][a-z-]*)`)
)

// TestCommandsInPagesExist: a command that README or a page of docs names is one of the program's or of make's, with its action and flags.
func TestCommandsInPagesExist(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile := example(t, "../Makefile")
	found, calls := map[string]string{}, map[string]string{}
	for _, page := range append(pages, "../README.md") {
		for _, m := range namedCommand.FindAllStringSubmatch(example(t, page), -1) {
			found[m[1]+" "+m[2]] = page
			if m[1] == "causeway" {
				calls[m[2]+regexp.MustCompile(`  .*`).ReplaceAllString(m[3], "")] = page // behind two blanks stands what it does
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d commands were found: does this test still read them?", len(found))
	}
	helps := map[string]string{}
	for command, page := range found {
		name, what, _ := strings.Cut(command, " ")
		if name == "make" {
			if !regexp.MustCompile(`(?m)^` + what + `:`).MatchString(makefile) {
				t.Errorf("%s names %s, and the Makefile has no such target", page, command)
			}
			continue
		}
		said, err := exec.CommandContext(t.Context(), program(t), what, "--help").CombinedOutput()
		if err != nil {
			t.Errorf("%s names %s: %v\n%s", page, command, err, said)
		}
		helps[what] = string(said)
	}
	actions := 0
	for call, page := range calls {
		verb, rest, _ := strings.Cut(call, " ")
		about, flags, _ := strings.Cut(helps[verb], "\nFlags:\n")
		knows := func(help, word, pattern string) {
			actions++
			if !regexp.MustCompile(pattern).MatchString(help) {
				t.Errorf("%s names causeway %s, whose help does not know %s:\n%s", page, call, word, help)
			}
		}
		if word := actionWord.FindString(rest); word != "" && slices.Contains([]string{"people", "quarantine", "setup", "store"}, verb) {
			// The usage names it, or a line of its own, or an example begins with it.
			knows(about, word, `(?m)^(?:Usage: causeway `+verb+` (?:.*\| ?)?|  (?:causeway `+verb+` )?)`+word+`(?:[ |]|$)`)
		}
		for _, m := range flagWord.FindAllStringSubmatch(rest, -1) {
			knows(flags, m[1], `(^|[^a-z-])`+m[1]+`([^a-z-]|$)`)
		}
	}
	if actions < 30 {
		t.Errorf("only %d actions and flags were found: does this test still read them?", actions)
	}
}
