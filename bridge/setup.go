package bridge

import "context"

// Setup makes a service ready for Causeway before any account of it works: `causeway setup PROTOCOL`.
type Setup struct {
	// Account is what the second half of an account's name is where nobody says otherwise: "hq".
	Account string
	// Options are those of [SetupCall].Options that it understands.
	Options []string
	// Run does it. It tells call.Desk what it is going to change, asks, and changes nothing unless that is agreed to. Doing it twice changes nothing more.
	Run func(ctx context.Context, call SetupCall) error
}

// SetupCall is what an operator wants set up.
type SetupCall struct {
	// Account is what the account is called in the config, or will be.
	Account AccountName
	// Options are what was typed, by the names of [Setup].Options. A switch has an empty value.
	Options map[string][]string
	// Settings are those of the account in the config; nil where it stands in none yet.
	Settings any
	// PublicURL is the address at which others reach Causeway, and Redirect where people's sign-ins come back to; empty: nobody can reach it.
	PublicURL, Redirect string
	// Undo takes back what was set up.
	Undo bool
	Desk SetupDesk
}

// Option gives the value of an option, the last one of several; empty when it was not typed.
func (c SetupCall) Option(name string) string {
	if all := c.Options[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Has says whether a switch was typed.
func (c SetupCall) Has(name string) bool { return len(c.Options[name]) > 0 }

// SetupDesk is where the operator sits.
type SetupDesk interface {
	// Say shows a text that may have several lines.
	Say(text string)
	// Login gives what an administrator logs in with, once: an access token, or user and password. Nothing of it is kept.
	Login(ctx context.Context) (Login, error)
	// Code asks for the second factor of a log-in.
	Code(ctx context.Context) (string, error)
	// Agreed asks whether what was said last is to be done. An error says why that is not known.
	Agreed(ctx context.Context) (bool, error)
	// Kept gives the secret that stands in a file beside the config; empty when there is none.
	Kept(name string) (string, error)
	// Keep writes a secret into such a file, which only its owner can read, and gives the path that a config beside it takes.
	Keep(name, value string) (path string, err error)
	// Config makes a new config of these lines, or shows them where there is one already.
	Config(lines string) error
}

// Login is what somebody logs in with: Token, or else User and Password.
type Login struct{ Token, User, Password string }
