package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestAReadingThatIsBrokenOffIsNoTrouble: whoever stops Causeway finds no warning in its log.
func TestAReadingThatIsBrokenOffIsNoTrouble(t *testing.T) {
	logger, seen := logtest.NewNullLogger()
	s := memory.NewService("memory:a", memory.Options{})
	g := New(Options{Log: logrus.NewEntry(logger), Plan: Plan{Accounts: []Account{{Name: "memory.a", Bridge: s.Account("memory.a", "bot")}}}})
	in := inbox{gateway: g, account: g.setup.Load().accounts["memory.a"]}
	c := bridge.ConversationID{Server: "memory:a", Channel: "town"}
	in.Trouble(c, fmt.Errorf("reading channels: %w", context.Canceled))
	in.Trouble(c, errors.New("reading channels: no answer"))
	var got []string
	for _, e := range seen.AllEntries() {
		got = append(got, fmt.Sprint(e.Level, ": ", e.Message, ": ", e.Data[logrus.ErrorKey]))
	}
	if want := []string{"warning: reading failed; trying again: reading channels: no answer"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
