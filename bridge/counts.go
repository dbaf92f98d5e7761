package bridge

// Counts takes the numbers that only a bridge can see, for those who watch Causeway. Its methods return at once and may be called at any time, from
// anywhere. What stands for an operation or an outcome is one of few words, never anything with an id or a name in it.
type Counts interface {
	// Called counts a request to the service: its operation, and the HTTP status of its answer; "ok" for each that is no failure, "none" when
	// there was no answer.
	Called(operation, status string)
	// Notified counts what the service has sent by itself: so many of them, and what became of them.
	Notified(outcome string, n int)
}

// Called counts a request, where somebody counts.
func (e Env) Called(operation, status string) {
	if e.Counts != nil {
		e.Counts.Called(operation, status)
	}
}

// Notified counts what the service has sent, where somebody counts.
func (e Env) Notified(outcome string, n int) {
	if e.Counts != nil && n > 0 {
		e.Counts.Notified(outcome, n)
	}
}

// What becomes of what a service sends by itself.
const (
	// Taken: it is on disk, or only a sign of something that is read.
	Taken = "taken"
	// Postponed: it could not be taken then; the service sends it again, or it is read.
	Postponed = "postponed"
	// Forged: the service does not vouch for it.
	Forged = "forged"
)
