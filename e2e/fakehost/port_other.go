//go:build !unix

package fakehost

import "net"

// reservePort lets the system choose a free loopback port. It cannot keep it.
func reservePort() (port int, release func() error, err error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	port = listener.Addr().(*net.TCPAddr).Port
	return port, func() error { return nil }, listener.Close()
}
