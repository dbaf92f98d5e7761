package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/gateway/config"
)

// conversion is what `render` was told.
type conversion struct {
	from, to string
	// persons are those whom mentions call, each as NAME=ID.
	persons []string
}

// longestText is how much `render` reads: more than any service takes.
const longestText = 4 << 20

// callable gives the ids by the names, in lower case, under which they are mentioned where the text comes from.
type callable map[string]string

func (p callable) who(name string) (string, bool) {
	id, ok := p[strings.ToLower(name)]
	return id, ok
}

// parsers and renderers are the services' own, with mentions of the people whom the call names.
var parsers = map[string]func(string, callable) richtext.Doc{
	"mattermost": func(text string, p callable) richtext.Doc { return markdown.Parse(text).WithMentions(p.who) },
	"msteams": func(text string, p callable) richtext.Doc {
		return html.Options{Mention: func(_, name string) richtext.Run {
			run := richtext.Run{Text: "@" + strings.TrimPrefix(name, "@")}
			if id, ok := p.who(name); ok {
				run.Kind, run.Who = richtext.Mention, id
			}
			return run
		}}.Parse(text)
	},
}

var renderers = map[string]func(richtext.Doc) string{
	"mattermost": func(doc richtext.Doc) string {
		return markdown.Options{Person: func(mention richtext.Run) string { return mention.Who }}.Render(doc)
	},
	"msteams": func(doc richtext.Doc) string {
		return html.Options{MentionID: func(mention richtext.Run) (string, bool) { return mention.Who, true }}.Render(doc)
	},
}

// render converts what is on stdin. The bridges do the same to every message, and more that needs a server: files, names of
// Mattermost's emoji, people.
func (c *call) render(context.Context) error {
	v, _ := verbNamed("render")
	services := []string{"mattermost", "msteams"}
	for flag, name := range map[string]string{dashed(flagFrom): c.from, dashed(flagTo): c.to} {
		if name == "" {
			return &usageError{text: "render needs " + v.takes, verb: v}
		}
		if !slices.Contains(services, name) {
			return &usageError{text: fmt.Sprintf("%s names no service: %q; %s", flag, name, config.Suggest(name, services)), verb: v}
		}
	}
	known := callable{}
	for _, person := range c.persons {
		name, id, ok := strings.Cut(person, "=")
		if !ok || name == "" || id == "" {
			return &usageError{text: fmt.Sprintf("--person takes NAME=ID, not %q", person), verb: v}
		}
		known[strings.ToLower(strings.TrimPrefix(name, "@"))] = id
	}
	if c.Stdin == nil {
		return fmt.Errorf("render: there is no stdin")
	}
	text, err := io.ReadAll(io.LimitReader(c.Stdin, longestText+1))
	if err != nil {
		return fmt.Errorf("reading the text: %w", err)
	}
	if len(text) > longestText {
		return fmt.Errorf("reading the text: it is longer than %d MiB, more than a message can be", longestText>>20)
	}
	if _, err := fmt.Fprintln(c.out, renderers[c.to](parsers[c.from](string(text), known))); err != nil {
		return fmt.Errorf("writing the text: %w", err)
	}
	return nil
}
