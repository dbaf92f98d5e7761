package mattermost

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// vaultCommands is where the tokens of the registered commands are kept.
	vaultCommands = "commands"
	// rereads is the least time between two readings of the vault for what another instance may have stored.
	rereads = 5 * time.Second
)

// commands knows by which tokens the server proves that a command comes from it: one for each team and word.
type commands struct {
	vault bridge.Vault

	mu     sync.Mutex
	hashes map[string][sha256.Size]byte
	// read is when the vault was read, stored what it holds as far as known.
	read   time.Time
	stored []byte
	// missing says where commands could not be registered, and why; for people.
	missing []string
}

func newCommands(vault bridge.Vault) *commands {
	return &commands{vault: vault, hashes: map[string][sha256.Size]byte{}}
}

func commandKey(team, word string) string { return team + " " + word }

// load reads the stored tokens.
func (k *commands) load(ctx context.Context) error {
	data, err := k.vault.Load(ctx, vaultCommands)
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	if data != nil {
		if err := json.Unmarshal(data, &tokens); err != nil {
			tokens = nil // registering them again finds them
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read, k.stored = time.Now(), data
	for key, token := range tokens {
		k.hashes[key] = sha256.Sum256([]byte(token))
	}
	return nil
}

// learn takes the token of a command that was registered just now: somebody may type it at once.
func (k *commands) learn(key, token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hashes[key] = sha256.Sum256([]byte(token))
}

// store keeps the tokens of all commands.
func (k *commands) store(ctx context.Context, tokens map[string]string, missing []string) error {
	hashes := map[string][sha256.Size]byte{}
	for key, token := range tokens {
		hashes[key] = sha256.Sum256([]byte(token))
	}
	data, err := json.Marshal(tokens)
	if err != nil {
		return fmt.Errorf("encoding the tokens of commands: %w", err)
	}
	k.mu.Lock()
	k.hashes, k.missing = hashes, missing
	same := bytes.Equal(data, k.stored)
	k.mu.Unlock()
	if same {
		return nil
	}
	if err := k.vault.Save(ctx, vaultCommands, data); err != nil {
		return fmt.Errorf("storing the tokens of commands: %w", err)
	}
	k.mu.Lock()
	k.stored = data
	k.mu.Unlock()
	return nil
}

// lacking says where commands could not be registered.
func (k *commands) lacking() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.missing)
}

// knows says whether a token belongs to any command. It takes the same time for every token of one length.
func (k *commands) knows(ctx context.Context, token string) bool {
	if k.find(token, "") {
		return true
	}
	k.mu.Lock()
	recent := time.Since(k.read) < rereads
	if !recent {
		k.read = time.Now() // wrong tokens in any number cost one reading
	}
	k.mu.Unlock()
	return !recent && k.load(ctx) == nil && k.find(token, "")
}

// find compares with the hash of one command, or with all.
func (k *commands) find(token, key string) bool {
	hash := sha256.Sum256([]byte(token))
	k.mu.Lock()
	defer k.mu.Unlock()
	found := 0
	for one, other := range k.hashes {
		if key == "" || key == one {
			found |= subtle.ConstantTimeCompare(hash[:], other[:])
		}
	}
	return found == 1 && token != ""
}

// keepCommands registers the commands, and looks again from time to time, as teams come and people change things.
func (f *feed) keepCommands(ctx context.Context) error {
	a := f.account
	if a.front == nil {
		return nil
	}
	last := ""
	for {
		err := a.lookPowers(ctx)
		if err == nil {
			err = a.registerCommands(ctx)
		}
		now := ""
		if err != nil {
			now = bridge.Cause(err)
		}
		if now != last && ctx.Err() == nil {
			if err != nil {
				a.log.WithError(err).Warn("commands could not be registered; trying again")
			} else {
				a.log.Info("commands are registered again")
			}
			last = now
		}
		wait := a.timing.commands
		if err != nil {
			wait = min(wait, max(a.timing.retryMax, bridge.AfterOf(err)))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		case <-f.newTeam:
			timer.Stop()
		}
	}
}

// registerCommands makes the server's commands what they should be, team by team. A team where that is not possible does not
// keep it from the others.
func (a *account) registerCommands(ctx context.Context) error {
	_, config, err := a.fresh(ctx)
	if err != nil {
		return err
	}
	if a.callback == "" || !config.commands {
		return nil // Check says so
	}
	teams, err := a.teams(ctx)
	if err != nil {
		return err
	}
	tokens, missing := map[string]string{}, []string(nil)
	for _, t := range teams {
		made, err := a.registerIn(ctx, t)
		switch kind := bridge.KindOf(err); {
		case err == nil:
		case forbidden(err), kind == bridge.Rejected, kind == bridge.Gone, kind == bridge.Unsupported:
			missing = append(missing, fmt.Sprintf("%s: %v", t.Name, err))
			a.log.WithError(err).WithField("team", t.Name).Debug("a command could not be registered")
		default:
			return fmt.Errorf("registering commands in the team %s: %w", t.Name, err)
		}
		for word, token := range made {
			tokens[commandKey(t.Id, word)] = token
		}
	}
	return a.commands.store(ctx, tokens, missing)
}

// ownTeams lists the bot's teams.
func (a *account) ownTeams(ctx context.Context) ([]*model.Team, error) {
	me, _, err := a.self()
	if err != nil {
		return nil, err
	}
	var all []*model.Team
	if err := a.client.get(ctx, "/users/"+me.Id+"/teams", &all); err != nil {
		return nil, fmt.Errorf("asking which teams the bot is in: %w", err)
	}
	return all, nil
}

// teams lists the bot's teams, and all others that it may see.
func (a *account) teams(ctx context.Context) ([]*model.Team, error) {
	all, err := a.ownTeams(ctx)
	if err != nil {
		return nil, err
	}
	if !a.may(model.PermissionManageSlashCommands, model.PermissionViewTeam) {
		return all, nil // it may register them at most in its own
	}
	known := map[string]bool{}
	for _, t := range all {
		known[t.Id] = true
	}
	for list, err := range pages[*model.Team](ctx, a.client, "/teams") {
		if forbidden(err) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing the teams: %w", err)
		}
		for _, t := range list {
			if !known[t.Id] && t.DeleteAt == 0 {
				known[t.Id] = true
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// registerIn makes the commands of one team what they should be, and gives the tokens by word. With an error it gives those that work.
func (a *account) registerIn(ctx context.Context, team *model.Team) (tokens map[string]string, err error) {
	me, _, err := a.self()
	if err != nil {
		return nil, err
	}
	var list []*model.Command
	if err := a.client.get(ctx, "/commands?custom_only=true&team_id="+team.Id, &list); err != nil {
		return nil, lacking(err, model.PermissionManageSlashCommands.Id)
	}
	// Of several with one word the oldest stays, whichever instance looks.
	slices.SortFunc(list, func(x, y *model.Command) int {
		return cmp.Or(cmp.Compare(x.CreateAt, y.CreateAt), strings.Compare(x.Id, y.Id))
	})
	tokens = map[string]string{}
	wanted := a.front.Triggers()
	ours := map[string]*model.Command{}
	for _, c := range list {
		if c.CreatorId != me.Id || !ourAddress(c.URL) {
			continue
		}
		isWanted := slices.ContainsFunc(wanted, func(t bridge.Trigger) bool { return t.Word == c.Trigger })
		if isWanted && ours[c.Trigger] == nil {
			ours[c.Trigger] = c
			continue
		}
		if _, err := a.client.call(ctx, opChange, http.MethodDelete, "/commands/"+c.Id, nil, nil); err != nil && bridge.KindOf(err) != bridge.Gone {
			return tokens, fmt.Errorf("removing the command /%s that is not needed: %w", c.Trigger, err)
		}
	}
	for _, t := range wanted {
		token, refused := a.registerOne(ctx, team.Id, t, ours[t.Word])
		if refused != nil {
			err = fmt.Errorf("registering /%s: %w", t.Word, refused)
			continue
		}
		tokens[t.Word] = token
		a.commands.learn(commandKey(team.Id, t.Word), token)
	}
	return tokens, err
}

// ourAddress says whether a command's address looks like that of a Causeway, which may have moved.
func ourAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Contains(u.Path, "/hooks/") && strings.HasSuffix(u.Path, pathCommand)
}

// registerOne makes or changes a command, and gives its token.
func (a *account) registerOne(ctx context.Context, team string, t bridge.Trigger, there *model.Command) (token string, err error) {
	want := model.Command{
		TeamId: team, Trigger: t.Word, URL: a.callback + pathCommand, Method: model.CommandMethodPost, AutoComplete: true,
		AutoCompleteDesc: t.Description, AutoCompleteHint: t.Hint, DisplayName: appName, Description: t.Description, Username: appName,
	}
	if there == nil {
		var made model.Command
		if _, err := a.client.call(ctx, opPost, http.MethodPost, "/commands", &want, &made); err != nil {
			return "", lacking(err, model.PermissionManageSlashCommands.Id)
		}
		return made.Token, nil
	}
	changed := *there
	changed.URL, changed.Method, changed.AutoComplete = want.URL, want.Method, true
	changed.AutoCompleteDesc, changed.AutoCompleteHint, changed.DisplayName = want.AutoCompleteDesc, want.AutoCompleteHint, want.DisplayName
	changed.Description, changed.Username = want.Description, want.Username
	if changed == *there {
		return there.Token, nil
	}
	if _, err := a.client.call(ctx, opChange, http.MethodPut, "/commands/"+there.Id, &changed, nil); err != nil {
		return "", err
	}
	return there.Token, nil
}
