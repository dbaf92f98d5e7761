package app

import (
	"os"
	"strings"
	"testing"
)

const matterbridgeConfig = `
[left.x]
Nick="x"
[mattermost.work]
Server="chat.example.org"
Team="main"
Token="s3cr3t-token-of-the-bot"
`

func TestImportWritesNoSecretToTheScreen(t *testing.T) {
	w := newWorld(t, "")
	w.write("matterbridge.toml", matterbridgeConfig)
	got := w.call("import", w.path("matterbridge.toml"))
	if got.code != 0 || !strings.Contains(got.out, "\n[mattermost.work]\nServer = \"chat.example.org\"\n") || strings.Contains(got.out+got.errors, "s3cr3t") {
		t.Errorf("%+v", got)
	}
	if want := "1 thing to do, marked TO DO; 1 thing left out, each with its reason.\nNo secret is shown; "; !strings.HasPrefix(got.errors, want) {
		t.Errorf("%q, want %q", got.errors, want)
	}
}

func TestImportIntoAFileMovesTokensAndIsForItsOwnerAlone(t *testing.T) {
	w := newWorld(t, "")
	w.write("matterbridge.toml", matterbridgeConfig)
	w.call("import", "-o", w.path("new.toml"), w.path("matterbridge.toml")).wants(t, result{out: `Wrote new.toml.
0 things to do, marked TO DO; 1 thing left out, each with its reason.
Tokens stand in it, so only you can read it. They are better off in environment variables (Token = "env:NAME") or files of their own (TokenFile).
Next: causeway check -c new.toml
`})
	text, err := os.ReadFile(w.path("new.toml"))
	if err != nil || !strings.Contains(string(text), "\nToken = \"s3cr3t-token-of-the-bot\"\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if info, err := os.Stat(w.path("new.toml")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	w.call("import", w.path("matterbridge.toml"), "-o", w.path("new.toml")).wants(t, result{code: 1,
		errors: "causeway: writing new.toml: there is such a file already: name another one with -o, or move that one away\n"})
	if again, err := os.ReadFile(w.path("new.toml")); err != nil || string(again) != string(text) {
		t.Errorf("it was written over: %v\n%s", err, again)
	}
}

func TestImportNamesWhatIsWrong(t *testing.T) {
	w := newWorld(t, "")
	w.write("broken.toml", "[mattermost.work]\nToken=\"s3cr3t\n")
	for path, want := range map[string]string{
		"none.toml":   "causeway: reading Matterbridge's config: open none.toml: no such file or directory: name the file with which it runs\n",
		"broken.toml": "causeway: broken.toml:2: Token: the text is not closed on its line; end it with the quotation mark it begins with\n",
	} {
		got := w.call("import", w.path(path))
		if strings.Contains(got.errors, "s3cr3t") || got.code != 1 || got.errors != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	w.write("good.toml", matterbridgeConfig)
	if got := w.call("import", w.path("good.toml"), "-o", w.path("no/folder.toml")); got.code != 1 || !strings.Contains(got.errors, ": name a file with -o in a folder where you may write\n") {
		t.Errorf("%+v", got)
	}
}
