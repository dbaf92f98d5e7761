package bridge

import (
	"context"

	"causeway/bridge/richtext"
)

// Profile is what a service says of one of its users.
type Profile struct {
	Author
	// Email is empty where the service does not tell it.
	Email string
	// EmailProven: the service vouches that the address is this user's. It was verified, comes from single sign-on, or from the
	// directory for one of its own members. Without it an equal address says nothing.
	EmailProven bool
	Standing    Standing
}

// Standing is what a user is to the service.
type Standing struct {
	Presence Presence
	// Admin may change anything, Bot is no human, Guest belongs to another organisation, Managed is switched on and off by
	// another directory (LDAP, SAML).
	Admin, Bot, Guest, Managed bool
}

// Presence says whether a user is there at all.
type Presence uint8

const (
	// Present: the user can log in and use the service.
	Present Presence = iota
	// Disabled: the user exists, and may not log in.
	Disabled
	// Unlicensed: the user exists, and lacks the licence for this service.
	Unlicensed
	// Deleted: the user can still be restored.
	Deleted
	// Erased: the user does not exist (any more).
	Erased
)

var presenceNames = [...]string{"present", "disabled", "unlicensed", "deleted", "erased"}

// String gives the presence's name in logs.
func (p Presence) String() string { return presenceNames[p] }

// SignIn is one sign-in of a person in a browser (OAuth 2.0, authorization code). Both halves of it get the same values.
type SignIn struct {
	// Redirect is where the service sends the browser back to, with the parameters code and state, or error.
	Redirect string
	// State comes back unchanged.
	State string
	// Verifier is the secret of PKCE (RFC 7636), 43 to 128 characters; a service that has no PKCE leaves it.
	Verifier string
}

// Proof is who signed in.
type Proof struct {
	Profile
	// Grant is what Causeway was given to act as them, in a form that only the bridge knows. A secret.
	Grant []byte
}

// PersonGrant is the name in an account's [Vault] under which the grant of a connected person is kept. A bridge renews it there
// by [Vault.Renew]; it is put there and taken away by the gateway alone, together with the connection.
func PersonGrant(u UserID) string { return "person " + string(u) }

// Choice is a button below a notice or a reply.
type Choice struct {
	Label string
	// Token comes back in [Press.Token]; at most 2,000 characters. It holds no secret, and nobody can make one.
	Token string
}

// Trigger is a word by which people call Causeway: "/msteams".
type Trigger struct {
	// Word without the slash.
	Word string
	// Hint shows the arguments, "[connect|disconnect|…]"; Description says in a line what it is for.
	Hint, Description string
}

// Command is what a person typed behind a trigger.
type Command struct {
	User UserID
	// Conversation is where.
	Conversation ConversationID
	Trigger      string
	// Words are separated by white space.
	Words []string
}

// Press is a person's press of a button. The service vouches for the user, nobody for the token.
type Press struct {
	User  UserID
	Token string
}

// Reply is what one person gets to see, and nobody else.
type Reply struct {
	Text richtext.Doc
	// Choices are buttons below the text; only of commands.
	Choices []Choice
	// Replace is for presses: the notice that held the button now says this, without buttons.
	Replace richtext.Doc
}

// Circle is some of the people of a service: those of teams and those of groups, by the names of these. Without any: those of all teams that the account
// is in.
type Circle struct{ Teams, Groups []string }

// Front is how people reach Causeway through an account whose [Capabilities] have Commands. All its methods return at once,
// or when their context ends.
type Front interface {
	// Triggers gives the words to register; none when nothing is offered there.
	Triggers() []Trigger
	Command(ctx context.Context, c Command) Reply
	Press(ctx context.Context, p Press) Reply
	// Awaited says whether it matters who comes online, and of whom.
	Awaited() (of Circle, ok bool)
	// Arrived tells who has come online, or was online when the account connected.
	Arrived(ctx context.Context, users []UserID)
}
