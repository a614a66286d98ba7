//go:build unix

package fakehost

import (
	"fmt"
	"os"
	"syscall"
)

// reservePort lets the system choose a loopback port and keeps it bound without
// listening. The handler can still bind and listen, because both sides set
// SO_REUSEADDR, as every Go listener does. The system gives the port to nobody
// else meanwhile: not before the handler listens, and not between a crash and a
// restart, when even a connection attempt of ours could get the port as its own
// and so be answered by itself.
func reservePort() (port int, release func() error, err error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, nil, fmt.Errorf("no socket for the handler's port: %w", os.NewSyscallError("socket", err))
	}
	port, err = bindLoopback(fd)
	if err != nil {
		_ = syscall.Close(fd)
		return 0, nil, fmt.Errorf("no port for the handler: %w", err)
	}
	held := os.NewFile(uintptr(fd), "the handler's port")
	return port, held.Close, nil
}

func bindLoopback(fd int) (port int, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return address.(*syscall.SockaddrInet4).Port, nil
}
