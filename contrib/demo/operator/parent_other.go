//go:build !linux

package operator

import "os/exec"

// endWithParent does nothing: only Linux can end a program with its parent.
func endWithParent(*exec.Cmd) {}

func lockThread() (unlock func()) { return func() {} }
