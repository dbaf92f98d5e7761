package bridge

import (
	"context"
	"io"
	"net/http"
	"time"

	"causeway/bridge/richtext"
)

// Capabilities says what a service can do, so that the gateway falls back before it tries.
type Capabilities struct {
	// Edit: own posts can be changed. Without it an edit becomes an "edited:" reply.
	Edit bool
	// Delete: own posts can be deleted.
	Delete bool
	// Reactions can be set and removed. Without it they are dropped.
	Reactions bool
	// Files can be sent. Without it each is a line with name, size and link.
	Files bool
	// FilesPerPost is how many files a post can show; 0: any number.
	FilesPerPost int
	// RemoveFiles: copied files stay when the post that shows them is deleted, until [Bridge.RemoveFile] removes them.
	RemoveFiles bool
	// DeleteTakesReplies: deleting the first message of a thread deletes what others answered.
	DeleteTakesReplies bool
	// Quotes: in direct and group conversations any message can be answered, which quotes it. Otherwise the first message of a thread can.
	Quotes bool
	// PostInterval is the least time between two writes of the account itself, or as one person; 0: none. The gateway shares it
	// fairly among the conversations.
	PostInterval time.Duration
	// Settle is how long after a write a read may still miss it. [Bridge.Find] is not asked earlier.
	Settle time.Duration
	// People: Causeway can act as connected people: As in [Draft] and [Target] may be set.
	People bool
	// Commands: people can reach Causeway here, by commands and buttons; see [Front].
	Commands bool
	// Directory: the service tells who has left; see [Bridge.Directory].
	Directory bool
	// Muted is the setting, in the service's own word, under which somebody is told of a conversation only when mentioned, or not at
	// all; empty: it has none that can be set.
	Muted string
	// Handles: people are mentioned by their user names; otherwise by their names. So the text of a mention in a [Draft] says.
	Handles bool
	// Direct: direct and group conversations of connected people are read, and can be opened.
	Direct bool
	// Regroup: the members of a [Group] can change.
	Regroup bool
	// GroupLimit is how many people a [Group] may have at most; 0: any number.
	GroupLimit int
	// RelayDirect: the account itself can write, edit and delete in direct and group conversations of which it is no member. That may
	// depend on its rights, so it is known after [Bridge.Connect].
	RelayDirect bool
	// RelayAside: where it cannot, what is said by people whom nobody can act as is shown to each connected member by a direct message of the account.
	RelayAside bool
}

// Identity is who an account is.
type Identity struct {
	Server ServerID
	// User is whom posts of the relay or bot show as their author.
	User UserID
	Name string
}

// Access is what a conversation is needed for.
type Access uint8

// Read and Write are flags.
const (
	Read Access = 1 << iota
	Write
)

// Conversation is a channel, direct chat or group chat that an account can see.
type Conversation struct {
	ID ConversationID
	// Name is the form that "channel =" takes, "team/channel".
	Name string
	// Link opens it in the service's own program; may be empty.
	Link string
}

// Finding is something [Bridge.Check] wants the operator to know.
type Finding struct {
	// Fatal: without a remedy messages will not cross.
	Fatal bool
	// Fine: it is as it should be. Unsure: it could not be looked up. Neither, and not Fatal: notable.
	Fine, Unsure bool
	// Text says what is wrong or notable and, when Fatal, the next step, unless Next does.
	Text string
	// Next is the next step; may be empty.
	Next string
}

// Status is how an account stands, for the operator.
type Status struct {
	// Receiving is how messages arrive, such as "websocket", "change notifications" or "polling"; Why is the reason, where
	// there is a better way.
	Receiving, Why string
	// Ends are what people must renew in time.
	Ends []End
	// Facts are what else is worth showing, in this order.
	Facts []Fact
	// Sockets counts the connections that are open for what the service pushes, by whose they are, [OfAccount] or [OfPeople]; nil: it has none.
	Sockets map[string]int
	// Subscribed says of each subscription that lives since when it does; nil: none is wanted.
	Subscribed []time.Time
}

// Whose sockets are.
const (
	OfAccount = "account"
	OfPeople  = "people"
)

// End is the end of the life of something that the account needs: a secret, a certificate.
type End struct {
	// What it is: "the client secret \"prod\"".
	What string
	At   time.Time
	// Hint is the next step.
	Hint string
}

// Fact is a line of a status: "subscriptions", "3, the next is renewed at 14:00".
type Fact struct{ Name, Value string }

// Subscription is one by which a service delivers what is new.
type Subscription struct {
	// What it covers, in words for the operator: "all channels". Conversation is that, where it is just one.
	What         string
	Conversation ConversationID
	// Alive: what it covers arrives by it.
	Alive bool
	// Since is when it began to live, Renewed when it was last made or renewed, Ends when it ends if it is not renewed, and Next when something
	// is done about it. Each may be zero.
	Since, Renewed, Ends, Next time.Time
	// Trouble is why it is not made or renewed; empty: nothing is wrong.
	Trouble string
}

// Bridge is one account on one chat service. Its methods may be called at the same time, except Run, which is
// called once at a time. Where another process reads, Run and Resolve are never called; everything else works without them once Connect has succeeded. Each returns when its context ends. All errors may be of type [*Error].
type Bridge interface {
	Capabilities() Capabilities
	// Now is the time by the service's clock, to within some seconds, as its last answer has told it; zero: that is not known.
	Now() time.Time

	// Connect proves the credentials and tells who the account is. Called before anything else, and again after
	// Unauthorised, until it succeeds.
	Connect(ctx context.Context) (Identity, error)
	// Check looks deeper than Connect: permissions, settings of the service. It changes nothing there.
	Check(ctx context.Context) []Finding
	// Login signs the account in where a person must do that; show is told what they must do.
	Login(ctx context.Context, show func(text string)) error

	// Resolve finds a conversation by the name, id or link that an operator wrote, and makes sure that the
	// account has the access needed. Gone: there is no such conversation, or it cannot be seen.
	Resolve(ctx context.Context, name string, need Access) (Conversation, error)
	// Conversations lists what the account can see.
	Conversations(ctx context.Context) ([]Conversation, error)

	// Run reads the conversations that inbox watches until ctx ends, starting behind their cursors, and puts all
	// their states into inbox. With Direct it also notices what is said in talks of the people that [Inbox.Observed] names, those said
	// while it did not run included, and has the inbox meet them. It returns nil only when ctx has ended, otherwise what stopped it; the
	// gateway then calls it again. A failing conversation must not stop the others: report it to inbox.Trouble.
	Run(ctx context.Context, inbox Inbox) error
	// Read gives the present state of one message. Gone: it does not exist.
	Read(ctx context.Context, c ConversationID, id MessageID) (State, error)
	// Open reads a file from a byte on, and tells Size and Type as they are, where the state did not. Gone: it is not there any more.
	// Unsupported: it cannot be read here, and the error's Hint says why in words for people.
	Open(ctx context.Context, c ConversationID, f File, offset int64) (io.ReadCloser, File, error)
	// Upload carries a file into a conversation, where nobody sees it before a post shows it, and gives what [Draft.Files] takes. After an
	// error nobody sees anything either; what was stored by [Upload.Progress] says how the next attempt goes on. Rejected: the service
	// does not take this file, and the error's Hint says why in words for people. Its size is judged before anything of it is read.
	Upload(ctx context.Context, u Upload) (File, error)
	// RemoveFile removes a copied file, as who has uploaded it or the account itself, where the [Capabilities] have it. Gone: it is not there.
	RemoveFile(ctx context.Context, c ConversationID, as UserID, f File) error

	// Parts splits a draft's text into as many texts as posts are needed; one when it fits. No I/O; the same
	// draft always gives the same parts.
	Parts(d Draft) []richtext.Doc
	// Post writes a new message, carrying d.Key. Unsupported with ScopePerson, here and in the other writes: not as this person in
	// this conversation, of which they may be no member; the relay may write it. Unauthorised with ScopePerson: the person's grant is lost.
	// With [Error.Files] it was not posted because these are not there to be shown.
	Post(ctx context.Context, d Draft) (MessageID, error)
	// Expect tells that another process has posted for the account, as Post does of its own posts: it must be read by Run, so that a service that keeps silent about it is
	// found out. It returns at once.
	Expect(c ConversationID, id MessageID)
	// Edit makes an existing post look like the draft, with just its files; the key stays with it. Doing it twice is harmless. As a person
	// it may be one that they wrote themselves: then the draft has no key, and the files that the post has stay.
	Edit(ctx context.Context, id MessageID, d Draft) error
	// Delete removes a post. Gone when it is gone already. Unsupported when replies of others would go along.
	Delete(ctx context.Context, t Target) error
	// React sets (on) or removes the account's reaction. Doing it twice is harmless.
	React(ctx context.Context, t Target, emoji string, on bool) error
	// Find gives every post with the draft's key made since that time, oldest first, deleted ones left out; none,
	// without an error, means that there certainly is none. Draft.As says as whom it was posted; looking needs no right of theirs where the account
	// can see the conversation itself.
	Find(ctx context.Context, d Draft, since time.Time) ([]MessageID, error)
	// Notify tells a person something that nobody else sees; by a direct message where the notice is about no conversation.
	Notify(ctx context.Context, n Notice) error

	// Address gives where people open a message in the service's own program, as its "copy link" does, or the conversation where id is empty; empty where that is
	// not known. It asks nobody.
	Address(c ConversationID, id MessageID) string
	// ReadAddress takes such an address apart, whoever made it; ok is false of any other. Of a conversation's the id is empty. The Channel is empty where the
	// address of a message does not tell it; then no two messages of the server have the same id. It asks nobody, and does not know whether there is such a message.
	ReadAddress(address string) (c ConversationID, id MessageID, ok bool)

	// OpenConversation gives the direct or group conversation of exactly these people. A pair, a conversation with oneself, and a group where
	// the service knows only one of the same people, is found when it exists; else it is made.
	OpenConversation(ctx context.Context, o Opening) (ConversationID, error)
	// Talk asks the service how a direct or group conversation is now. Gone: it cannot be seen, or is a channel.
	Talk(ctx context.Context, c ConversationID) (Talk, error)
	// Topic gives what the service makes of a topic, which it may shorten, for one. It reaches nothing.
	Topic(topic string) string
	// Rename gives a group another topic. Doing it twice is harmless.
	Rename(ctx context.Context, c ConversationID, as UserID, topic string) error
	// LookUp gives a person by id, as remembered.
	LookUp(ctx context.Context, u UserID) (Author, error)
	// Profile asks the service for a user. One who does not exist is no error, but Erased.
	Profile(ctx context.Context, u UserID) (Profile, error)
	// FindUser gives the user whom an operator names: by user name, e-mail address or id. Gone: there is none.
	FindUser(ctx context.Context, name string) (Profile, error)
	// Members gives everybody who can see a conversation, each once.
	Members(ctx context.Context, c ConversationID) ([]UserID, error)
	// Administers says whether a user may decide about a channel of which they are a member: as its owner or administrator, or of what it belongs
	// to. Unsupported: the service does not tell.
	Administers(ctx context.Context, c ConversationID, u UserID) (bool, error)
	// Directory tells found of all users who have changed since the reading that gave this mark; of all users when since is empty. Where
	// the service does not say everything of somebody, only Presence is sure. It gives the mark for the next reading only when
	// this one was complete. Gone: the mark has expired; begin with an empty one.
	Directory(ctx context.Context, since string, found func([]Profile) error) (mark string, err error)
	// Deactivate takes the use of the service away from a user, so that an administrator can give it back. Rejected: not from this
	// one (an administrator, a bot, one whom another directory manages).
	Deactivate(ctx context.Context, u UserID) error

	// SignIn gives the address to which a person's browser is sent, so that they prove who they are. Unsupported: the service
	// does not offer that at present, and who has proven otherwise who they are may be connected all the same. Rejected: without it nobody can be
	// connected at present, and the error's Hint says so in words for the person.
	SignIn(ctx context.Context, s SignIn) (address string, err error)
	// Prove takes the code with which the browser came back. Rejected: this person cannot be connected, and the error's Hint says
	// why and what to do, in words for that person.
	Prove(ctx context.Context, s SignIn, code string) (Proof, error)
	// Empower makes the account able to act as a user, and gives the grant to keep: from the one of a proof, or by its own
	// right. It may be called again after a crash, and leaves nothing behind then that an earlier call has made. Rejected: as Prove.
	Empower(ctx context.Context, u UserID, grant []byte) ([]byte, error)
	// Release gives up acting as a user: it revokes the kept grant at the service, where the service can do that. Gone: it was
	// not good any more.
	Release(ctx context.Context, u UserID) error
	// Discard gives back what is left of connecting that led to nothing: the grant of a proof (may be nil), and what Empower has made for the user.
	// What is kept to act as them stays good. Doing it twice is harmless.
	Discard(ctx context.Context, u UserID, grant []byte) error
	// Verify makes sure that the account can still act as a user, and renews what would end. Unauthorised: it cannot.
	Verify(ctx context.Context, u UserID) error

	// Notifications gives how a user is told of what is said in a conversation, in the service's own word. Gone: they are not in it.
	Notifications(ctx context.Context, u UserID, c ConversationID) (setting string, err error)
	// SetNotifications changes that. Doing it twice is harmless.
	SetNotifications(ctx context.Context, u UserID, c ConversationID, setting string) error

	// Handler answers what comes to addresses below [Env.Hook], which is taken off the request's path; nil: nothing may
	// come. It is asked for once. Requests come at any time, from anybody, and end with their context.
	Handler() http.Handler
	// Status tells how the account stands. It asks nobody and returns at once.
	Status() Status
	// Subscriptions gives those that are needed now, those that do not live first. It asks nobody and returns at once.
	Subscriptions() []Subscription
	// Renew has all subscriptions made or renewed at once, and returns when that has begun; [Bridge.Subscriptions] then tells how it went.
	// Unsupported: there are none now.
	Renew(ctx context.Context) error

	// Close releases what the bridge holds, after Run has returned.
	Close() error
}

// Batch is what a bridge has read from one conversation.
type Batch struct {
	Conversation ConversationID
	// States in the order in which they were made, where the bridge knows it.
	States []State
	// Cursor, when not empty, says how far the conversation has been read without a gap, these states included.
	Cursor string
	// Begin is set together with the first cursor: the service's time from which on messages count. What was
	// created earlier is not carried.
	Begin time.Time
}

// Inbox is where a bridge puts what it reads.
type Inbox interface {
	// Watched gives the conversations to read, and a channel that is closed when that set has changed.
	Watched() ([]ConversationID, <-chan struct{})
	// Cursor gives the last stored cursor; empty when the conversation has not begun: the bridge then puts a
	// Batch with Cursor and Begin at the present.
	Cursor(ctx context.Context, c ConversationID) (string, error)
	// Living gives the messages of a conversation that were made since a time, Causeway's own among them, and of which no
	// deletion has been put: for services that do not list every deletion.
	Living(ctx context.Context, c ConversationID, since time.Time) ([]MessageID, error)
	// Begin gives from when on messages of a conversation without a cursor count: they are read from then on. Zero: from the present.
	Begin(c ConversationID) time.Time
	// Events gives what is carried of what happens to a conversation without being said; a bridge puts no other [Event] of it.
	Events(c ConversationID) []Event
	// Readers gives the connected members of a direct or group conversation, by whose right it may be read; none for channels.
	Readers(c ConversationID) []UserID
	// Observed gives the people whose direct and group conversations are to be noticed, and a channel that is closed when that has changed.
	Observed() ([]Observed, <-chan struct{})
	// Interest tells at once what becomes of what is said in a talk, so that nothing of others is read or decrypted.
	Interest(c ConversationID) Interest
	// Meet tells of a talk that is Unmet, in which somebody spoke although it is Refused, or whose members or topic have changed. It returns
	// when it is known, and stored, what becomes of it: that may take requests to other services, so nothing but this talk should wait for it.
	// What is said after its members have changed, and what is made of earlier messages then, may be put only when Meet has returned: before, it is
	// not known who may see it. After an error nothing is known; try again later, less often each time.
	Meet(ctx context.Context, t Talk) (Interest, error)
	// Lost tells that nothing can be read by an observed person's right, or a reader's, any more: err is Unauthorised with ScopePerson, as of
	// writes. Began is when that was tried: somebody who has connected again since then is not lost.
	Lost(ctx context.Context, u UserID, began time.Time, err error)
	// Put stores states and cursor in one transaction and returns when they are on disk. After an error nothing
	// is stored: the bridge must not acknowledge them to the service and reads them again.
	Put(ctx context.Context, b Batch) error
	// Trouble reports that one conversation cannot be read, or with a nil error that it can again.
	Trouble(c ConversationID, err error)
}
