package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"causeway/bridge"
)

// FileState is how far a file has come on its way into a conversation.
type FileState int

// The states of a file.
const (
	// FileMoving: it is being carried.
	FileMoving FileState = iota
	// FileThere: it is there, and the post that shows it may be made.
	FileThere
	// FileLeft: it cannot cross; a line in the text stands for it.
	FileLeft
	// FileLeaving: it is not wanted any more and is to be removed.
	FileLeaving
)

// File is a file of a message on its way into one of its instances.
type File struct {
	// Origin is how it is where it was said; Size and Type once it has been opened.
	Origin bridge.File
	State  FileState
	// Writer is as whom it is uploaded; Able, whether Causeway can act as them now.
	Writer bridge.UserID
	Able   bool
	// Resume is how the next attempt goes on.
	Resume string
	// Here is what the upload gave.
	Here bridge.File
	// Reason says why it does not cross.
	Reason string

	id int64
}

// mostLost is how often a file is carried anew because it was not there any more when it was to be shown.
const mostLost = 3

// loadFiles reads the files of an instance that may have some.
func (l *lane) loadFiles(w *Work) error {
	m := &w.Message
	if w.IsOrigin || !m.Deleted && (m.Body == nil || len(m.Body.Files) == 0 && m.Version == 1) {
		return nil
	}
	return l.each(`SELECT f.id, f.file, f.origin, f.state, f.writer, f.writer = '' OR COALESCE(i.state, -1) = 0, f.resume, f.reference, f.reason
		FROM files f LEFT JOIN identities i ON f.writer <> '' AND i.server = $2 AND i.uid = f.writer WHERE f.instance = $1 ORDER BY f.id`,
		[]any{w.Instance, string(l.name.Server)}, func(rows *sql.Rows) error {
			var f File
			var file string
			var origin, here, resume []byte
			if err := rows.Scan(&f.id, &file, &origin, &f.State, (*string)(&f.Writer), &f.Able, &resume, &here, &f.Reason); err != nil {
				return err
			}
			seal := fileSeal{l.keys, w.Instance, file}
			if err := seal.open("origin", origin, &f.Origin); err != nil {
				return err
			}
			if here != nil {
				if err := seal.open("reference", here, &f.Here); err != nil {
					return err
				}
			}
			if resume != nil {
				if err := seal.open("resume", resume, &f.Resume); err != nil {
					return err
				}
			}
			w.Files = append(w.Files, f)
			return nil
		})
}

// fileSeal seals what is kept of a file: its name, where it lies, and addresses that give access.
type fileSeal struct {
	keys     Keys
	instance int64
	file     string
}

// sealedFile is the account under which files are sealed; no account is called so.
const sealedFile = "file"

func (s fileSeal) name(column string) string { return fmt.Sprint(column, " ", s.instance, " ", s.file) }

func (s fileSeal) seal(column string, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return s.keys.sealed(sealedFile, s.name(column), text), nil
}

func (s fileSeal) open(column string, sealed []byte, into any) error {
	text, err := s.keys.opened(sealedFile, s.name(column), sealed)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("opening what is stored of a file: %w", err)
	}
	return nil
}

// FileProgress stores how the next attempt to carry a file goes on. It returns when that is on disk.
func (s *Store) FileProgress(ctx context.Context, instance int64, f File) error {
	return s.do(ctx, func(t *tx) error {
		id, err := t.wantFile(instance, f)
		if err != nil {
			return err
		}
		resume, err := fileSeal{t.keys, instance, f.Origin.ID}.seal("resume", f.Resume)
		if err != nil {
			return err
		}
		return t.exec("UPDATE files SET resume = $1 WHERE id = $2 AND state = 0", resume, id)
	})
}

// wantFile gives the row of a file that is to cross as a writer. One that was carried as somebody else is of no use: only its
// uploader can show it.
func (t *tx) wantFile(instance int64, f File) (id int64, err error) {
	origin, err := fileSeal{t.keys, instance, f.Origin.ID}.seal("origin", f.Origin)
	if err != nil {
		return 0, err
	}
	if err := t.exec("UPDATE files SET state = 3 WHERE instance = $1 AND file = $2 AND state < 2 AND writer <> $3", instance, f.Origin.ID, string(f.Writer)); err != nil {
		return 0, err
	}
	if err := t.exec("DELETE FROM files WHERE instance = $1 AND file = $2 AND state = 3 AND reference IS NULL", instance, f.Origin.ID); err != nil {
		return 0, err
	}
	found, err := t.found("UPDATE files SET origin = $1 WHERE instance = $2 AND file = $3 AND state < 3 RETURNING id", []any{origin, instance, f.Origin.ID}, &id)
	t.wrote = true
	if found || err != nil {
		return id, err
	}
	return t.insert("INSERT INTO files (instance, file, origin, state, writer) VALUES ($1, $2, $3, 0, $4) RETURNING id", instance, f.Origin.ID, origin, string(f.Writer))
}

// carried notes how an attempt to carry a file has ended.
func (l *lane) carried(o *Outcome) error {
	f := o.Step.File
	switch o.Verdict {
	case Absent:
		return nil
	case NotAs:
		return l.exec("UPDATE instances SET relayed = 1 WHERE id = $1", o.Work.Instance)
	case Refused:
		f.Reason = o.Reason
		return l.leave(o.Work, f)
	}
	id, err := l.wantFile(o.Work.Instance, f)
	if err != nil {
		return err
	}
	here, err := fileSeal{l.keys, o.Work.Instance, f.Origin.ID}.seal("reference", f.Here)
	if err != nil {
		return err
	}
	return l.exec("UPDATE files SET state = 1, resume = NULL, reference = $1 WHERE id = $2", here, id)
}

// leave notes that a file does not cross, and has its author told.
func (l *lane) leave(w *Work, f File) error {
	id, err := l.wantFile(w.Instance, f)
	if err != nil {
		return err
	}
	if err := l.exec("UPDATE files SET state = 2, resume = NULL, reason = $1 WHERE id = $2", f.Reason, id); err != nil {
		return err
	}
	return l.warn(w.Message, "Your file "+f.Origin.Name+" did not reach everybody: "+f.Reason+". The message says so there.")
}

// lostFiles notes that files were not there any more when they were to be shown: they are carried anew, but not for ever.
func (l *lane) lostFiles(o *Outcome) error {
	for _, f := range o.Work.Files {
		for _, id := range o.Lost {
			if f.State != FileThere || f.Here.ID != id {
				continue
			}
			var lost int
			if err := l.row("UPDATE files SET state = 0, resume = NULL, reference = NULL, lost = lost + 1 WHERE id = $1 RETURNING lost", f.id).Scan(&lost); err != nil {
				return err
			}
			l.wrote = true
			if lost > mostLost {
				f.Reason = "it was removed again and again before it could be shown"
				if err := l.leave(o.Work, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// discarded notes that a copied file was removed, or cannot be.
func (l *lane) discarded(o *Outcome) error {
	if o.Verdict == Absent {
		return nil
	}
	return l.exec("DELETE FROM files WHERE id = $1", o.Step.File.id)
}

// recalledFiles gives the files of a message as its instances know them, for when the origin cannot tell them.
func (t *tx) recalledFiles(message int64) ([]bridge.File, error) {
	var all []bridge.File
	known := map[string]bool{}
	err := t.each("SELECT f.instance, f.file, f.origin FROM files f JOIN instances i ON i.id = f.instance WHERE i.message = $1 AND f.state < 3 ORDER BY f.id", []any{message}, func(rows *sql.Rows) error {
		seal := fileSeal{keys: t.keys}
		var sealed []byte
		var f bridge.File
		if err := rows.Scan(&seal.instance, &seal.file, &sealed); err != nil {
			return err
		}
		if err := seal.open("origin", sealed, &f); err != nil {
			return err
		}
		if !known[f.ID] {
			known[f.ID] = true
			all = append(all, f)
		}
		return nil
	})
	return all, err
}

// resealFiles opens and seals what is kept of files, and tells how much that was. What is on its way begins anew.
func (t *tx) resealFiles() (n int, err error) {
	type row struct {
		id                int64
		seal              fileSeal
		origin, reference []byte
	}
	var all []row
	err = t.each("SELECT id, instance, file, origin, reference FROM files", nil, func(rows *sql.Rows) error {
		r := row{seal: fileSeal{keys: t.keys}}
		err := rows.Scan(&r.id, &r.seal.instance, &r.seal.file, &r.origin, &r.reference)
		all = append(all, r)
		return err
	})
	if err != nil {
		return 0, err
	}
	again := func(r row, column string, sealed []byte) ([]byte, error) {
		if sealed == nil {
			return nil, nil
		}
		n++
		var value bridge.File
		if err := r.seal.open(column, sealed, &value); err != nil {
			return nil, err
		}
		return r.seal.seal(column, value)
	}
	for _, r := range all {
		origin, err := again(r, "origin", r.origin)
		if err != nil {
			return 0, err
		}
		reference, err := again(r, "reference", r.reference)
		if err != nil {
			return 0, err
		}
		if err := t.exec("UPDATE files SET origin = $1, reference = $2, resume = NULL WHERE id = $3", origin, reference, r.id); err != nil {
			return 0, err
		}
	}
	return n, nil
}
