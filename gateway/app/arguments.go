package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"causeway/gateway/config"
)

// defaultConfig is the config where -c names none.
const defaultConfig = "config.toml"

// verb is one of the program's commands.
type verb struct {
	name string
	// takes shows the arguments, least and most count them.
	takes       string
	least, most int
	about       string
	do          func(c *call, ctx context.Context) error
	// noConfig: it takes no -c.
	noConfig bool
	// flags are those that it takes beside -c and -h.
	flags []string
	// more is what its help says below.
	more func() string
}

// verbs are the commands in the order in which help shows them.
func verbs() []verb {
	return []verb{
		{name: "run", about: "carries messages until it is stopped (the default command)", do: (*call).run},
		{name: "setup", takes: "mattermost|msteams [FLAG…]", least: 1, most: 1, about: "makes a Mattermost server ready, after showing what it will change, or says how to register the app of Teams", do: (*call).setup,
			flags: []string{flagAccount, flagPublicURL, "server", "bot", "profile", "team", "channel", "callback-url", "ca-file", "deactivate", "cloud", "direct", "no-files", "certificate", flagYes, flagUndo, flagTest, flagJSON}},
		{name: "check", takes: "[--json]", about: "tries config, accounts, addresses and channels, and says what to do; touches nothing; exit code 1 on any problem", flags: []string{flagJSON}, do: (*call).check},
		{name: "login", takes: "ACCOUNT", least: 1, most: 1, about: "signs an account in, where a person must do that", do: (*call).login},
		{name: "status", takes: "[--json]", about: "shows how the Causeway that is running stands; exit code 1 on any problem", flags: []string{flagJSON}, do: (*call).status},
		{name: "reload", about: "has the Causeway that is running take up what the config says now, without dropping what stays", do: (*call).reload},
		{name: "link", takes: "[ACCOUNT:CHANNEL ACCOUNT:CHANNEL]", most: 2, about: "pairs two channels at once, beside the gateways of the config; without arguments lists such pairs", do: (*call).link},
		{name: "unlink", takes: "ACCOUNT:CHANNEL [ACCOUNT:CHANNEL]", least: 1, most: 2, about: "ends a pair that link has made", do: (*call).unlink},
		{name: "channels", takes: "ACCOUNT", least: 1, most: 1, about: "lists what an account can see, in the form that channel = takes", do: (*call).channels},
		{name: "message", takes: "LINK|ID", least: 1, most: 1, about: "shows what has become of a message: each copy, when it was tried, and what has failed", do: (*call).message},
		{name: "quarantine", takes: "list | retry WHICH | drop WHICH", least: 0, most: 2, about: "shows what could not be delivered, tries it again, gives it up; WHICH is an ID, --to CONVERSATION or --reason TEXT",
			flags: []string{flagTo, flagReason}, do: (*call).quarantine},
		{name: "people", takes: "ACTION [NAME…]", most: anyNumber, about: "shows, invites, connects and disconnects people; `causeway help people` lists the actions",
			flags: []string{flagCSV, flagJSON, flagFile, flagDryRun, flagConfirm}, do: (*call).people, more: peopleHelp},
		{name: "dashboard", about: "gives a link that logs in to the pages of the Causeway that is running", do: (*call).showDashboard},
		{name: "audit", takes: "[NUMBER] [--json]", most: 1, about: "shows what was done by hand lately: here, on the dashboard, by administrators", flags: []string{flagJSON}, do: (*call).audit},
		{name: "store", takes: "backup FILE | restore FILE [--replace] | check | migrate | copy [--from DSN] --to DSN", least: 1, most: 2,
			about: "backs the store up while it is in use, puts a backup in its place, looks through it, brings it to this version, moves it between SQLite and PostgreSQL",
			flags: []string{flagFrom, flagTo, flagReplace}, do: (*call).storeCommand},
		{name: "rekey", about: "encrypts all stored tokens anew, with a new key in the key file; while Causeway is stopped", do: (*call).rekey},
		{name: "render", takes: "--from SERVICE --to SERVICE [--person NAME=ID]...", about: "converts a message's text from stdin to stdout, as it is carried from one service to the other", noConfig: true,
			flags: []string{flagFrom, flagTo, flagPerson}, do: (*call).render},
		{name: "import", takes: "MATTERBRIDGE_TOML [-o FILE]", least: 1, most: 1, about: "turns a config of Matterbridge into one of Causeway's, on stdout or in a new file", noConfig: true,
			flags: []string{flagOutput}, do: (*call).importFrom},
		{name: "completion", takes: "bash|zsh|fish", least: 1, most: 1, about: "prints a script by which a shell completes commands", noConfig: true, do: (*call).completion},
		{name: "version", about: "says which Causeway this is", noConfig: true, do: func(c *call, _ context.Context) error { return c.version() }},
		{name: "help", takes: "[COMMAND]", most: 1, about: "shows this", noConfig: true},
	}
}

func verbNamed(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

// usageError is a call that makes no sense.
type usageError struct {
	text string
	// verb is the command whose usage helps; none: that of the whole.
	verb verb
}

func (e *usageError) Error() string { return e.text }

// anyNumber of arguments may follow.
const anyNumber = math.MaxInt

// Flags of single commands.
const (
	flagJSON    = "json"
	flagCSV     = "csv"
	flagFile    = "file"
	flagDryRun  = "dry-run"
	flagConfirm = "confirm"
	flagFrom    = "from"
	flagTo      = "to"
	flagPerson  = "person"
	flagOutput  = "o"

	flagAccount   = "account"
	flagPublicURL = "public-url"
	flagYes       = "yes"
	flagUndo      = "undo"
	flagTest      = "test"
	flagReplace   = "replace"
	flagReason    = "reason"
)

// setupFlags are those of `causeway setup` that the services themselves understand, or that the command passes on; true: they take a value.
var setupFlags = map[string]bool{flagAccount: true, flagPublicURL: true, "server": true, "bot": true, "profile": true, "team": true, "channel": true, "callback-url": true, "ca-file": true,
	"deactivate": false, "cloud": true, "direct": false, "no-files": false, "certificate": false}

// options are the flags of single commands, as they were typed.
type options struct {
	json, csv, dryRun bool
	// yes agrees to everything, undo takes back, test only looks.
	yes, undo, test bool
	// setupOptions are what was typed of setupFlags.
	setupOptions map[string][]string
	replace      bool
	confirm      int
	file, output string
	reason       string
	conversion
	// given are the names of those that stand in the call.
	given []string
}

// arguments are a call as it was typed.
type arguments struct {
	options
	verb   verb
	config string
	args   []string
	help   bool
}

// parse takes flags before, between and after the arguments; after "--" all are arguments. Its errors are *usageError.
func parse(words []string) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("causeway", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, name := range []string{"c", "config"} {
		flags.StringVar(&a.config, name, defaultConfig, "")
	}
	for _, name := range []string{"h", "help"} {
		flags.BoolVar(&a.help, name, false, "")
	}
	for name, to := range map[string]*bool{flagJSON: &a.json, flagCSV: &a.csv, flagDryRun: &a.dryRun, flagReplace: &a.replace, flagYes: &a.yes, flagUndo: &a.undo, flagTest: &a.test} {
		flags.BoolVar(to, name, false, "")
	}
	a.setupOptions = map[string][]string{}
	for name, valued := range setupFlags {
		take := func(value string) error { a.setupOptions[name] = append(a.setupOptions[name], value); return nil }
		if valued {
			flags.Func(name, "", take)
		} else {
			flags.BoolFunc(name, "", func(string) error { return take("") })
		}
	}
	flags.IntVar(&a.confirm, flagConfirm, 0, "")
	flags.StringVar(&a.file, flagFile, "", "")
	flags.StringVar(&a.output, flagOutput, "", "")
	flags.StringVar(&a.from, flagFrom, "", "")
	flags.StringVar(&a.to, flagTo, "", "")
	flags.StringVar(&a.reason, flagReason, "", "")
	flags.Func(flagPerson, "", func(value string) error { a.persons = append(a.persons, value); return nil })
	var plain []string
	var wrong error
	for rest := words; len(rest) > 0; {
		wrong = flags.Parse(rest)
		left := flags.Args()
		if number, is := negative(wrong); is { // no flag, but an argument that is a mistake of another kind
			plain, rest, wrong = append(plain, number), left, nil
			continue
		}
		if wrong != nil || len(left) == 0 {
			break
		}
		if taken := len(rest) - len(left); taken > 0 && rest[taken-1] == "--" {
			plain = append(plain, left...)
			break
		}
		plain, rest = append(plain, left[0]), left[1:]
	}
	a.verb, _ = verbNamed("run")
	if len(plain) > 0 {
		var known bool
		if a.verb, known = verbNamed(plain[0]); !known {
			return a, &usageError{text: fmt.Sprintf("unknown command %q; %s", plain[0], config.Suggest(plain[0], verbNames()))}
		}
		a.args = plain[1:]
	} else if a.help {
		a.verb = verb{}
	}
	if wrong != nil {
		return a, &usageError{text: flagProblem(wrong), verb: a.verb}
	}
	flags.Visit(func(f *flag.Flag) {
		if !slices.Contains([]string{"c", "config", "h", "help"}, f.Name) {
			a.given = append(a.given, f.Name)
		}
	})
	return a.counted()
}

// counted checks the number of arguments, and turns the command help into the help that was asked for.
func (a arguments) counted() (arguments, error) {
	v := a.verb
	foreign := slices.IndexFunc(a.given, func(name string) bool { return !slices.Contains(v.flags, name) })
	switch {
	case a.help:
		return a, nil
	case len(a.args) < v.least:
		return a, &usageError{text: v.name + " needs " + v.takes, verb: v}
	case len(a.args) > v.most:
		return a, &usageError{text: fmt.Sprintf("%s takes no %q", v.name, a.args[v.most]), verb: v}
	case foreign >= 0:
		return a, &usageError{text: v.name + " takes no " + dashed(a.given[foreign]), verb: v}
	case a.config == "":
		return a, &usageError{text: "-c names no file", verb: v}
	case v.name != "help":
		return a, nil
	}
	a.help, a.verb = true, verb{}
	if len(a.args) > 0 {
		var known bool
		if a.verb, known = verbNamed(a.args[0]); !known {
			return a, &usageError{text: fmt.Sprintf("unknown command %q; %s", a.args[0], config.Suggest(a.args[0], verbNames()))}
		}
	}
	return a, nil
}

func verbNames() []string {
	var all []string
	for _, v := range verbs() {
		all = append(all, v.name)
	}
	return all
}

// unknownFlag is how package flag begins its error; the flag follows.
const unknownFlag = "flag provided but not defined: "

// negative gives the number that package flag has taken for a flag.
func negative(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	text, unknown := strings.CutPrefix(err.Error(), unknownFlag)
	_, wrong := strconv.ParseInt(text, 10, 64)
	return text, unknown && (wrong == nil || errors.Is(wrong, strconv.ErrRange))
}

// flagProblem words what package flag found.
func flagProblem(err error) string {
	if name, ok := strings.CutPrefix(err.Error(), unknownFlag); ok {
		name = strings.TrimLeft(name, "-")
		known := []string{"config", "help"}
		for _, f := range flagMeanings {
			known = append(known, f.name)
		}
		hint := config.Suggest(name, known)
		if word, near := strings.CutPrefix(hint, "did you mean "); near {
			return fmt.Sprintf("unknown flag %s; did you mean %s", dashed(name), dashed(strings.TrimSuffix(word, "?"))+"?")
		}
		return fmt.Sprintf("unknown flag %s; known are -c FILE and -h", dashed(name))
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: "); ok {
		switch name = strings.TrimLeft(name, "-"); name {
		case "c", "config", flagFile, flagOutput:
			return dashed(name) + " names no file"
		}
		return dashed(name) + " needs a value"
	}
	return strings.Replace(cmp.Or(errors.Unwrap(err), err).Error(), " for flag -", " for flag --", 1) // only long ones take what can be wrong
}

// usageOf gives the help for a command, or for all.
func usageOf(v verb) string {
	var b strings.Builder
	if v.name != "" {
		fmt.Fprintf(&b, "Usage: %s\n\n", v.line())
		wrap(&b, strings.ToUpper(v.about[:1])+v.about[1:]+".")
		b.WriteString(helpOf(v))
		return b.String()
	}
	b.WriteString("Causeway joins conversations on Mattermost and Microsoft Teams.\n\nUsage:\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "  %s\n        %s\n", v.line(), v.about)
	}
	b.WriteString("\nThe config is " + defaultConfig + " where -c names no other file. Flags may stand anywhere.\n`causeway help COMMAND` explains one, with examples.\n")
	return b.String()
}

func (v verb) line() string {
	line := "causeway " + v.name
	if v.takes != "" {
		line += " " + v.takes
	}
	if !v.noConfig {
		line += " [-c FILE]"
	}
	return line
}
