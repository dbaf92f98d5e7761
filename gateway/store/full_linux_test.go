package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"causeway/bridge"
)

// TestAFullDiskIsSurvived needs the right to mount; without it the limit of TestAStoreThatMayNotGrowRefusesAndGoesOn
// stands for the disk.
func TestAFullDiskIsSurvived(t *testing.T) {
	aboutSQLite(t)
	folder := t.TempDir()
	err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=6m")
	if errors.Is(err, syscall.EPERM) {
		s, _ := fresh(t, Options{})
		limit(t, s, 300)
		filled(t, s, func() { limit(t, s, 1_000_000) })
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(folder, "causeway.db"), Options{})
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
	filled(t, s, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}
