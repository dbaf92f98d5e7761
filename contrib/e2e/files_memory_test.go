package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	simmattermost "causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
)

const (
	gibibyte = 1 << 30
	// markEvery is how far apart the marks of a made file are: nothing that is lost, doubled or moved goes unnoticed.
	markEvery = 64 << 10
	// mostMemory is how much more memory a file may cost, however large it is.
	mostMemory = 40 << 20
)

// marked makes a large file that takes little room: each block says where it stands.
func marked(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "gibibyte"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(gibibyte); err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < gibibyte; at += markEvery {
		if _, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(at)+1), at); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// whole complains unless a content is that of marked.
func whole(content io.Reader) string {
	block := make([]byte, markEvery)
	for at := int64(0); at < gibibyte; at += markEvery {
		if _, err := io.ReadFull(content, block); err != nil {
			return fmt.Sprintf("it ends at %d: %v", at, err)
		}
		if got := binary.BigEndian.Uint64(block); got != uint64(at)+1 {
			return fmt.Sprintf("at %d stands what belongs to %d", at, got-1)
		}
	}
	n, _ := content.Read(block[:1])
	return complain(n == 0, "there is more")
}

// TestAGibibyteTakesLittleMemory moves 1 GiB each way between stand-ins and looks what the process held at most.
func TestAGibibyteTakesLittleMemory(t *testing.T) {
	t.Parallel()
	mm := simmattermost.New(simmattermost.Options{MaxFileSize: 2 << 30})
	if err := mm.Start(); err != nil {
		t.Fatal(err)
	}
	defer mm.Close()
	mm.AddTeam("acme")
	mm.AddUser("anna")
	_, token := mm.AddBot("causeway")
	channel := mm.AddChannel("acme", "town", model.ChannelTypeOpen)
	for _, who := range []string{"anna", "causeway"} {
		mm.AddToTeam("acme", who)
		mm.Join("acme/town", who)
	}
	p := &pair{dir: t.TempDir(), program: harness.BuildCauseway(t), bot: &harness.User{Token: token}}
	sim, err := teams.Start(teams.Options{DeviceCodeInterval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	p.sim = sim
	tenant := sim.AddTenant("contoso")
	otto := tenant.AddUser("Otto")
	p.relay = tenant.AddUser("Causeway")
	p.team = tenant.AddTeam("Sales", otto, p.relay).AddChannel("Berlin")
	app := tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: "a secret for the tests", PublicClient: true,
		Roles:  []string{"Channel.ReadBasic.All", "ChannelMessage.Read.All", "ChannelMember.Read.All", "User.ReadBasic.All"},
		Scopes: []string{"User.Read", "ChannelMessage.Send", "ChannelMessage.ReadWrite", "Files.ReadWrite.All", "Team.ReadBasic.All", "Channel.ReadBasic.All"}})
	p.write(t, "config.toml", fmt.Sprintf(`
[storage]
DSN = "causeway.db"
[http]
Listen = %q
[mattermost.hq]
Server = %q
Token = "env:MM_TOKEN"
Team = "acme"
[msteams.contoso]
TenantID = %q
ClientID = %q
ClientSecret = "env:TEAMS_SECRET"
TeamID = "Sales"
PollInterval = "300ms"
PostInterval = "10ms"
GraphURL = %q
LoginURL = %q
[[gateway]]
name = "town"
inout = [ { account = "mattermost.hq", channel = "town" }, { account = "msteams.contoso", channel = "Berlin" } ]
`, harness.FreePort(t), mm.URL(), tenant.ID, app.ClientID, sim.GraphURL(), sim.LoginURL()))
	p.login(t)
	p.run(t)
	p.eventually(t, "the first crossing", func() string {
		if _, err := mm.Post("anna", channel.Id, "is anybody there?"); err != nil {
			return err.Error()
		}
		if _, err := sim.Say(otto, p.team, "is anybody here?"); err != nil {
			return err.Error()
		}
		time.Sleep(time.Second)
		return complain(len(p.inTeams()) > 0 && len(copies(mm, channel.Id)) > 0)
	})
	time.Sleep(2 * time.Second)

	measure := func(what string, move func()) {
		pid := p.causeway.PID()
		before := procValue(t, pid, "VmRSS")
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // the most so far begins anew
			t.Fatal(err)
		}
		began := time.Now()
		move()
		took := time.Since(began)
		more := procValue(t, pid, "VmHWM") - before
		t.Logf("1 GiB %s: %.1f MiB more than the %.1f MiB before, in %v", what, float64(more)/(1<<20), float64(before)/(1<<20), took.Round(time.Millisecond))
		if more > mostMemory {
			t.Errorf("1 GiB %s took %d bytes of memory, %d may be", what, more, mostMemory)
		}
	}
	measure("to Teams", func() {
		id := mm.AddFile("anna", channel.Id, "gibibyte.bin", marked(t), gibibyte)
		if _, err := mm.PostWith("anna", channel.Id, &model.Post{Message: "large from Mattermost", FileIds: model.StringArray{id}}); err != nil {
			t.Fatal(err)
		}
		p.eventually(t, "the file in Teams", func() string {
			for _, m := range p.relayed() {
				if strings.Contains(m.Text, "large from Mattermost") && len(m.Files) == 1 {
					content, there := sim.Stored(m.Files[0].URL)
					if !there {
						return "it is not stored"
					}
					return whole(content)
				}
			}
			return "it is not there"
		})
	})
	measure("to Mattermost", func() {
		shared, err := sim.PutLargeFile(otto, p.team, "from teams.bin", marked(t), gibibyte)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Say(otto, p.team, "<p>large from Teams</p>", teams.WithFiles(shared)); err != nil {
			t.Fatal(err)
		}
		p.eventually(t, "the file in Mattermost", func() string {
			for _, post := range copies(mm, channel.Id) {
				if strings.Contains(post.Message, "large from Teams") && len(post.FileIds) == 1 {
					_, content := mm.File(post.FileIds[0])
					return whole(content)
				}
			}
			return "it is not there"
		})
	})
}

// copies are what the bot has written.
func copies(mm *simmattermost.Server, channel string) []*model.Post {
	var all []*model.Post
	for _, post := range mm.Rows(channel) {
		if post.GetProp("from_bot") != nil && post.OriginalId == "" && post.DeleteAt == 0 {
			all = append(all, post)
		}
	}
	return all
}

// procValue gives a value of /proc/PID/status in bytes.
func procValue(t *testing.T, pid int, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("/proc does not tell %s", name)
	return 0
}
