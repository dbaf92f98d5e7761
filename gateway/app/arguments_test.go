package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlagsAndArgumentsStandAnywhere(t *testing.T) {
	type call struct {
		verb, config string
		args         string
		help, json   bool
	}
	for words, want := range map[string]call{
		"":                                 {verb: "run", config: "config.toml"},
		"-c a.toml":                        {verb: "run", config: "a.toml"},
		"run --config a.toml":              {verb: "run", config: "a.toml"},
		"-c=a.toml login x":                {verb: "login", config: "a.toml", args: "x"},
		"login -c a.toml x":                {verb: "login", config: "a.toml", args: "x"},
		"login x -c a.toml":                {verb: "login", config: "a.toml", args: "x"},
		"quarantine -c a.toml retry 5":     {verb: "quarantine", config: "a.toml", args: "retry 5"},
		"quarantine drop -5":               {verb: "quarantine", config: "config.toml", args: "drop -5"},
		"quarantine drop -5 -c a.toml":     {verb: "quarantine", config: "a.toml", args: "drop -5"},
		"status --json":                    {verb: "status", config: "config.toml", json: true},
		"-json status -c a.toml":           {verb: "status", config: "a.toml", json: true},
		"quarantine retry -c a.toml -- -5": {verb: "quarantine", config: "a.toml", args: "retry -5"},
		"-- channels x":                    {verb: "channels", config: "config.toml", args: "x"},
		"people --json export -c a.toml":   {verb: "people", config: "a.toml", args: "export", json: true},
		"-h":                               {config: "config.toml", help: true},
		"help":                             {config: "config.toml", help: true},
		"--help":                           {config: "config.toml", help: true},
		"login -h":                         {verb: "login", config: "config.toml", help: true},
		"help login":                       {verb: "login", config: "config.toml", help: true},
	} {
		got, err := parse(strings.Fields(words))
		have := call{got.verb.name, got.config, strings.Join(got.args, " "), got.help, got.json}
		if words == "help login" {
			have.args = ""
		}
		if err != nil || have != want {
			t.Errorf("causeway %s: %+v %v, want %+v", words, have, err, want)
		}
	}
}

func TestWrongCallShowsTheNearestAndUsage(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	for words, want := range map[string]string{
		"chekc":                 `unknown command "chekc"; did you mean check?`,
		"frobnicate":            `unknown command "frobnicate"; known here: `,
		"help chanels":          `unknown command "chanels"; did you mean channels?`,
		"run --confg a.toml":    "unknown flag --confg; did you mean --config?",
		"run -verbose":          "unknown flag --verbose; known are -c FILE and -h",
		"run -c":                "-c names no file",
		"run -c=":               "-c names no file",
		"run now":               `run takes no "now"`,
		"login":                 "login needs ACCOUNT",
		"channels left.one two": `channels takes no "two"`,
		"quarantine lits":       `quarantine cannot "lits"; did you mean list?`,
		"quarantine list 5":     `quarantine list takes no "5"`,
		"quarantine drop":       "quarantine drop needs the ID",
		"quarantine retry five": `"five" is not an ID`,
		"quarantine drop -5":    `"-5" is not an ID; ` + "`causeway quarantine list` shows them",
		"quarantine drop 0":     `"0" is not an ID`,
		"quarantine -5":         `quarantine cannot "-5"`,
		"run -5":                `run takes no "-5"`,
		"run -5x":               "unknown flag --5x",
		"quarantine drop -" + strings.Repeat("9", 30): `"-` + strings.Repeat("9", 30) + `" is not an ID`,
		"run --json":                        "run takes no --json",
		"status --file x":                   "status takes no --file",
		"people lits":                       `people cannot "lits"; did you mean list?`,
		"people list --csv":                 "people list takes no --csv",
		"people show":                       "people show needs NAME",
		"people show a b":                   `people show takes no "b"`,
		"people export all":                 `people export takes no "all"`,
		"people export --csv --json":        "people export takes one of --csv and --json",
		"people export --cvs":               "unknown flag --cvs; did you mean --csv?",
		"people invite":                     "people invite needs NAME…",
		"people invite a --confirm 1":       "people invite takes no --confirm",
		"people invite --file":              "--file names no file",
		"people invite --file=":             "--file names no file",
		"people invite a --file x":          `people invite takes no "a" beside --file`,
		"people connect a":                  "people connect needs NAME OTHER",
		"people connect a b c":              `people connect takes no "c"`,
		"people disconnect":                 "people disconnect needs NAME…",
		"people platform a":                 "people platform needs NAME PLATFORM",
		"people platform a teams now":       `people platform takes no "now"`,
		"people platform --file x":          "people platform with --file needs PLATFORM",
		"people sync now":                   `people sync takes no "now"`,
		"people sync --confirm":             "--confirm needs a value",
		"people sync --confirm 0":           "people sync --confirm takes how many people --dry-run has shown",
		"people sync --confirm all":         `invalid value "all" for flag --confirm`,
		"people sync --dry-run --confirm=1": "people sync takes one of --dry-run and --confirm",
		"status --jsn":                      "unknown flag --jsn; did you mean --json?",
		"status now":                        `status takes no "now"`,
		"version now":                       `version takes no "now"`,
		"run -h=perhaps":                    "invalid boolean value",
	} {
		got := w.call(strings.Fields(words)...)
		first, usage, _ := strings.Cut(got.errors, "\n")
		if got.code != 2 || got.out != "" || !strings.HasPrefix(first, "causeway: "+want) || !strings.HasPrefix(usage, "Usage: ") && !strings.Contains(usage, "\nUsage:\n") {
			t.Errorf("causeway %s: %+v, want %s", words, got, want)
		}
	}
}

func TestHelpShowsEveryCommand(t *testing.T) {
	w := newWorld(t, "")
	for _, words := range []string{"help", "-h"} {
		got := w.call(words)
		if got.code != 0 || got.errors != "" {
			t.Errorf("%s: %+v", words, got)
		}
		for _, v := range verbs() {
			if !strings.Contains(got.out, "  causeway "+v.name) || !strings.Contains(got.out, v.about) {
				t.Errorf("%s does not show %s:\n%s", words, v.name, got.out)
			}
		}
	}
	help := w.call("help", "people").out
	for _, a := range peopleActions() {
		if !strings.Contains(help, "\n  "+strings.TrimSpace(a.Name+" "+a.Takes)+"\n        "+a.About+"\n") {
			t.Errorf("help people does not show %s:\n%s", a.Name, help)
		}
	}
	want := `Usage: causeway login ACCOUNT [-c FILE]

Signs an account in, where a person must do that.

Shows an address and a code, and waits until somebody has entered the code there as the relay
account. Once is enough, as long as Causeway is used at least every 90 days.

Examples:
  causeway login msteams.contoso
        signs the relay account of a Teams account in

Flags:
  -c FILE  the config; config.toml where none is named
  -h       shows this
`
	for _, words := range []string{"help login", "login -h", "-h login"} {
		if got := w.call(strings.Fields(words)...); cmp.Diff(result{out: want}, got, cmp.AllowUnexported(result{})) != "" {
			t.Errorf("%s: %+v", words, got)
		}
	}
}
