package config

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"
)

// document is the file as far as it is no account: the structs that say which keys there are.
type document struct {
	General   General       `toml:"general"`
	Storage   Storage       `toml:"storage"`
	HTTP      HTTP          `toml:"http"`
	Metrics   Metrics       `toml:"metrics"`
	Dashboard Dashboard     `toml:"dashboard"`
	People    People        `toml:"people"`
	Direct    []directKeys  `toml:"direct"`
	Gateway   []gatewayKeys `toml:"gateway"`
}

func defaults() document {
	return document{
		General:   General{LogLevel: "info", LogFormat: "text", RemoteNickFormat: defaultNickFormat, NoticeAfter: 5 * time.Minute},
		Storage:   Storage{DSN: defaultDSN, KeepMessages: twoYears, QuarantineDays: 30},
		HTTP:      HTTP{Listen: "127.0.0.1:9080"},
		Metrics:   Metrics{Enable: true},
		People:    defaultPeople(),
		Dashboard: Dashboard{Enable: true},
	}
}

// accountKeys are the keys of every account, whatever its protocol.
type accountKeys struct {
	// Label is what {LABEL} says elsewhere about messages from this account.
	Label string
	// RemoteNickFormat is how authors from elsewhere are shown on this account; left out: that of [general].
	RemoteNickFormat string
}

// document decodes and validates everything; with mistakes, what it gives is not to be used.
func (d *decoder) document(root place, keys map[string]toml.Primitive, protocols Protocols) *Config {
	doc := defaults()
	accounts := d.newAccounts(protocols)
	d.table(root, keys, func(key string, value toml.Primitive) { accounts.protocol(root, key, value) }, &doc)

	cfg := &Config{General: doc.General, Storage: doc.Storage, HTTP: doc.HTTP, Metrics: doc.Metrics, Dashboard: doc.Dashboard, People: doc.People}
	d.general(d.own(root, "general"), &cfg.General)
	d.storage(d.own(root, "storage"), &cfg.Storage)
	d.http(d.own(root, "http"), &cfg.HTTP)
	d.metrics(d.own(root, "metrics"), &cfg.Metrics)
	d.dashboard(d.own(root, "dashboard"), &cfg.Dashboard)
	d.people(d.own(root, "people"), &cfg.People)
	cfg.Accounts = accounts.finish(cfg.General.RemoteNickFormat)
	cfg.Directs = d.directs(d.own(root, "direct"), doc.Direct, accounts)
	cfg.Gateways = d.gateways(d.own(root, "gateway"), doc.Gateway, accounts)
	accounts.unused()
	if len(d.mistakes) == 0 && !cfg.carries() {
		d.warnings = append(d.warnings, Mistake{File: d.file, Problem: "no gateway is enabled, so nothing will be carried", Hint: "add a [[gateway]]"})
	}
	return cfg
}

// own gives a table of Causeway's own, whatever its case.
func (d *decoder) own(root place, name string) place {
	written, _ := root.node.find(name)
	return root.child(written)
}

func (d *decoder) general(at place, g *General) {
	g.LogLevel = strings.ToLower(g.LogLevel)
	if g.LogLevel == "warning" {
		g.LogLevel = "warn"
	}
	d.oneOf(at, "LogLevel", g.LogLevel, "debug", "info", "warn", "error")
	g.LogFormat = strings.ToLower(g.LogFormat)
	d.oneOf(at, "LogFormat", g.LogFormat, "text", "json")
	if at.ok("NoticeAfter") && g.NoticeAfter != 0 && g.NoticeAfter < leastNotice {
		d.mistake(at, "NoticeAfter", "is less than a minute", `write "5m", or "0s" for never`)
	}
	d.nickFormat(at, g.RemoteNickFormat)
	g.RemoteNickFormat = cmp.Or(g.RemoteNickFormat, defaultNickFormat)
}

// leastNotice is the shortest delay of which it makes sense to tell people.
const leastNotice = time.Minute

func (d *decoder) oneOf(at place, key, value string, allowed ...string) {
	if at.ok(key) && !slices.Contains(allowed, value) {
		hint, _ := suggest(value, allowed)
		d.mistake(at, key, "unknown value "+strconv.Quote(value), hint)
	}
}

func (d *decoder) nickFormat(at place, format string) {
	const key = "RemoteNickFormat"
	if !at.ok(key) {
		return
	}
	if strings.ContainsFunc(format, unicode.IsControl) {
		d.mistake(at, key, "holds a control character", "write it on one line")
		return
	}
	if problem, hint := checkNickFormat(format); problem != "" {
		d.mistake(at, key, problem, hint)
	}
}

// twoYears is how long messages are kept; leastKept is how long they must be: what was said while a service was out must not be forgotten before it has been read.
const (
	twoYears  = 2 * 365 * 24 * time.Hour
	leastKept = 24 * time.Hour
)

// defaultDSN is the database where none is named.
const defaultDSN = "causeway.db"

func (d *decoder) storage(at place, s *Storage) {
	if at.ok("KeepMessages") && s.KeepMessages != 0 && s.KeepMessages < leastKept {
		d.mistake(at, "KeepMessages", "is less than a day", `write hours, such as "17520h" for two years, or "0s" for ever`)
	}
	if at.ok("QuarantineDays") && s.QuarantineDays < 0 {
		d.mistake(at, "QuarantineDays", "is less than 0", "write a number of days, or 0 for ever")
	}
	if name, fromEnv := strings.CutPrefix(s.DSN, envPrefix); fromEnv && at.ok("DSN") {
		s.DSN, _ = d.lookupEnv(name)
	} else if isPostgres(s.DSN) {
		d.plainSecret = d.plainSecret || holdsPassword(s.DSN)
	}
	if at.ok("DSN") {
		if problem, hint := checkDSN(s.DSN); problem != "" {
			d.mistake(at, "DSN", problem, hint)
		}
	}
	_, given := at.node.find("KeyFile")
	beside := d.resolve(s.DSN)
	if isPostgres(s.DSN) {
		beside = d.resolve(defaultDSN) // so that the key stays where it was when the store moves
	} else {
		s.DSN = beside
	}
	switch {
	case s.Key != "" && given:
		d.mistake(at, "Key", "KeyFile is given, too", "one of the two is enough")
	case s.Key != "":
		return
	case !given:
		s.KeyFile = beside + ".key"
	}
	if !at.ok("KeyFile") || !at.ok("DSN") {
		return
	}
	switch info, err := os.Stat(s.KeyFile); {
	case s.KeyFile == "":
		d.mistake(at, "KeyFile", "names no file", "leave it out for a file beside the database")
	case filepath.Clean(s.KeyFile) == filepath.Clean(s.DSN):
		d.mistake(at, "KeyFile", "is the database itself", "leave it out for a file beside the database")
	case err != nil: // made at the first start
	case info.IsDir():
		d.mistake(at, "KeyFile", "is a folder", "name a file in it")
	case othersMayRead(info):
		d.warn(at, "KeyFile", "others on this machine may read the key file", "chmod 600 it")
	}
}

// checkDSN never shows the DSN, which may hold a password.
func checkDSN(dsn string) (problem, hint string) {
	const path = `name the file of an SQLite database, such as "causeway.db", or a PostgreSQL one, postgres://USER@HOST/DATABASE`
	scheme, _, isURL := strings.Cut(strings.ToLower(dsn), ":")
	switch {
	case dsn == "":
		return "names no database", path
	case isPostgres(dsn):
		return checkAddress(dsn)
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		return "not the address of a database", path
	case strings.HasPrefix(dsn, ":memory:"):
		return "a database in memory would lose messages", path
	case isURL && (strings.Contains(dsn, "://") || scheme == "file" || scheme == "sqlite"):
		return "not the path of a file", path
	}
	return "", ""
}

// isPostgres tells addresses of PostgreSQL from paths, as package store does.
func isPostgres(dsn string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(dsn), "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}

// checkAddress finds what can be told of an address without using it.
func checkAddress(dsn string) (problem, hint string) {
	const address = "write postgres://USER@HOST/DATABASE; characters such as @ : / and % of a password are written as %40 %3A %2F %25"
	if u, err := url.Parse(dsn); err != nil || strings.Trim(u.Path, "/") == "" {
		return "not the address of a database", address
	}
	return "", ""
}

func holdsPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil {
		return true
	}
	_, given := u.User.Password()
	return given || u.Query().Has("password")
}

func (d *decoder) http(at place, h *HTTP) {
	if at.ok("Listen") {
		_, port, err := net.SplitHostPort(h.Listen)
		if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil {
			d.mistake(at, "Listen", "not an address and a port", `write "127.0.0.1:9080", or ":9080" for all addresses`)
		}
	}
	if at.ok("PublicURL") && h.PublicURL != "" {
		if problem := checkPublicURL(h.PublicURL); problem != "" {
			d.mistake(at, "PublicURL", problem, `write the address at which others reach Causeway, such as "https://causeway.example.com"`)
		}
	}
	if at.ok("Advertise") && h.Advertise != "" {
		host, port, err := net.SplitHostPort(h.Advertise)
		if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || host == "" {
			d.mistake(at, "Advertise", "not an address and a port", `write the name or address of this machine and the port of Listen, such as "10.0.0.5:9080"`)
		}
	}
	h.PublicURL = strings.TrimRight(h.PublicURL, "/")
}

// shortestToken keeps tokens from being guessed: nothing else limits how often that is tried.
const shortestToken = 20

func (d *decoder) dashboard(at place, b *Dashboard) {
	if at.ok("Token") && b.Token != "" && len(b.Token.Reveal()) < shortestToken {
		d.mistake(at, "Token", fmt.Sprintf("is shorter than %d characters, so it could be guessed", shortestToken), "make one by: openssl rand -hex 20")
	}
}

func checkPublicURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "not an http or https URL"
	case u.Hostname() == "":
		return "has no host name"
	case u.User != nil:
		return "holds a user name"
	case u.RawQuery != "" || u.ForceQuery:
		return "has a query"
	case strings.Contains(text, "#"):
		return "has a fragment"
	}
	return ""
}

// tableKeys are the keys that a kind of table takes.
type tableKeys struct {
	header string
	keys   []string
}

// knownKeys gives all keys that a config may hold, with NAME for the names of accounts.
func knownKeys(protocols Protocols) []tableKeys {
	list := []tableKeys{
		{"[general]", names(fieldsOf(&General{}))},
		{"[storage]", names(fieldsOf(&Storage{}))},
		{"[http]", names(fieldsOf(&HTTP{}))},
		{"[people]", names(fieldsOf(&People{}))},
	}
	for _, name := range slices.Sorted(maps.Keys(protocols)) {
		list = append(list, tableKeys{"[" + name + ".NAME]", names(fieldsOf(protocols[name](), &accountKeys{}))})
	}
	list = append(list, tableKeys{"[metrics]", names(fieldsOf(&Metrics{}))})     // behind accounts, which have a Token more often
	list = append(list, tableKeys{"[dashboard]", names(fieldsOf(&Dashboard{}))}) // behind accounts, which have a Token more often
	list = append(list, tableKeys{"[[direct]]", names(fieldsOf(&directKeys{}))})
	list = append(list, tableKeys{"[[gateway]]", names(fieldsOf(&gatewayKeys{}))})
	for _, direction := range []Direction{InOut, In, Out} {
		list = append(list, tableKeys{"[[gateway." + direction.String() + "]]", names(fieldsOf(&endpointKeys{}))})
	}
	return list
}
