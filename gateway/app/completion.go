package app

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"causeway/gateway/config"
)

// The scripts are templates over [completable].
var (
	//go:embed completion/causeway.bash
	bashCompletion string
	//go:embed completion/_causeway
	zshCompletion string
	//go:embed completion/causeway.fish
	fishCompletion string
)

// completable is what a shell offers of one command.
type completable struct {
	Name, About string
	// Words are what can follow. Accounts: an account of the config does. Files: a file does.
	Words           []string
	Accounts, Files bool
	Flags           []completableFlag
}

// completableFlag is one of its flags. Of the kind of its value, if it takes one, is Files or Services true.
type completableFlag struct {
	Dashed, About          string
	Takes, Files, Services bool
}

// completables are all commands, for the templates.
func completables() []completable {
	taught := lessons()
	var all []completable
	for _, v := range verbs() {
		l := taught[v.name]
		c := completable{Name: v.name, About: v.about, Words: l.words, Accounts: l.accounts, Files: l.files}
		if v.name == "help" {
			c.Words = verbNames()
		}
		for _, f := range flagsOf(v) {
			c.Flags = append(c.Flags, completableFlag{dashed(f.name), f.about, f.takes != "", f.takes == "FILE", f.takes == "SERVICE"})
		}
		all = append(all, c)
	}
	return all
}

// completion is `causeway completion SHELL`.
func (c *call) completion(context.Context) error {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	script, known := scripts[c.args[0]]
	if !known {
		v, _ := verbNamed("completion")
		return &usageError{text: fmt.Sprintf("there is no completion for %q; %s", c.args[0], config.Suggest(c.args[0], []string{"bash", "zsh", "fish"})), verb: v}
	}
	text, err := scriptOf(script, completables())
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.out, text)
	return err
}

func scriptOf(script string, all []completable) (string, error) {
	functions := template.FuncMap{
		"join": func(words []string) string { return strings.Join(words, " ") },
		"without": func(words []string, word string) []string {
			return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == word })
		},
		// quoted is a text between single quotation marks, of a shell.
		"quoted": func(text string) string { return strings.ReplaceAll(text, "'", `'\''`) },
		// described is a text in zsh's lists, where a colon and brackets mean something.
		"described": func(text string) string {
			return strings.NewReplacer("'", `'\''`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(text)
		},
		// bare is a flag's name for fish, without its dashes.
		"bare":  func(dashed string) string { return strings.TrimLeft(dashed, "-") },
		"short": func(dashed string) bool { return !strings.HasPrefix(dashed, "--") },
		"names": func(all []completable) string {
			var names []string
			for _, c := range all {
				names = append(names, c.Name)
			}
			return strings.Join(names, " ")
		},
		// valued are the flags of all commands that take a value, as a pattern of a shell.
		"valued": func(all []completable) string {
			names := []string{"-c", "--config"}
			for _, c := range all {
				for _, f := range c.Flags {
					if f.Takes && f.Dashed != "-c" {
						names = append(names, f.Dashed)
					}
				}
			}
			return strings.Join(names, "|")
		},
	}
	t, err := template.New("completion").Funcs(functions).Parse(script)
	if err != nil {
		return "", fmt.Errorf("writing the completion: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, all); err != nil {
		return "", fmt.Errorf("writing the completion: %w", err)
	}
	return b.String(), nil
}
