package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"causeway/bridge/msteams"
)

// What the app registration needs: exactly what the bridge says that it calls.
var appPermissions, relayPermissions = permissions()

func permissions() (app, relay []string) {
	for _, op := range msteams.Operations() {
		if op.Relay {
			relay = append(relay, op.Permission)
		} else {
			app = append(app, op.Permission)
		}
	}
	return app, relay
}

// causeway is the program, run as an operator would.
type causeway struct {
	program, folder string

	running *exec.Cmd
	done    chan struct{} // closed when running has ended
}

const configText = `# Written by the demonstration. Edit it and type "kill" there: the next start reads it.

[general]
LogLevel = "debug"

[http]
Listen = "127.0.0.1:0"            # any free port

[mattermost.demo]
Server = %q
Token = %q
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Mattermost"

[msteams.demo]
TenantID = %q
ClientID = %q
ClientSecret = %q
GraphURL = %q
LoginURL = %q
PollInterval = "500ms"            # 5s when not set
PostInterval = "100ms"            # 1s when not set, which is what Microsoft allows
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Teams"

[[gateway]]
name = "town-square"
inout = [
    { account = "mattermost.demo", channel = %q },
    { account = "msteams.demo", channel = %q },
]
`

func (c *causeway) configure(w *world) error {
	text := fmt.Sprintf(configText, w.mattermost.URL(), w.botToken,
		w.tenant.ID, w.app.ClientID, appSecret, w.teams.GraphURL(), w.teams.LoginURL(), town, w.team.Name+"/"+w.team.General.Name)
	if err := os.WriteFile(filepath.Join(c.folder, "config.toml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the config: %w", err)
	}
	return nil
}

// command runs causeway with some arguments and gives what it printed.
func (c *causeway) command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Dir = c.folder
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

// start starts `causeway run`.
func (c *causeway) start() error {
	log, err := os.OpenFile(filepath.Join(c.folder, "causeway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(c.program, "run")
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.folder, log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting causeway: %w", err)
	}
	done := make(chan struct{})
	go func() { // ends with the process, which stop or kill waits for
		defer close(done)
		_ = cmd.Wait()
	}()
	c.running, c.done = cmd, done
	return nil
}

// ended gives an error when the process has ended by itself.
func (c *causeway) ended() error {
	select {
	case <-c.done:
		return errors.New("causeway has ended by itself")
	default:
		return nil
	}
}

// kill is kill -9.
func (c *causeway) kill() {
	_ = c.running.Process.Kill() // it fails only when the process has ended
	<-c.done
}

// stop asks the process to end, and kills it when it does not.
func (c *causeway) stop() {
	if c.running == nil {
		return
	}
	_ = c.running.Process.Signal(syscall.SIGTERM) // it fails only when the process has ended
	select {
	case <-c.done:
	case <-time.After(15 * time.Second):
		c.kill()
	}
}
