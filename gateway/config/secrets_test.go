package config_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

func TestSecretFile(t *testing.T) {
	for _, c := range []struct {
		name, content string
		mode          fs.FileMode
		want, report  string
	}{
		{"plain", "tok", 0o600, "tok", ""},
		{"newline at the end", "tok\n", 0o600, "tok", ""},
		{"newline of Windows", "tok\r\n", 0o600, "tok", ""},
		{"several lines", "a\n b \n\n", 0o400, "a\n b ", ""},
		{"group may read", "tok", 0o640, "tok", "config.toml:3: [mattermost.hq] TokenFile: others on this machine may read the file; chmod 600 it"},
		{"all may read", "tok", 0o604, "tok", "config.toml:3: [mattermost.hq] TokenFile: others on this machine may read the file; chmod 600 it"},
		{"empty", "\n", 0o600, "", "config.toml:3: [mattermost.hq] TokenFile: the file is empty; write the secret alone into a file, and its path, relative to the folder of the config, here"},
		{"too large", strings.Repeat("s3cr3t", 200_000), 0o600, "", "config.toml:3: [mattermost.hq] TokenFile: the file cannot be read: it is larger than 1048576 bytes; write the secret alone into a file, and its path, relative to the folder of the config, here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "token"), c.content, c.mode)
			text := "[mattermost.hq]\nServer = \"s\"\ntokenfile = \"token\"\n[[gateway]]\nname = \"a\"\ninout = [{account = \"mattermost.hq\", channel = \"a\"}, {account = \"mattermost.hq\", channel = \"b\"}]\n"
			cfg, err := config.Parse("config.toml", []byte(text), dir, env(nil), protocols())
			report := ""
			if err != nil {
				report = err.Error()
			} else {
				report = config.Errors(cfg.Warnings).Error()
				if got := cfg.Accounts["mattermost.hq"].Settings.(*mattermostSettings).Token.Reveal(); got != c.want {
					t.Errorf("secret is %q, want %q", got, c.want)
				}
			}
			if diff := cmp.Diff(c.report, strings.ReplaceAll(report, "tokenfile", "TokenFile")); diff != "" {
				t.Errorf("report differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSettingsAreToldTheFileOfASecret when they want to read it again.
func TestSettingsAreToldTheFileOfASecret(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app"), "s3cr3t\n", 0o600)
	head := "[msteams.contoso]\nTenantID = \"t\"\n"
	tail := "[[gateway]]\nname = \"a\"\ninout = [{account = \"msteams.contoso\", channel = \"a\"}, {account = \"msteams.contoso\", channel = \"b\"}]\n"
	for _, c := range []struct{ keys, report, value, path string }{
		{"ClientSecretFile = \"app\"\n", "", "s3cr3t", filepath.Join(dir, "app")},
		{"ClientSecret = \"here\"\n", "", "here", ""},
		{"ClientSecret = \"here\"\nClientSecretFile = \"app\"\n", "config.toml:4: [msteams.contoso] ClientSecretFile: given beside ClientSecret; keep one of the two", "", ""},
		{"ClientSecretFileFile = \"app\"\n", "config.toml:3: [msteams.contoso] ClientSecretFileFile: unknown key; did you mean ClientSecretFile?", "", ""},
	} {
		cfg, err := config.Parse("config.toml", []byte(head+c.keys+tail), dir, env(nil), protocols())
		if c.report != "" {
			if err == nil || err.Error() != c.report {
				t.Errorf("%s reports %v, want %s", c.keys, err, c.report)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s := cfg.Accounts["msteams.contoso"].Settings.(*msteamsSettings)
		if s.ClientSecret.Reveal() != c.value || string(s.ClientSecretFile) != c.path {
			t.Errorf("%s gives %q from %q, want %q from %q", c.keys, s.ClientSecret.Reveal(), s.ClientSecretFile, c.value, c.path)
		}
	}
}

func TestKeyFileThatOthersMayReadIsDoubtful(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "causeway.db.key"), "k", 0o644)
	cfg, err := config.Parse("config.toml", []byte("[storage]\n"), dir, env(nil), protocols())
	if err != nil {
		t.Fatal(err)
	}
	want := "config.toml:1: [storage] KeyFile: others on this machine may read the key file; chmod 600 it"
	if got := config.Errors(cfg.Warnings).Error(); !strings.Contains(got, want) {
		t.Errorf("warnings are %q, want %q among them", got, want)
	}
}

// TestNoMistakeShowsASecret breaks a config at every byte, in many ways, and looks for the secrets in what is said.
func TestNoMistakeShowsASecret(t *testing.T) {
	const piece = "zq7zq7"
	text := `[mattermost.hq]
Server = "s"
Token = "zq7zq7zq7zq7zq7"
[odd.x]
Nested = { Key = 'zq7zq7zq7zq7zq7', Depth = 1 }
[msteams.contoso]
ClientSecret = """zq7zq7zq7zq7zq7
zq7zq7zq7zq7zq7""" # end
`
	syntax, rules := 0, 0
	check := func(broken string) {
		_, err := config.Parse("config.toml", []byte(broken), "testdata", env(nil), protocols())
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "[") {
			rules++
		} else {
			syntax++
		}
		if strings.Contains(err.Error(), piece) {
			t.Errorf("the report shows a secret: %v\nconfig:\n%s", err, broken)
		}
	}
	for i := range text {
		check(text[:i])
		check(text[:i] + text[i+1:])
		for _, s := range []string{`"`, `'`, `\`, "[", "]", "{", "}", "=", "#", ".", ",", "\n", "\x00", "\xff", "1", "_", " ", "x", "= 1\n", "\"\n", "\" = 1"} {
			check(text[:i] + s + text[i:])
			check(text[:i] + s + text[i+1:])
		}
	}
	if syntax < 1000 || rules < 500 {
		t.Errorf("only %d syntax errors and %d other mistakes were made", syntax, rules)
	}
	t.Logf("%d syntax errors and %d other mistakes show no secret", syntax, rules)
}

// FuzzParse never panics, and gives either a config or mistakes that each have a line.
func FuzzParse(f *testing.F) {
	f.Add(complete)
	fixtures, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range fixtures {
		f.Add(read(f, path))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/") {
			return // no file of this machine is to be read
		}
		cfg, err := config.Parse("config.toml", []byte(text), dir, env(map[string]string{"A": "a"}), protocols())
		if (cfg == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", cfg, err)
		}
		lines := strings.Count(text, "\n") + 1
		var mistakes config.Errors
		if err != nil {
			mistakes = err.(config.Errors)
		}
		for i, m := range mistakes {
			if m.Line > lines || m.Line < 0 || m.Problem == "" || i > 0 && m.Line < mistakes[i-1].Line {
				t.Errorf("mistake %d of a file of %d lines: %v", i, lines, m)
			}
		}
	})
}
