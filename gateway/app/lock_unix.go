//go:build !windows

package app

import (
	"errors"
	"os"
	"syscall"
)

// openLocked gives errLocked when another process, or another part of this one, holds the file.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, &os.PathError{Op: "lock", Path: path, Err: err}
}

// mayWrite reports whether this process may make files in a folder, without making one.
func mayWrite(folder string) bool {
	const write, search = 2, 1
	return syscall.Access(folder, write|search) == nil
}
