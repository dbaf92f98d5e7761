package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"causeway/contrib/e2e/harness"
)

// A hundred and fifty times the config is changed while people talk, by polling and by change notifications: once an account, once the other, both, a gateway
// that has nothing to do with them, or nothing. Nothing is lost, doubled or out of order, and no process is started anew.
func TestAConfigIsChangedWhilePeopleTalk(t *testing.T) {
	t.Parallel()
	for _, receive := range []string{"poll", "rich"} {
		t.Run(receive, func(t *testing.T) {
			t.Parallel()
			const messages, reloads = 200, 75
			p := newPairOn(t, harness.Shared(t).Mattermost, 4, receive)
			p.begin(t)
			text, err := os.ReadFile(filepath.Join(p.dir, "config.toml"))
			if err != nil {
				t.Fatal(err)
			}
			process := p.causeway.PID()
			people := p.talk(t, messages/8)
			for n := range reloads {
				p.write(t, "config.toml", otherwise(string(text), n))
				before := p.causeway.Output().Len()
				p.causeway.Signal(t, syscall.SIGHUP)
				p.eventually(t, "the config taken up", func() string {
					return complain(strings.Contains(p.causeway.Output().Since(before), "the config was taken up"))
				})
			}
			people.Wait()
			if receive == "poll" {
				p.judge(t, messages)
			} else {
				p.arrived(t, messages) // a notification that meets an account being replaced is delivered again, which may be late
			}
			p.alike(t)
			if p.causeway.PID() != process || !p.causeway.Running() {
				t.Error("Causeway is another process than before")
			}
			log := p.causeway.Output().String()
			if strings.Contains(log, "was not taken up") || strings.Contains(log, "internal error") {
				t.Error("a config was not taken up")
			}
		})
	}
}

// otherwise gives a config that says something else, by n.
func otherwise(text string, n int) string {
	label := func(account string) {
		text = strings.Replace(text, account+"]\n", account+"]\nLabel = \"L"+string(rune('a'+n%20))+"\"\n", 1)
	}
	switch n % 6 {
	case 0:
		label("[mattermost.hq")
	case 1:
		label("[msteams.contoso")
	case 2:
		label("[mattermost.hq")
		label("[msteams.contoso")
	case 3:
		text = strings.Replace(text, `LogLevel = "debug"`, `LogLevel = "info"`, 1)
	case 4:
		text += "[[gateway]]\nname = \"no such\"\ninout = [ { account = \"mattermost.hq\", channel = \"no-such\" }, { account = \"msteams.contoso\", channel = \"No such\" } ]\n"
	}
	return text
}
