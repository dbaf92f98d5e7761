// Package config reads config.toml: it decodes strictly, validates, and reports every mistake at once with its
// line.
//
// The package knows no chat service. Whatever table is not one of its own is [PROTOCOL.NAME], an account, and
// the protocol's bridge says which keys it takes by a plain struct. Decoding goes key by key, so that one wrong
// value does not hide the next; a syntax error is the exception, after which nothing can be said of the rest.
//
// Values of secrets never come into a message. That holds for syntax errors too, where the wrong place may be
// the secret itself: they are worded here, without a quotation from the file.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"time"

	"github.com/BurntSushi/toml"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// Protocols gives for each protocol ("mattermost") a function that makes a pointer to a fresh settings struct,
// filled with its defaults. Accounts' tables are decoded into it:
//
//   - keys are the exported fields, in any case, or what their toml tag says;
//   - a field K of type secret.Secret takes a value, "env:NAME", or a file by the key KFile;
//   - a string field whose name ends in File is a path; it becomes absolute, and the file must exist;
//   - a time.Duration is written as "2s";
//   - Label and RemoteNickFormat belong to every account; the struct may declare them, but need not.
//
// When the struct has a method Validate(report func(key, problem string)), it is called after decoding to report
// what else is wrong; key may be "" for the account as a whole. Keys that are wrong already are not reported again.
type Protocols map[string]func() any

type validator interface {
	Validate(report func(key, problem string))
}

// Config is a valid config; paths in it are absolute, or relative to the working directory where baseDir was.
type Config struct {
	General General
	Storage Storage
	HTTP    HTTP
	// Metrics are for Prometheus.
	Metrics Metrics
	// Dashboard is for the operator.
	Dashboard Dashboard
	People    People
	Accounts  map[string]Account // by ID
	Directs   []Direct           // in the order of the file
	Gateways  []Gateway          // in the order of the file
	// Warnings are doubts that do not keep Causeway from running, sorted by line.
	Warnings []Mistake
}

// General is [general].
type General struct {
	// LogLevel says how much is logged: "debug", "info", "warn" or "error".
	LogLevel string
	// LogFormat is "text" or "json".
	LogFormat string
	// RemoteNickFormat is how authors from elsewhere are shown, on accounts that have none of their own. {NICK} stands for the name, {NOPINGNICK} for
	// the same, notifying nobody, {USERID} for the author's id, {BRIDGE}, {PROTOCOL} and {LABEL} for the account that it comes from, {GATEWAY} and {CHANNEL}
	// for the gateway and the conversation. In code, use Account.RemoteNickFormat.
	RemoteNickFormat string
	// NoticeAfter is how late a message must be for its author to be told, in private: once, and again when everything of theirs has arrived. 0: never.
	NoticeAfter time.Duration
}

// Storage is [storage].
type Storage struct {
	// DSN is the path of the SQLite database, which is made at the first start, or the address of a PostgreSQL one, postgres://USER@HOST/DATABASE, which
	// docs/postgresql.md tells about; "env:NAME" takes it from an environment variable. In code, use store.Name to show it.
	DSN string
	// Key is the text of the key file, for those who keep it elsewhere, such as in the environment; empty: KeyFile holds it.
	Key secret.Secret
	// KeyFile is the path of the file with the key that encrypts tokens and marks Causeway's own posts; made at the first start. Back it up apart from
	// the database.
	KeyFile string
	// KeepMessages is how long it is remembered which post is a copy of which message, counted from when the message was made. What is older can be edited, deleted or
	// reacted to on one side without the other following; its text is not kept anyway. 0: for ever. A day at least.
	KeepMessages time.Duration
	// QuarantineDays is how many days a message that could not be delivered is kept, to be tried again. Then it is given up and its text erased. 0: for ever.
	QuarantineDays int
}

// HTTP is [http].
type HTTP struct {
	// Listen is host:port, at which Causeway's own web server listens.
	Listen string
	// PublicURL is the address at which others reach that server, as a rule through a reverse proxy; it may have a path. Empty: nobody can. In
	// code, it has no slash at its end.
	PublicURL string
	// Advertise is host:port at which other Causeways on the same PostgreSQL store reach Listen, to hand on what they are asked while this one leads. Empty: Listen,
	// with the address by which this machine reaches PostgreSQL where Listen names none.
	Advertise string
}

// Dashboard is [dashboard]: the operator's pages at Listen.
type Dashboard struct {
	// Enable shows the pages.
	Enable bool
	// Token is what one logs in with. Without it, and without PublicURL, the pages are open to browsers on this machine; `causeway dashboard` gives
	// a link that logs in as well.
	Token secret.Secret
	// ShowText shows texts of messages, as long as they are kept.
	ShowText bool
}

// Account is one [PROTOCOL.NAME].
type Account struct {
	ID       string // PROTOCOL.NAME, as gateways name it
	Protocol string
	Name     string
	Settings any // what the protocol's function made, decoded and validated
	Label    string
	// RemoteNickFormat is how authors from elsewhere are shown on this account; see [Nick.Format]. Never empty.
	RemoteNickFormat string
	Line             int
}

// carries reports whether anything is enabled.
func (c *Config) carries() bool {
	return slices.ContainsFunc(c.Gateways, func(g Gateway) bool { return g.Enable }) || slices.ContainsFunc(c.Directs, func(d Direct) bool { return d.Enable })
}

// Direction says which way messages go between a conversation and its gateway.
type Direction int

// A conversation that is In is read only, one that is Out is written only.
const (
	InOut Direction = iota
	In
	Out
)

// String gives the word of the config: "inout", "in" or "out".
func (d Direction) String() string { return [...]string{"inout", "in", "out"}[d] }

// Receives says whether messages are read from the conversation.
func (d Direction) Receives() bool { return d != Out }

// Sends says whether messages are written to the conversation.
func (d Direction) Sends() bool { return d != In }

// Endpoint is one conversation of a gateway.
type Endpoint struct {
	Account   string // ID of an account that exists
	Channel   string // as the operator wrote it, without space around
	Name      string // what the channel was called when it was linked by its id; empty in a config
	Direction Direction
	Line      int
}

// Gateway is one [[gateway]]. Disabled ones are validated and listed like the others.
type Gateway struct {
	Name   string
	Enable bool
	Files  Files
	// MentionAll: mentions of everybody in a conversation go as such.
	MentionAll bool
	// SystemEvents are told of what happens in a conversation without being said.
	SystemEvents []bridge.Event
	Endpoints    []Endpoint // first all of inout, then in, then out
	// Linked: it does not stand in the file, but was made while Causeway ran.
	Linked bool
	Line   int
}

// Load reads and parses the file at path, with the environment of the process. Mistakes come as [Errors]; a file
// that cannot be read as an error that wraps the cause.
func Load(path string, protocols Protocols) (*Config, error) {
	return load(path, protocols, false)
}

// LoadWithoutSecrets is Load for who connects to no service: secrets of the environment may be missing there, but for those of [storage].
func LoadWithoutSecrets(path string, protocols Protocols) (*Config, error) {
	return load(path, protocols, true)
}

func load(path string, protocols Protocols, unarmed bool) (*Config, error) {
	d, data, err := read(path)
	if err != nil {
		return nil, err
	}
	d.unarmed = unarmed
	cfg, err := d.parse(data, protocols)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && d.plainSecret && othersMayRead(info) {
		cfg.Warnings = append([]Mistake{{File: path, Problem: "the file holds secrets, and others on this machine may read it",
			Hint: `chmod 600 it, or keep secrets in files or the environment ("env:NAME")`}}, cfg.Warnings...)
	}
	return cfg, nil
}

// installed is the config of the systemd unit and of the deb package.
var installed = "/etc/causeway/config.toml"

func read(path string) (*decoder, []byte, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		other := "another file with -c"
		if _, err := os.Stat(installed); err == nil {
			other = "that of the service: -c " + installed
		}
		return nil, nil, fmt.Errorf("reading the config: %w: copy config.toml.example to %s and fill it in, or name %s", err, path, other)
	case err != nil:
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, fmt.Errorf("finding the folder of the config: %w", err)
	}
	return &decoder{file: path, dir: dir, lookupEnv: os.LookupEnv}, data, nil
}

// Parse parses the content of a file called name in messages. Relative paths start at baseDir. All mistakes are
// given as [Errors], and then no Config.
func Parse(name string, data []byte, baseDir string, lookupEnv func(string) (string, bool), protocols Protocols) (*Config, error) {
	d := &decoder{file: name, dir: baseDir, lookupEnv: lookupEnv}
	return d.parse(data, protocols)
}

func (d *decoder) parse(data []byte, protocols Protocols) (*Config, error) {
	root, keys, err := d.syntax(data, protocols)
	if err != nil {
		return nil, err
	}
	cfg := d.document(root, keys, protocols)
	sortByLine(d.mistakes)
	sortByLine(d.warnings)
	if len(d.mistakes) > 0 {
		return nil, Errors(d.mistakes)
	}
	cfg.Warnings = d.warnings
	return cfg, nil
}

// syntax takes the file apart as far as that goes without knowing its keys.
func (d *decoder) syntax(data []byte, protocols Protocols) (place, map[string]toml.Primitive, error) {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} { // byte order marks of Windows editors
		data = bytes.TrimPrefix(data, []byte(mark))
	}
	keys, meta, err := decodeSyntax(data)
	if err != nil {
		return place{}, nil, Errors{d.syntaxMistake(err, data, protocols)}
	}
	d.meta = &meta
	return place{node: locate(data)}, keys, nil
}

// errParser stands for a panic of the TOML package, whose text may quote the file.
var errParser = errors.New("the parser failed")

func decodeSyntax(data []byte) (keys map[string]toml.Primitive, meta toml.MetaData, err error) {
	defer func() {
		if recover() != nil {
			err = errParser
		}
	}()
	meta, err = toml.Decode(string(data), &keys)
	return keys, meta, err
}
