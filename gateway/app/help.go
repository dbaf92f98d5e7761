package app

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// lesson is what the help of a command says below its usage, and what a shell offers after it.
type lesson struct {
	// text explains what the command's line cannot; may be empty.
	text string
	// examples are calls, each with what it does.
	examples [][2]string
	// words are what its first argument can be.
	words []string
	// accounts: its first argument is an account of the config. files: it is a file.
	accounts, files bool
}

// lessons are by command.
func lessons() map[string]lesson {
	return map[string]lesson{
		"run": {
			text: "Needs a config with a gateway. It is done when a signal comes (ctrl-c, SIGTERM): what is under way is finished, what waits is in the store " +
				"and leaves at the next start. Killed in any other way, nothing is lost either.",
			examples: [][2]string{{"causeway", "with config.toml"}, {"causeway run -c /etc/causeway/config.toml", "as the systemd unit does"}},
		},
		"setup": {
			text: "mattermost logs a system administrator in, once, shows what it is going to change, and asks: it makes the bot account with its token, gives it its role, adds it to teams and channels, and sets what " +
				"docs/mattermost-bot.md lists. Called again it changes only what is missing; --undo puts back what it has changed. From a terminal it asks for user and password; else an administrator's token comes from " +
				adminToken + " or stdin. Neither is kept or shown. msteams prints the permissions that are needed for what is chosen, the steps in the portal, the app's manifest and commands for Azure's command line. " +
				"With --test either looks whether the account in the config has what it needs.",
			examples: [][2]string{{"causeway setup mattermost --server https://chat.example.org --channel sales/town-square", "makes the bot, and config.toml where there is none"},
				{"causeway setup mattermost --server https://chat.example.org --undo", "puts everything back"},
				{"causeway setup msteams --public-url https://causeway.example.com --direct", "how to register an app with which people connect, and talk directly"},
				{"causeway setup msteams --test", "whether it was granted what it needs"}},
			words: []string{"mattermost", "msteams"},
		},
		"check": {
			text: "The first thing to try when something is wrong. It may be called while Causeway runs and while it does not; it writes to no channel and keeps nothing. " +
				"A problem keeps messages from crossing; a warning does not, or not yet. What to do stands behind an arrow.",
			examples: [][2]string{{"causeway check", "everything, as a table"}, {"causeway check --json | jq .problems", "for a script; the exit code is 1, too, on any problem"}},
		},
		"login": {
			text:     "Shows an address and a code, and waits until somebody has entered the code there as the relay account. Once is enough, as long as Causeway is used at least every 90 days.",
			examples: [][2]string{{"causeway login msteams.contoso", "signs the relay account of a Teams account in"}},
			accounts: true,
		},
		"status": {
			text:     "Asks the Causeway that is running, by its address in [http]; call it as the user that runs Causeway, who can read the key file.",
			examples: [][2]string{{"causeway status", "problems with their next steps, accounts, gateways"}, {"causeway status --json | jq .totals.waiting", "for a script"}},
		},
		"reload": {
			text: "Causeway does the same by itself when the file has changed, and at SIGHUP. Gateways, accounts and most other keys are added, changed and removed; a connection of which the config says the same " +
				"as before goes on. A config with a mistake is not taken up. Some keys count at the next start only; they are named.",
			examples: [][2]string{{"causeway reload", "shows what has changed, or what is wrong"}},
		},
		"link": {
			text: "The Causeway that is running does it at once; where none runs, it counts from the next start. A pair lives in the store, survives restarts and reloads, and is a gateway of its own in status and on the " +
				"dashboard, with the defaults of [[gateway]]. A channel that is in a gateway already is refused. Administrators of channels can do the same by /msteams link, where AllowLinking in [people] is on.",
			examples: [][2]string{{"causeway link mattermost.hq:sales/berlin msteams.contoso:Sales/Berlin", "carries what is said from now on"}, {"causeway link", "lists what was linked so, by whom, and since when"}},
		},
		"unlink": {
			text:     "What was carried stays where it is; what waits is kept in the store, as when a gateway is taken out of the config.",
			examples: [][2]string{{"causeway unlink mattermost.hq:sales/berlin", "one of the two channels is enough"}},
		},
		"channels": {
			examples: [][2]string{{"causeway channels mattermost.hq", "each line can be copied into a gateway of the config"}},
			accounts: true,
		},
		"message": {
			text: "Looks for it by the link that \"Copy link\" gives in either program, or by its id, and says of each copy how it stands, when it was tried, and what has failed on the way, also after it has arrived. " +
				"It reads the store, whether Causeway runs or not, and shows no text. The dashboard's page Messages shows the same, finds messages by author and time, too, and says what is being waited for.",
			examples: [][2]string{{"causeway message https://chat.example.com/main/pl/4xp9fdt77pncbef59f4k1qe83o", "by its link in Mattermost"},
				{"causeway message 1700000000000", "by its id in Teams"}},
		},
		"quarantine": {
			text: "A message comes into quarantine when it was refused for good, or failed for half an hour while others got through. Everything else goes on meanwhile. " +
				"It is kept for QuarantineDays of [storage].",
			examples: [][2]string{{"causeway quarantine", "what is in it, with the reasons"}, {"causeway quarantine retry 5", "tries it again"},
				{`causeway quarantine retry --to "msteams.contoso Contoso/General"`, "tries all again that should go there, as the list names it"},
				{`causeway quarantine retry --reason "too large"`, "tries all again whose reason says that"},
				{"causeway quarantine drop 5", "gives it up and erases its text; its author is told nothing more"}},
			words: []string{"list", "retry", "drop"},
		},
		"people": {
			examples: [][2]string{{"causeway people list lost", "whom Causeway can no longer act as"}, {"causeway people invite ann ben@example.com", "asks two people whether they want to connect"},
				{"causeway people export --csv > people.csv", "everybody who is known"}},
			words: actionNames(),
		},
		"dashboard": {
			text: "Prints an address to open in a browser within a minute. Where neither Token in [dashboard] nor PublicURL in [http] is set, browsers on this machine need no link: " +
				"open the address of Listen. From elsewhere go through a tunnel, such as ssh -L 9080:127.0.0.1:9080 HOST, or set Token.",
			examples: [][2]string{{"causeway dashboard", "as the user that runs Causeway, who can read the key file"}},
		},
		"audit": {
			text:     "Each retry, drop, renewal, login, reload and order about people is kept, and what the dashboard's other buttons did, with who wanted it and what became of it; the newest 100,000 of them.",
			examples: [][2]string{{"causeway audit", "the newest 50"}, {"causeway audit 1000 --json", "more of them, for a script"}},
		},
		"store": {
			text: "backup writes all that the store holds at one moment into a new SQLite file, whatever the store is in, and looks through that; Causeway may go on meanwhile. " +
				"restore needs that Causeway is stopped, and the key file with which the backup was made. A store that is not empty is replaced only with --replace; a file is then put aside, not erased. " +
				"At the next start what was said since the backup is read again, and nothing is posted twice. " +
				"migrate does what the next start does anyway. copy needs an empty store to copy into, which may be the path of an SQLite database or the address of a PostgreSQL one, " +
				"and that Causeway is stopped; without --from it takes the store of the config. env:NAME takes an address with a password from an environment variable.",
			examples: [][2]string{{"causeway store backup /backup/causeway-2026-01-01.db", "while Causeway runs; keep the key file apart from it"},
				{"causeway store restore /backup/causeway-2026-01-01.db --replace", "puts it in the place of the store of the config"},
				{"causeway store check", "reads all of it; exit code 1 when something is wrong"},
				{"causeway store copy --to postgres://causeway@db.example.com/causeway", "from SQLite to PostgreSQL"},
				{"causeway store copy --from env:DSN --to causeway.db", "and back"}},
			words: storeActions,
		},
		"rekey": {
			text:     "Stop Causeway first. Back the new key file up afterwards, and keep the former one with the backups of the database that belong to it.",
			examples: [][2]string{{"causeway rekey", "when the key file may have been seen by somebody"}},
		},
		"render": {
			examples: [][2]string{{"echo '**Hello** @ann' | causeway render --from mattermost --to msteams --person ann=7", "what Teams would be sent"}},
		},
		"import": {
			text: "Reads the TOML of Matterbridge 1.26. What has no counterpart becomes a comment that says why (Left out), or what you must do (TO DO). Without -o no secret is shown; " +
				"with -o tokens are moved into the new file, which only you can read. A file that exists is never written over.",
			examples: [][2]string{{"causeway import matterbridge.toml", "shows what it would become"}, {"causeway import matterbridge.toml -o config.toml", "makes the config"}},
			files:    true,
		},
		"completion": {
			text: "Commands, flags, the accounts of the config, and files.",
			examples: [][2]string{{"causeway completion bash > /etc/bash_completion.d/causeway", "for bash, for all users"}, {"source <(causeway completion bash)", "for this shell only"},
				{`causeway completion zsh > "${fpath[1]}/_causeway"`, "for zsh"}, {"causeway completion fish > ~/.config/fish/completions/causeway.fish", "for fish"}},
			words: []string{"bash", "zsh", "fish"},
		},
		"version": {examples: [][2]string{{"causeway version", "to tell when something is reported"}}},
		"help":    {examples: [][2]string{{"causeway help check", "the same as: causeway check --help"}}},
	}
}

func actionNames() []string {
	var all []string
	for _, a := range peopleActions() {
		all = append(all, a.Name)
	}
	return all
}

// flagMeaning says what a flag of commands takes and does.
type flagMeaning struct{ name, takes, about string }

// flagMeanings are those of all flags beside -c and -h.
var flagMeanings = []flagMeaning{
	{flagJSON, "", "prints JSON"},
	{flagCSV, "", "prints CSV"},
	{flagFile, "FILE", "takes names from a file, one a line"},
	{flagDryRun, "", "only says what would happen"},
	{flagConfirm, "NUMBER", "agrees to so many removals"},
	{flagFrom, "SERVICE", "the service that the text is from"},
	{flagTo, "SERVICE", "the service that it is for"},
	{flagPerson, "NAME=ID", "somebody whom a mention calls; may be repeated"},
	{flagOutput, "FILE", "writes into a new file"},
	{flagAccount, "NAME", "the account's name in the config"},
	{flagPublicURL, "URL", "where others reach Causeway; that of the config where none is named"},
	{"server", "URL", "the address of the Mattermost server"},
	{"bot", "NAME", "the bot's user name; causeway where none is named"},
	{"profile", "PROFILE", "how to act as people: restricted (default) or simple"},
	{"team", "NAME", "a team that the bot joins; may be repeated"},
	{"channel", "TEAM/NAME", "a channel that the bot joins; may be repeated"},
	{"callback-url", "URL", "where the server reaches Causeway, if not at its public address"},
	{"ca-file", "FILE", "further certificate authorities, in PEM"},
	{"deactivate", "", "Mattermost: the bot may deactivate who has left Teams, and so set the password of everybody who is no administrator"},
	{"cloud", "CLOUD", "where the tenant is: global (default), gcc, gcchigh, dod or china"},
	{"direct", "", "direct and group messages are carried"},
	{"no-files", "", "files are not carried"},
	{"certificate", "", "the app proves itself by a certificate instead of a secret"},
	{flagYes, "", "does it without asking"},
	{flagUndo, "", "puts back what was changed"},
	{flagTest, "", "looks whether all is granted, and changes nothing"},
	{flagReason, "TEXT", "those whose reason holds it"},
	{flagReplace, "", "puts a backup in the place of a store that is not empty"},
}

// otherFlags are those that mean something else to some commands.
var otherFlags = map[string]map[string]flagMeaning{
	"store": {
		flagFrom: {flagFrom, "DSN", "the store to copy from; that of the config where none is named"},
		flagTo:   {flagTo, "DSN", "the empty store to copy into"},
	},
	"quarantine": {flagTo: {flagTo, "CONVERSATION", "those that should go there, as the list names it"}},
}

// dashed is how a flag is shown.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// flagsOf gives the flags that a command takes, all of them.
func flagsOf(v verb) []flagMeaning {
	var all []flagMeaning
	for _, f := range flagMeanings {
		if slices.Contains(v.flags, f.name) {
			if of, other := otherFlags[v.name][f.name]; other {
				f = of
			}
			all = append(all, f)
		}
	}
	if !v.noConfig {
		all = append(all, flagMeaning{"c", "FILE", "the config; " + defaultConfig + " where none is named"})
	}
	return append(all, flagMeaning{"h", "", "shows this"})
}

// helpOf is what follows the usage of a command.
func helpOf(v verb) string {
	l := lessons()[v.name]
	var b strings.Builder
	if l.text != "" {
		b.WriteByte('\n')
		wrap(&b, l.text)
	}
	if v.more != nil {
		b.WriteString(v.more())
	}
	b.WriteString("\nExamples:\n")
	for _, e := range l.examples {
		fmt.Fprintf(&b, "  %s\n        %s\n", e[0], e[1])
	}
	b.WriteString("\nFlags:\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range flagsOf(v) {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(dashed(f.name)+" "+f.takes), f.about)
	}
	_ = table.Flush() // into memory
	return b.String()
}

// wrap writes a paragraph in lines of at most 100 letters.
func wrap(b *strings.Builder, text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > 100 {
			b.WriteString(line + "\n")
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}
