package store

import (
	"database/sql"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/mutant"
)

// key gives the key of a part: the one it was tried with before, or a new one for each time that posts of this instance
// were buried.
func (l *lane) key(w *Work, number int) bridge.Key {
	for _, part := range w.Parts {
		if part.Number == number {
			return part.key
		}
	}
	return l.keys.postKey(w.Message.Origin, w.Message.OriginID, l.name, number, w.buried)
}

// intend stores that step is about to be posted. Where that post exists already, made before the store was
// restored, it is adopted instead.
func (l *lane) intend(w *Work, step *Step) (adopted bool, err error) {
	origin := w.Message
	step.Draft.Key = l.key(w, step.Part)
	var orphan sql.NullString
	writer, root, sent := string(step.Draft.As), string(step.Draft.Root), ""
	if w.orphans {
		if _, err := l.found("SELECT id, writer, root FROM orphans WHERE key = $1", []any{string(step.Draft.Key)}, &orphan, &writer, &root); err != nil {
			return false, err
		}
	}
	if step.Part == 0 && (origin.RootID != "" || w.Late) {
		if err := l.exec("UPDATE instances SET unrooted = $1, thread = $2, late = $3 WHERE id = $4", root == "" && origin.RootID != "", root, w.Late, w.Instance); err != nil {
			return false, err
		}
	}
	if writer != "" {
		sent = step.Draft.Text.Hash()
	}
	intent := sql.NullString{String: string(step.Draft.Root), Valid: !orphan.Valid && !mutant.NoIntent}
	if err := l.exec(`INSERT INTO parts (instance, number, conversation, id, key, hash, version, posted, writer, tried, sent, intent, called, addressed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)
		ON CONFLICT (instance, number) DO UPDATE SET id = excluded.id, mixed = CASE WHEN parts.hash <> excluded.hash THEN 1 ELSE parts.mixed END, hash = excluded.hash, version = excluded.version, posted = excluded.posted,
			writer = excluded.writer, tried = CASE excluded.tried WHEN '' THEN parts.tried ELSE excluded.tried END, sent = excluded.sent, shown = '', doubt = '', edited = 0, rewritten = 0,
			intent = excluded.intent, called = excluded.called, addressed = excluded.addressed`,
		w.Instance, step.Part, l.here, orphan, string(step.Draft.Key), step.Hash, origin.Version, time.Now().UnixMilli(), writer, sent, intent, w.SameName, w.addressed()); err != nil || !orphan.Valid {
		return false, err
	}
	// Nobody knows which version it shows, unless there is but one: an empty hash makes the next plan edit it, and what is seen until then is older.
	if err := l.exec("UPDATE parts SET hash = '', version = version - (SELECT CASE WHEN version > 1 OR edited > 0 THEN 1 ELSE 0 END FROM messages WHERE id = $4) WHERE instance = $1 AND number = $2 AND NOT ($3 = 1 AND EXISTS (SELECT 1 FROM messages WHERE id = $4 AND version = 1 AND edited = 0))",
		w.Instance, step.Part, l.former(origin.Created.UnixMilli()) && !w.hasFiles(), origin.id); err != nil {
		return false, err
	}
	return true, l.exec("DELETE FROM orphans WHERE key = $1", string(step.Draft.Key))
}

// mayBeThere reports whether a post may have been made before the store was restored.
func (l *lane) mayBeThere(w *Work, step Step) (bool, error) {
	if !l.former(w.Message.Created.UnixMilli()) {
		return false, nil
	}
	var posted int64
	tried, err := l.found("SELECT posted FROM parts WHERE instance = $1 AND number = $2", []any{w.Instance, step.Part}, &posted)
	return !tried || l.former(posted), err
}

// hasFiles: of one version there may be several texts, as a file that did not cross is a line of it.
func (w *Work) hasFiles() bool { return w.Message.Body != nil && len(w.Message.Body.Files) > 0 }

// lookFirst turns a post that may be there into one of which the outcome is not known, made when its message was. Where that was edited or has files, nobody
// knows which text it shows.
func (l *lane) lookFirst(w *Work, step Step) (*Work, Step, error) {
	if err := l.exec("UPDATE parts SET posted = $1, version = version - (SELECT CASE WHEN version > 1 OR edited > 0 THEN 1 ELSE 0 END FROM messages WHERE id = $2), mixed = (SELECT CASE WHEN version > 1 OR edited > 0 OR $5 = 1 THEN 1 ELSE 0 END FROM messages WHERE id = $2) WHERE instance = $3 AND number = $4",
		w.Message.Created.UnixMilli(), w.Message.id, w.Instance, step.Part, w.hasFiles()); err != nil {
		return nil, Step{}, err
	}
	l.certain = false
	return l.uncertain()
}

// unintend notes that nothing is uncertain about a part any more.
func (t *tx) unintend(instance, number int64) error {
	return t.exec("UPDATE parts SET intent = NULL, addressed = '' WHERE instance = $1 AND number = $2", instance, number)
}

// wasTried tells whether a post of an instance may have been made: one that was in quarantine meanwhile.
func (l *lane) wasTried(w *Work) (bool, error) {
	if !slices.ContainsFunc(w.Parts, func(p Part) bool { return p.ID == "" }) {
		return false, nil
	}
	var one int
	return l.found("SELECT 1 FROM parts p JOIN instances i ON i.id = p.instance WHERE i.id = $1 AND i.reason IS NULL AND p.intent IS NOT NULL AND p.id IS NULL LIMIT 1", []any{w.Instance}, &one)
}

// uncertain gives the step that settles an intent of which the outcome is not known. What is in quarantine is left until it leaves that.
func (l *lane) uncertain() (*Work, Step, error) {
	var instance, number, made int64
	var id, key sql.NullString
	var root, name, addressed, writer string
	for {
		found, err := l.found(`SELECT instance, number, intent, posted, called, addressed, id, key, writer FROM parts WHERE conversation = $1 AND intent IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = parts.instance AND i.reason IS NOT NULL) ORDER BY instance, number LIMIT 1`,
			[]any{l.here}, &instance, &number, &root, &made, &name, &addressed, &id, &key, &writer)
		if err != nil || !found {
			return nil, Step{}, err
		}
		if !id.Valid {
			break
		}
		// The feed has seen it.
		if err := l.unintend(instance, number); err != nil {
			return nil, Step{}, err
		}
	}
	l.on(instance)
	w, err := l.load(instance)
	if err != nil {
		return nil, Step{}, err
	}
	w.SameName = name
	w.readAddressed(addressed) // as it was tried: matches come and go
	draft := bridge.Draft{Conversation: l.name, Root: bridge.MessageID(root), Key: bridge.Key(key.String), As: bridge.UserID(writer)}
	if w.Message.Body != nil {
		draft.Author, draft.Text = w.Message.Body.Author, w.Message.Body.Text
	}
	draft.Anybody = l.former(made)
	return w, Step{Op: Find, Part: int(number), Draft: draft, As: draft.As, Since: time.UnixMilli(made)}, nil
}
