package store

// unedited is what was known of a part that was written as a person before it was begun to be edited.
type unedited struct {
	hash               string
	sent, shown, doubt string
	rewritten          bool
	made               int64
	// begun is what was sent and shown from then on, as [lane.begin] notes it.
	begun struct{ sent, shown string }
}

// remembers keeps what is known of a part that is about to be edited as a person.
func (l *lane) remembers(w *Work, step *Step) error {
	b := new(unedited)
	found, err := l.found("SELECT hash, sent, shown, doubt, rewritten, written FROM parts WHERE instance = $1 AND number = $2", []any{w.Instance, step.Part},
		&b.hash, &b.sent, &b.shown, &b.doubt, &b.rewritten, &b.made)
	if err != nil || !found {
		return err
	}
	switch b.begun.sent = step.Draft.Text.Hash(); {
	case b.sent != b.begun.sent:
	case b.doubt != "":
		b.begun.shown = b.doubt
	default:
		b.begun.shown = b.shown
	}
	step.before = b
	return nil
}

// unmade notes that an edit was not made. Then it is as if it had not been begun, so that what a person writes there before it is tried again counts as theirs; unless another text was
// seen meanwhile. Where it may have been made all the same, it is known when at the latest: what is newer is a person's.
func (l *lane) unmade(o *Outcome) error {
	b := o.Step.before
	switch {
	case b == nil:
		return nil
	case o.Unsure:
		return l.exec("UPDATE parts SET written = $1 WHERE instance = $2 AND number = $3", millis(o.At), o.Work.Instance, o.Step.Part)
	}
	return l.exec(`UPDATE parts SET hash = $1, sent = $2, shown = $3, doubt = $4, rewritten = $5, written = $6
		WHERE instance = $7 AND number = $8 AND hash = '' AND sent = $9 AND shown = $10 AND doubt = ''`,
		b.hash, b.sent, b.shown, b.doubt, b.rewritten, b.made, o.Work.Instance, o.Step.Part, b.begun.sent, b.begun.shown)
}
