package store

import (
	"cmp"
	"time"

	"causeway/bridge"
)

// Op is what a step does.
type Op int

// The steps a lane can take.
const (
	// Settled: nothing is lacking.
	Settled Op = iota
	// Post makes a part that does not exist.
	Post
	// Find settles a post whose answer is unknown.
	Find
	// Edit changes a part.
	Edit
	// Blank edits a part whose message was deleted but which its replies need.
	Blank
	// Delete removes a part.
	Delete
	// React sets an emoji, Unreact removes one.
	React
	Unreact
	// Quote fetches the missing root at the origin.
	Quote
	// Stray deletes a second copy.
	Stray
	// Tell gives a person a notice.
	Tell
	// Look reads the present state of a part before it is changed, or where a reaction is unclear.
	Look
	// Recall reads author and files at the origin.
	Recall
	// Carry brings a file into the conversation, before the post that shows it.
	Carry
	// Discard removes a copied file that is not shown any more.
	Discard
	// Leave notes that a file does not cross; the store does it at once.
	Leave
	// Refuse quarantines what cannot be planned; the store does it at once.
	Refuse
	// Stay tells the author that their message cannot be deleted at its origin; the store does it at once.
	Stay
	// Line has the account itself say something.
	Line
	// Deny gives up carrying a message here, Hold waits for its author; the store does both at once.
	Deny
	Hold
	// Withdraw takes back what was shown to a person by a direct message: Notice tells to whom, and under which key.
	Withdraw
)

// Step is the next thing that a lane does. The fields that count depend on Op.
type Step struct {
	Op    Op
	Part  int
	ID    bridge.MessageID
	Draft bridge.Draft
	Hash  string
	// Whole: the post shows all of its message.
	Whole bool
	// As is who acts, as in Draft. Seen: what becomes of a post is told by the feed.
	As   bridge.UserID
	Seen bool
	// Account is by which Causeway acts as them: where a server has several, it may be another than the conversation's. The store
	// fills it in.
	Account bridge.AccountName
	// Before, of Look: as whom the post is edited next, unless it shows something new. It is looked at when that may be done at once, by Account.
	Before bridge.UserID
	Emoji  string
	Keep   bool      // Stray: it cannot be deleted, so blank it
	Await  bool      // Settled: a reaction of somebody who is lost cannot be set, which it can when they have connected again
	Since  time.Time // Find, Line, Withdraw: when the intent was made; of a line zero at first. Look: when a reaction was last changed; zero where it is about a text
	Tried  time.Time // Withdraw: when it was told, or that was tried last
	Reason string    // Refuse: why
	Told   string    // Refuse: see Outcome.Told
	Notice bridge.Notice
	Ask    bool   // Tell: with a button to connect
	Denial Denial // why something is not carried, of Deny, and who is told that, of each
	// File is what Carry, Discard and Leave are about; Beside, for Carry, what the same post shows and is there already.
	File   File
	Beside []bridge.File

	before *unedited
	notice int64
	folded int64 // Tell: how many more the notice stands for
	about  noticeAbout
}

// Writer is as whom the step is made; empty: the account itself.
func (s Step) Writer() bridge.UserID { return cmp.Or(s.As, s.Draft.As) }

func (s Step) mark() Mark { return Mark{s.Emoji, s.As} }

// Verdict is how a step ended.
type Verdict int

// The verdicts.
const (
	// Done: it took effect.
	Done Verdict = iota
	// Absent: Find saw no such post, or the attempt certainly had no effect. It will be planned anew.
	Absent
	// Vanished: the target does not exist any more.
	Vanished
	// Refused: the service will not do it, now or ever. A post or edit is quarantined, a reaction dropped.
	Refused
	// NoDelete: the post cannot be deleted; it is to be blanked.
	NoDelete
	// NoEdit: the post cannot be edited any more; what changes is said in a reply.
	NoEdit
	// Rootless: what it answers is gone there; it will be posted without.
	Rootless
	// NotAs: the service does not take it from its author; the relay will post it.
	NotAs
	// Fileless: it was not posted or changed, since files that it shows are not there any more.
	Fileless
	// Unknown, of a post: it will be looked for.
	Unknown
)

// Outcome is what a step has led to.
type Outcome struct {
	Work    *Work
	Step    Step
	Verdict Verdict
	// IDs are the posts made or found; a second one is a double and will be deleted.
	IDs []bridge.MessageID
	// Quote is what the steps Quote and Recall have fetched.
	Quote Body
	// State is what Look has seen, nil when there is nothing to see; Routes are those of its conversation.
	State  *bridge.State
	Routes Routes
	// Reason says why it was refused; shown to operator and author.
	Reason string
	// At is when an edit was made at the latest, by the service's clock; zero: that is not known.
	At time.Time
	// Unsure, of an edit with Absent: it may have been made all the same, at the latest At.
	Unsure bool
	// Told says the same to the author: what follows on "Your message", without a full stop.
	Told string
	// Lost are the files here that are not there any more.
	Lost []string
	// Due is when a notice that could not be given, or taken back, may be tried again; with Absent.
	Due time.Time
	// Failed is what has failed of instances since that was last stored. An outcome of the step Settled holds nothing else.
	Failed []Failure
}
