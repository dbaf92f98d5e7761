package html

import (
	"testing"

	"causeway/bridge/richtext"
)

func TestATextThatCannotBeReadEndsNothing(t *testing.T) {
	choke := Options{Mention: func(string, string) richtext.Run { panic("choked") }}
	doc, key := choke.ParseWithKey(`<p>hello <at id="0">Ann</at></p>`)
	if got := doc.PlainText(); got != "(a message that cannot be read)" || key != unreadable {
		t.Errorf("got %q with key %q", got, key)
	}
	if doc := Parse("<p>fine</p>"); doc.Hash() != richtext.Plain("fine").Hash() {
		t.Errorf("got %v", doc)
	}
}
