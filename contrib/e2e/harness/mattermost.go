package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/mattermost/mattermost/server/public/model"
)

// Options says how a Mattermost server differs from the usual one of the harness. The zero value is good.
type Options struct {
	// Postgres is the cluster in which the server gets a database of its own; nil starts one for it.
	Postgres *Postgres
	// SiteURL is what the server thinks its address is; empty means URL. Set it to a Proxy's URL when clients come by
	// way of that.
	SiteURL string
	// Settings are added to, and win over, those of the harness, under the names that the server takes them from the
	// environment: "MM_SERVICESETTINGS_POSTEDITTIMELIMIT": "60". Such settings cannot be changed through the API.
	Settings map[string]string
	// Bare leaves the settings that Causeway asks of an administrator as they are on a new server.
	Bare bool
}

// asked are those settings.
var asked = []string{"MM_SERVICESETTINGS_ENABLEBOTACCOUNTCREATION", "MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS", "MM_SERVICESETTINGS_ENABLEPOSTUSERNAMEOVERRIDE",
	"MM_SERVICESETTINGS_ENABLEPOSTICONOVERRIDE", "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", "MM_SERVICESETTINGS_SITEURL"}

// Mattermost is a real server, Team Edition without a licence: at most 250 active users, bots not counted.
type Mattermost struct {
	// URL is the server's address, "http://127.0.0.1:port". It stays the same when the server is restarted.
	URL string
	// Address is the same as host:port, which is what a Proxy wants.
	Address string
	// Admin is the system administrator, the first user, who can also log in with AdminPassword.
	Admin         *User
	AdminPassword string

	process *Process
	healthy string // answers when the server is up
	data    string
}

// Data is the folder in which the server keeps files.
func (mm *Mattermost) Data() string { return mm.data }

// StartMattermost starts a server on an empty database and makes its system administrator. It is stopped when tb is
// over; if tb has failed, the end of its log is printed.
func StartMattermost(tb TB, options Options) *Mattermost {
	tb.Helper()
	program, assets, err := serverProgram(tb)
	if err != nil {
		tb.Fatalf("building the Mattermost server: %v", err)
	}
	if options.Postgres == nil {
		options.Postgres = StartPostgres(tb)
	}
	dir := folder(tb)
	if err := furnish(dir, assets); err != nil {
		tb.Fatalf("furnishing the Mattermost server's folder: %v", err)
	}
	address, err := freePort()
	if err != nil {
		tb.Fatalf("starting Mattermost: %v", err)
	}
	mm := &Mattermost{URL: "http://" + address, Address: address, healthy: "http://" + address + "/api/v4/system/ping", data: filepath.Join(dir, "data")}
	if options.SiteURL == "" {
		options.SiteURL = mm.URL
	}
	settings := serverSettings(dir, address, options.SiteURL, options.Postgres.CreateDatabase(tb))
	maps.Copy(settings, options.Settings)
	if options.Bare {
		maps.DeleteFunc(settings, func(name, _ string) bool { return slices.Contains(asked, name) })
	}
	mm.process = StartProcess(tb, Command{
		Path: program, Args: []string{"server"}, Env: environment(settings), Dir: dir, LogFile: filepath.Join(dir, "server.log"),
	})
	mm.process.WaitForHTTP(tb, mm.healthy)
	mm.Admin = mm.createAdmin(tb, options.Bare)
	return mm
}

// furnish puts into dir what the server looks for in its working directory.
func furnish(dir, assets string) error {
	for _, name := range []string{"i18n", "templates", "fonts"} {
		if err := os.Symlink(filepath.Join(assets, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"client", "data", "config"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	// In place of the web client. The server rewrites the policy in it at every start and complains when there is none.
	const root = `<html><head><meta http-equiv="Content-Security-Policy" content="script-src 'self'"></head><body></body></html>`
	return os.WriteFile(filepath.Join(dir, "client", "root.html"), []byte(root), 0o600)
}

// serverSettings are the settings that differ from the server's defaults.
func serverSettings(dir, address, siteURL, dsn string) map[string]string {
	return map[string]string{
		"MM_CONFIG":                        filepath.Join(dir, "config", "config.json"),
		"MM_SQLSETTINGS_DRIVERNAME":        "postgres",
		"MM_SQLSETTINGS_DATASOURCE":        dsn,
		"MM_SERVICESETTINGS_LISTENADDRESS": address,
		"MM_SERVICESETTINGS_SITEURL":       siteURL,
		"MM_FILESETTINGS_DIRECTORY":        filepath.Join(dir, "data"),

		// What Causeway asks of an administrator.
		"MM_SERVICESETTINGS_ENABLEBOTACCOUNTCREATION":            "true",
		"MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS":              "true",
		"MM_SERVICESETTINGS_ENABLEPOSTUSERNAMEOVERRIDE":          "true",
		"MM_SERVICESETTINGS_ENABLEPOSTICONOVERRIDE":              "true",
		"MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS": "127.0.0.1",

		// Many small tests on one server.
		"MM_TEAMSETTINGS_ENABLEOPENSERVER": "false",
		"MM_TEAMSETTINGS_MAXUSERSPERTEAM":  "1000",
		"MM_RATELIMITSETTINGS_ENABLE":      "false",

		// Nothing goes out.
		"MM_PLUGINSETTINGS_ENABLE":                      "false",
		"MM_PLUGINSETTINGS_ENABLEMARKETPLACE":           "false",
		"MM_PLUGINSETTINGS_ENABLEREMOTEMARKETPLACE":     "false",
		"MM_PLUGINSETTINGS_AUTOMATICPREPACKAGEDPLUGINS": "false",
		"MM_LOGSETTINGS_ENABLEDIAGNOSTICS":              "false",
		"MM_LOGSETTINGS_ENABLESENTRY":                   "false",
		"MM_SERVICESETTINGS_ENABLESECURITYFIXALERT":     "false",
		"MM_SERVICESETTINGS_ENABLELINKPREVIEWS":         "false",
		"MM_SERVICESETTINGS_ENABLEGIFPICKER":            "false",
		"MM_ANNOUNCEMENTSETTINGS_ADMINNOTICESENABLED":   "false",
		"MM_ANNOUNCEMENTSETTINGS_USERNOTICESENABLED":    "false",
		"MM_EMAILSETTINGS_SENDEMAILNOTIFICATIONS":       "false",
		"MM_EMAILSETTINGS_SENDPUSHNOTIFICATIONS":        "false",

		// One log, plain, with every request.
		"MM_LOGSETTINGS_ENABLEFILE":    "false",
		"MM_LOGSETTINGS_ENABLECONSOLE": "true",
		"MM_LOGSETTINGS_CONSOLELEVEL":  "DEBUG",
		"MM_LOGSETTINGS_CONSOLEJSON":   "false",
		"MM_LOGSETTINGS_ENABLECOLOR":   "false",
	}
}

func environment(settings map[string]string) []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, name+"="+settings[name])
	}
	return env
}

// createAdmin makes the first user, who becomes the system administrator, and gives him a personal access token, or only the token of a session.
func (mm *Mattermost) createAdmin(tb TB, session bool) *User {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	client := mm.Client("")
	password := rand.Text()
	user, _, err := client.CreateUser(ctx, &model.User{Username: "admin", Email: "admin@example.test", Password: password})
	if err != nil {
		tb.Fatalf("creating the system administrator: %v", err)
	}
	if _, _, err := client.Login(ctx, user.Username, password); err != nil {
		tb.Fatalf("logging the system administrator in: %v", err)
	}
	mm.AdminPassword = password
	if session {
		return mm.user(user, client.AuthToken)
	}
	token, _, err := client.CreateUserAccessToken(ctx, user.Id, "harness")
	if err != nil {
		tb.Fatalf("creating the system administrator's token: %v", err)
	}
	return mm.user(user, token.Token)
}

// Stop stops the server as an administrator would, and waits until it is gone.
func (mm *Mattermost) Stop(tb TB) {
	tb.Helper()
	if code := mm.process.Stop(tb); code != 0 {
		tb.Errorf("stopping Mattermost: exit code %d", code)
	}
}

// Kill ends the server without a warning (SIGKILL).
func (mm *Mattermost) Kill(tb TB) {
	tb.Helper()
	mm.process.Kill(tb)
}

// Start starts the server again after Stop or Kill, with its data and on its port, and waits until it answers.
func (mm *Mattermost) Start(tb TB) {
	tb.Helper()
	mm.process.Start(tb)
	mm.process.WaitForHTTP(tb, mm.healthy)
}

// Log returns what the server has logged.
func (mm *Mattermost) Log() *Output { return mm.process.Output() }

// Client returns an API client for the server, for whoever the token belongs to.
func (mm *Mattermost) Client(token string) *model.Client4 { return Client(mm.URL, token) }

// Client returns an API client for the server, or the Proxy before it, at url.
func Client(url, token string) *model.Client4 {
	client := model.NewAPIv4Client(url)
	client.HTTPClient.Timeout = Patience
	if token != "" {
		client.SetToken(token)
	}
	return client
}

// IsStatus says whether err is an answer of the Mattermost API with this status.
func IsStatus(err error, status int) bool {
	var app *model.AppError
	return errors.As(err, &app) && app.StatusCode == status
}
