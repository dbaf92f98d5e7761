package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// diskFaults are what happens to the disk on which a SQLite store lies. That is a small file system of its own then, which takes the right to mount.
var diskFaults = []*kind{
	{name: "the disk is full", group: ofDatabase, least: 1000, most: 8000, needs: "sqlite root", begin: fillDisk,
		end: func(w *world, _ Fault) { w.must("making room on the disk", os.Remove(w.ballast())) }},
}

// storeFolder is where the database lies, below the folder of the config.
const storeFolder = "store"

// diskSize is far above what the store of a run needs.
const diskSize = "size=256m"

func (w *world) ballast() string { return filepath.Join(w.dir, storeFolder, "ballast") }

// openDisk makes the folder of the database, where it can be as a disk of its own.
func (w *world) openDisk() {
	dir := filepath.Join(w.dir, storeFolder)
	w.must("making the store's folder", os.Mkdir(dir, 0o700))
	if !w.o.root {
		return
	}
	w.must("mounting a disk for the store", syscall.Mount("tmpfs", dir, "tmpfs", 0, diskSize))
	w.tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			w.tb.Errorf("unmounting the store's disk: %v", err)
		}
	})
}

// fillDisk leaves not one byte.
func fillDisk(w *world, _ Fault) {
	f, err := os.OpenFile(w.ballast(), os.O_CREATE|os.O_WRONLY, 0o600)
	w.must("filling the disk", err)
	defer f.Close()
	zeros := make([]byte, 1<<20)
	for size := len(zeros); size > 0; {
		n, err := f.Write(zeros[:size])
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil || n == 0:
			w.must("filling the disk", errors.Join(err, io.ErrShortWrite))
		}
	}
}
