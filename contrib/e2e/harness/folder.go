package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// folderPattern names the folders of the harness below os.TempDir.
	folderPattern = "causeway-e2e-*"
	// ownerLock is locked (flock) by the process that a folder belongs to, for as long as it lives.
	ownerLock = "owner.lock"
)

// folder makes a folder that is removed when tb is over. Unlike testing.TB's TempDir other users may pass through it: PostgreSQL
// refuses to run as root, so it runs as somebody else then. What is in it must be protected by itself.
func folder(tb TB) string {
	tb.Helper()
	removeOrphans()
	dir, err := os.MkdirTemp("", folderPattern)
	if err != nil {
		tb.Fatalf("making a folder for a server: %v", err)
	}
	lock, err := own(dir)
	if err != nil {
		tb.Fatalf("marking %s as ours: %v", dir, err)
	}
	tb.Cleanup(func() {
		defer lock.Close()
		if os.Getenv("E2E_KEEP") != "" {
			tb.Logf("kept: %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("removing the folder of a server: %v", err)
		}
	})
	return dir
}

// own marks dir as belonging to this process until the returned file is closed. The lock is taken before the file gets
// its name, so that nobody ever finds it unlocked while we live.
func own(dir string) (*os.File, error) {
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, ownerLock+".new"), os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, ownerLock)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// removeOrphans removes the folders whose process has died without doing so. Whatever goes wrong is left to the next
// start: another process may be removing the same folder.
func removeOrphans() {
	if os.Getenv("E2E_KEEP") != "" {
		return
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), folderPattern))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if orphaned(dir) {
			_ = os.RemoveAll(dir)
		}
	}
}

// orphaned says whether dir is a folder of this user whose process is gone.
func orphaned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
		return false
	}
	lock, err := os.Open(filepath.Join(dir, ownerLock))
	if err != nil {
		return false
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
