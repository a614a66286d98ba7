package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"callout/handler/callout"
)

// Resolver looks up the addresses of a host name. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// maxDialled is how many addresses of one name are tried, so that a name with a
// thousand addresses cannot make this service knock at all of them.
const maxDialled = 8

// dialer opens guarded connections for one scheme. Its steps are used one by one
// by Probe, and in a row by the transports. Each step has a time limit of its
// own, and its errors are of type *Error.
type dialer struct {
	policy     *Policy
	scheme     string
	resolver   Resolver
	roots      *x509.CertPool
	limit      time.Duration // for a lookup, and for connecting
	tlsLimit   time.Duration
	dialSocket func(ctx context.Context, network, address string) (net.Conn, error)
}

// newDialer returns the dialer for scheme. Its sockets ask the policy once more
// when they know the address that they connect to, so that no mistake in the
// steps before can open a way around it.
func newDialer(policy *Policy, scheme string, o Options) *dialer {
	d := &dialer{
		policy: policy, scheme: scheme, resolver: o.Resolver, roots: o.RootCAs,
		limit: o.DialTimeout, tlsLimit: o.TLSTimeout,
	}
	d.dialSocket = (&net.Dialer{
		Control: func(_, address string, _ syscall.RawConn) error { return d.guard(address) },
	}).DialContext
	if o.Dial != nil {
		d.dialSocket = func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := d.guard(address); err != nil {
				return nil, err
			}
			return o.Dial(ctx, network, address)
		}
	}
	return d
}

// guard judges the address that a socket is about to connect to.
func (d *dialer) guard(address string) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return refused("The destination is "+string(invalid)+".", "Check the host in the configuration.")
	}
	return d.policy.CheckAddr(addr, d.scheme)
}

// DialContext opens a TCP connection to address, "host:port".
func (d *dialer) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	conn, _, err := d.open(ctx, address)
	return conn, err
}

// DialTLSContext opens a TLS connection to address, "host:port".
func (d *dialer) DialTLSContext(ctx context.Context, _, address string) (net.Conn, error) {
	conn, host, err := d.open(ctx, address)
	if err != nil {
		return nil, err
	}
	at(ctx, callout.StageTLS)
	return d.handshake(ctx, conn, host)
}

// open takes the steps up to a TCP connection, and returns the host of address
// with it.
func (d *dialer) open(ctx context.Context, address string) (net.Conn, string, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, "", err
	}
	at(ctx, callout.StageDNS)
	found, err := d.lookup(ctx, host)
	if err != nil {
		return nil, "", err
	}
	permitted, err := d.permitted(found, host, port)
	if err != nil {
		return nil, "", err
	}
	at(ctx, callout.StageTCP)
	conn, err := d.connect(ctx, permitted)
	return conn, host, err
}

// lookup returns the addresses of host, or host itself if it is an address.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	limited, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	found, err := d.resolver.LookupNetIP(limited, "ip", host)
	if err != nil {
		return nil, stageError(ctx, err, callout.StageDNS)
	}
	// net.Resolver gives IPv4 addresses in their IPv4-mapped form.
	addrs := make([]netip.Addr, 0, len(found))
	for _, a := range found {
		if a = a.Unmap(); !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, Classify(&net.DNSError{IsNotFound: true}, callout.StageDNS, false)
	}
	return addrs, nil
}

// permitted returns those of the addresses of host that may be dialled. If there
// is none, its error says why the first may not.
func (d *dialer) permitted(found []netip.Addr, host string, port uint16) ([]netip.AddrPort, error) {
	subject := "The host name leads to "
	if _, err := netip.ParseAddr(host); err == nil {
		subject = "The destination is "
	}
	var (
		addrs []netip.AddrPort
		first error
	)
	for _, a := range found {
		addr := netip.AddrPortFrom(a, port)
		err := d.policy.checkAddr(addr, d.scheme, subject)
		switch {
		case err == nil:
			addrs = append(addrs, addr)
		case first == nil:
			first = err
		}
	}
	if len(addrs) == 0 {
		return nil, first
	}
	return addrs[:min(len(addrs), maxDialled)], nil
}

// connect dials the addresses in turn until one accepts. Each gets an equal
// share of the time that is left, so that a dead one does not use it all up. The
// error is that of the first address.
func (d *dialer) connect(ctx context.Context, addrs []netip.AddrPort) (net.Conn, error) {
	deadline := time.Now().Add(d.limit)
	var first error
	for i, addr := range addrs {
		share := time.Until(deadline) / time.Duration(len(addrs)-i)
		limited, cancel := context.WithTimeout(ctx, share)
		conn, err := d.dialSocket(limited, "tcp", addr.String())
		cancel()
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, stageError(ctx, first, callout.StageTCP)
}

// handshake makes conn a TLS connection to host, and closes conn if it cannot.
func (d *dialer) handshake(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, d.tlsLimit)
	defer cancel()
	secured := tls.Client(conn, &tls.Config{
		ServerName: host, // crypto/tls takes a trailing dot off itself
		RootCAs:    d.roots,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
	})
	if err := secured.HandshakeContext(limited); err != nil {
		_ = conn.Close()
		return nil, stageError(ctx, err, callout.StageTLS)
	}
	return secured, nil
}

// stageError classifies the error of a step. A time-out is the caller's if ctx
// is done, or else that of the step itself, which blames the server.
func stageError(ctx context.Context, err error, stage callout.Stage) *Error {
	if done := ctx.Err(); done != nil {
		return Classify(done, stage, false)
	}
	if timedOut(err) {
		e := connectionError(err, stage)
		e.Stage = stage
		return &e
	}
	return Classify(err, stage, false)
}

// splitAddress splits what net/http passes to a dialer.
func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, errSyntax
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, errPortForm
	}
	return host, uint16(number), nil
}
