package fakehost

import "syscall"

// childAttributes has the kernel kill the handler when this process dies, even
// by a signal or a test's time-out, when nothing of ours can run any more.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
