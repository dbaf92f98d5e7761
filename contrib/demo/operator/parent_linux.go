package operator

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithParent lets the kernel kill the program when the thread that started it ends, as it does when the demonstration itself
// is killed.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// lockThread keeps the goroutine on its thread until the returned function is called.
func lockThread() (unlock func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
