package store

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// hints name the next step for what SQLite says of a file, by its primary result codes (https://sqlite.org/rescode.html).
var hints = map[int]string{
	lib.SQLITE_FULL:     "make room on the disk",
	lib.SQLITE_IOERR:    "look whether the disk has room and is in order",
	lib.SQLITE_READONLY: "make the file and its folder writable",
	lib.SQLITE_CANTOPEN: "make the file and its folder readable and writable",
	lib.SQLITE_PERM:     "make the file and its folder readable and writable",
	lib.SQLITE_BUSY:     "another program has it open and writes: end that, and try again",
	lib.SQLITE_LOCKED:   "another program has it open and writes: end that, and try again",
}

// saying adds the next step to an error of SQLite's. What tells of a damaged file becomes [ErrDamaged].
func saying(err error) error {
	var refusal *driver.Error
	if !errors.As(err, &refusal) {
		return err
	}
	code := refusal.Code() & 0xFF
	if code == lib.SQLITE_CORRUPT || code == lib.SQLITE_NOTADB {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if hint := hints[code]; hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}
