package store

// unedited is what was known of a part that was written as a person before it was begun to be edited.
type unedited struct {
	hash               string
	sent, shown, doubt string
	rewritten          bool
	made, revision     int64
}

// remembers keeps what is known of a part that is about to be edited as a person.
func (l *lane) remembers(w *Work, step *Step) error {
	b := new(unedited)
	found, err := l.found("SELECT hash, sent, shown, doubt, rewritten, written, revision FROM parts WHERE instance = $1 AND number = $2", []any{w.Instance, step.Part},
		&b.hash, &b.sent, &b.shown, &b.doubt, &b.rewritten, &b.made, &b.revision)
	if found {
		step.before = b
	}
	return err
}

// unmade notes that an edit was not made. Then it is as if it had not been begun, so that what a person writes there before it is tried again counts as theirs; unless something was
// seen meanwhile. Where it may have been made all the same, it is known when at the latest: what is newer is a person's.
func (l *lane) unmade(o *Outcome) error {
	b := o.Step.before
	switch {
	case b == nil:
		return nil
	case o.Unsure:
		return l.exec("UPDATE parts SET written = $1 WHERE instance = $2 AND number = $3", millis(o.At), o.Work.Instance, o.Step.Part)
	}
	return l.exec("UPDATE parts SET hash = $1, sent = $2, shown = $3, doubt = $4, rewritten = $5, written = $6 WHERE instance = $7 AND number = $8 AND revision = $9",
		b.hash, b.sent, b.shown, b.doubt, b.rewritten, b.made, o.Work.Instance, o.Step.Part, b.revision)
}
