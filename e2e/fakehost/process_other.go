//go:build !linux

package fakehost

import "syscall"

// childAttributes asks for nothing: only Linux ties a child to its parent.
func childAttributes() *syscall.SysProcAttr { return nil }
