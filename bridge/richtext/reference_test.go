package richtext_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/card"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

// examplesResults has what each message of Microsoft's documentation becomes on Mattermost. The messages themselves are no
// part of this project: they are read from the folder that GRAPH_REFERENCE names.
const examplesResults = "testdata/examples.txt"

// TestMessagesOfTheDocumentation: every message in Microsoft's examples becomes what it became before, and obeys the laws.
func TestMessagesOfTheDocumentation(t *testing.T) {
	folder := os.Getenv("GRAPH_REFERENCE")
	if folder == "" {
		if os.Getenv("REQUIRE_REFERENCE") == "1" {
			t.Fatal("GRAPH_REFERENCE is not set, and REQUIRE_REFERENCE is 1")
		}
		t.Skip("the messages of Microsoft's documentation were not converted: GRAPH_REFERENCE is not set")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "examples", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples in %s: %v", folder, err)
	}
	var results strings.Builder
	messages := 0
	for _, path := range paths {
		var whole any
		if err := json.Unmarshal([]byte(read(t, path)), &whole); err != nil {
			continue // some are several answers in one
		}
		for i, m := range chatMessages(whole, nil) {
			messages++
			doc := m.doc()
			name := fmt.Sprintf("%s message %d", filepath.Base(path), i+1)
			written := markdown.Render(doc)
			checkLaws(t, name, directions[1], doc.Literal(), written)
			checkLaws(t, name, directions[0], doc.Literal(), html.Render(doc))
			results.WriteString("=====[ " + name + " ]=====\n" + written + "\n")
		}
	}
	if messages < 50 {
		t.Errorf("only %d messages were found: does this test still read them?", messages)
	}
	if *update {
		if err := os.WriteFile(examplesResults, []byte(results.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, examplesResults), results.String()); diff != "" {
		t.Errorf("the messages became something else (-before +now):\n%s", diff)
	}
}

// message is what a text is made of in a chatMessage.
type message struct {
	Body struct {
		ContentType string  `json:"contentType"`
		Content     *string `json:"content"`
	} `json:"body"`
	Subject     string `json:"subject"`
	Attachments []struct {
		ContentType string `json:"contentType"`
		Content     string `json:"content"`
	} `json:"attachments"`
}

func (m message) doc() Doc {
	var doc Doc
	if m.Subject != "" {
		doc = append(doc, Block{Kind: Heading, Level: 3, Runs: []Run{{Text: m.Subject}}})
	}
	if m.Body.Content != nil && m.Body.ContentType == "html" {
		doc = append(doc, html.Parse(*m.Body.Content)...)
	} else if m.Body.Content != nil {
		doc = append(doc, Plain(*m.Body.Content)...)
	}
	for _, a := range m.Attachments {
		doc = append(doc, card.Doc(a.ContentType, a.Content)...)
	}
	return Normalize(doc)
}

// chatMessages gives what in v, which was decoded from JSON, is a message: it has a body with content.
func chatMessages(v any, found []message) []message {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			found = chatMessages(one, found)
		}
	case map[string]any:
		if body, ok := v["body"].(map[string]any); ok {
			if _, ok := body["content"]; ok {
				raw, err := json.Marshal(v)
				var m message
				if err == nil && json.Unmarshal(raw, &m) == nil {
					found = append(found, m)
				}
			}
		}
		for _, name := range []string{"value", "replies", "lastMessagePreview", "chatMessage", "message", "body"} {
			found = chatMessages(v[name], found)
		}
	}
	return found
}
