package mattermost

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// serverConfig is what any account may read of the server's settings, as far as it matters here.
type serverConfig struct {
	server  bridge.ServerID
	version string
	// site is where people open the server, without a slash at the end.
	site string
	// maxRunes is the longest message.
	maxRunes int
	// maxFile is the largest file in bytes; noFiles: none are taken at all.
	maxFile int64
	noFiles bool
	// nameFormat is TeammateNameDisplay.
	nameFormat string
	// showNames and showIcons: a post may show another name and picture than its author's.
	showNames, showIcons bool
	// tokens, oauth and commands: EnableUserAccessTokens, EnableOAuthServiceProvider and EnableCommands.
	tokens, oauth, commands bool
	// priorities: posts that start a thread can be important or urgent.
	priorities bool
	// managed: LDAP or SAML is in use, so accounts may be switched on and off from there.
	managed bool
	// verifies: nobody logs in with an address that is not verified.
	verifies bool
	// editSeconds is how long posts may be edited; -1: for ever.
	editSeconds int
}

// readConfig reads GET /config/client.
func (a *account) readConfig(ctx context.Context) (serverConfig, error) {
	var values map[string]string
	if err := a.client.get(ctx, "/config/client?format=old", &values); err != nil {
		return serverConfig{}, fmt.Errorf("reading the settings of %s: %w", a.client.base, err)
	}
	id := values["DiagnosticId"]
	if id == "" {
		return serverConfig{}, &bridge.Error{Scope: bridge.ScopeAccount, Hint: "is the server still starting?",
			Err: fmt.Errorf("reading the settings of %s: there is no DiagnosticId, by which servers are told apart", a.client.base)}
	}
	c := serverConfig{
		server:      bridge.ServerID("mattermost:" + id),
		version:     values["Version"],
		site:        strings.TrimRight(values["SiteURL"], "/"),
		maxRunes:    model.PostMessageMaxRunesV2,
		nameFormat:  values["TeammateNameDisplay"],
		showNames:   values["EnablePostUsernameOverride"] == "true",
		showIcons:   values["EnablePostIconOverride"] == "true",
		tokens:      values["EnableUserAccessTokens"] == "true",
		oauth:       values["EnableOAuthServiceProvider"] == "true",
		commands:    values["EnableCommands"] == "true",
		noFiles:     values["EnableFileAttachments"] == "false",
		priorities:  values["PostPriority"] == "true",
		managed:     values["EnableSaml"] == "true" || values["EnableLdap"] == "true",
		verifies:    values["RequireEmailVerification"] == "true",
		editSeconds: -1,
	}
	if c.site == "" {
		c.site = a.client.base.String()
	}
	if n, err := strconv.Atoi(values["MaxPostSize"]); err == nil && n > 0 {
		c.maxRunes = min(n, c.maxRunes)
	}
	if n, err := strconv.ParseInt(values["MaxFileSize"], 10, 64); err == nil && n > 0 {
		c.maxFile = n
	}
	if n, err := strconv.Atoi(values["PostEditTimeLimit"]); err == nil {
		c.editSeconds = n
	}
	return c, nil
}

// configChanged makes the next write read the settings again.
func (a *account) configChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stale = true
}

// fresh gives the settings, read again when the server said that they have changed.
func (a *account) fresh(ctx context.Context) (*model.User, serverConfig, error) {
	me, config, err := a.self()
	if err != nil {
		return nil, config, err
	}
	a.mu.Lock()
	stale := a.stale
	a.stale = false
	a.mu.Unlock()
	if !stale {
		return me, config, nil
	}
	again, err := a.readConfig(ctx)
	if err != nil || again.server != config.server {
		a.configChanged()
		return me, config, nil // the old settings do, until the next write
	}
	a.mu.Lock()
	a.config = again
	a.mu.Unlock()
	if again.nameFormat != config.nameFormat {
		a.users.Purge()
	}
	return me, again, nil
}
