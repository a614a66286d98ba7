package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

// The name leads to a public address first and to loopback from then on. One
// request makes one lookup, and dials what that gave.
func TestRebindingNameIsDialledWhereItWasChecked(t *testing.T) {
	resolver := names{"rebind.example": {addresses("93.184.215.14"), addresses("127.0.0.1")}}
	dialled := &dials{}
	c := newClient(t, Options{Resolver: resolver, Dial: dialled.dial})

	_, err := get(t, c, context.Background(), "https://rebind.example/")
	failure{code: callout.ConnectFailed, stage: callout.StageTCP}.check(t, err)
	_, err = get(t, c, context.Background(), "https://rebind.example/")
	failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy,
		message: "The host name leads to a loopback address"}.check(t, err)
	if dialled.list() != "93.184.215.14:443" {
		t.Errorf("dialled %q, want the public address once", dialled.list())
	}
}

func TestOnlyPermittedAddressesAreDialled(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  Policy
		url     string
		leadsTo []netip.Addr
		dialled string
	}{
		{"refused ones are skipped", Policy{}, "https://api.example.com/",
			addresses("10.0.0.1", "93.184.215.14", "::1", "2606:2800::1"), "93.184.215.14:443 [2606:2800::1]:443"},
		{"what net.Resolver gives for IPv4", Policy{}, "https://api.example.com/",
			addresses("::ffff:93.184.215.14", "::ffff:93.184.215.14"), "93.184.215.14:443"},
		{"a mapped private address", Policy{}, "https://api.example.com/",
			addresses("::ffff:10.0.0.1"), ""},
		{"another port for allowed addresses only", Policy{Allow: prefixes("10.0.0.0/8")}, "https://erp.example.com:8443/",
			addresses("93.184.215.14", "10.0.0.1"), "10.0.0.1:8443"},
		{"plain http for allowed addresses only", Policy{Allow: prefixes("10.0.0.0/8"), PlainHTTP: true}, "http://erp.example.com/",
			addresses("93.184.215.14", "10.0.0.1"), "10.0.0.1:80"},
		{"no more than eight", Policy{}, "https://api.example.com/",
			addresses("93.0.0.1", "93.0.0.2", "93.0.0.3", "93.0.0.4", "93.0.0.5", "93.0.0.6", "93.0.0.7", "93.0.0.8", "93.0.0.9"),
			"93.0.0.1:443 93.0.0.2:443 93.0.0.3:443 93.0.0.4:443 93.0.0.5:443 93.0.0.6:443 93.0.0.7:443 93.0.0.8:443"},
		{"an address is not looked up", Policy{}, "https://93.184.215.14/", nil, "93.184.215.14:443"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := mustURL(t, test.url)
			dialled := &dials{}
			c := newClient(t, Options{Policy: test.policy, Resolver: names{u.Hostname(): {test.leadsTo}}, Dial: dialled.dial})
			if _, err := get(t, c, context.Background(), test.url); err == nil {
				t.Fatal("the request went through")
			}
			if dialled.list() != test.dialled {
				t.Errorf("dialled %q, want %q", dialled.list(), test.dialled)
			}
		})
	}
}

// The socket asks for itself, whatever the steps before it let through.
func TestSocketRefusesByItself(t *testing.T) {
	reached := make(chan struct{}, 1)
	address := listen(t, func(*net.TCPConn) { reached <- struct{}{} })
	for scheme, lane := range New(Options{}).lanes {
		_, err := lane.dialer.dialSocket(context.Background(), "tcp", address)
		failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy,
			message: "a loopback address"}.check(t, Classify(err, callout.StageTCP, false))
		_, err = lane.dialer.dialSocket(context.Background(), "tcp", strings.Replace(address, "127.0.0.1", "[::ffff:127.0.0.1]", 1))
		failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy}.check(t, Classify(err, callout.StageTCP, false))
		if len(reached) > 0 {
			t.Errorf("%s: the server was reached", scheme)
		}
	}
}

// A dial that a test puts in the place of the socket is given what may be dialled,
// and nothing else.
func TestDialInPlaceOfASocketIsGuarded(t *testing.T) {
	dialled := &dials{}
	for scheme, lane := range New(Options{Policy: onLoopback, Dial: dialled.dial}).lanes {
		for _, address := range []string{"10.0.0.1:443", "169.254.169.254:80", "[::ffff:127.0.0.1]:443", "api.example.com:443", "127.0.0.1"} {
			_, err := lane.dialer.dialSocket(context.Background(), "tcp", address)
			failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy}.check(t, err)
		}
		if dialled.list() != "" {
			t.Errorf("%s: dialled %q", scheme, dialled.list())
		}
	}
	_, _ = New(Options{Policy: onLoopback, Dial: dialled.dial}).lanes["http"].dialer.dialSocket(context.Background(), "tcp", "127.0.0.1:80")
	if dialled.list() != "127.0.0.1:80" {
		t.Errorf("dialled %q, want what may be dialled", dialled.list())
	}
}

func TestNextAddressIsTriedIfOneIsDead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	resolver := names{"api.example.com": {addresses("127.0.0.2", "127.0.0.1")}} // the server listens on the second only
	c := newClient(t, Options{Policy: onLoopback, Resolver: resolver})
	resp, err := get(t, c, context.Background(), strings.Replace(s.URL, "127.0.0.1", "api.example.com", 1))
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("got %v, %v, want the answer of the second address", resp, err)
	}
}

// resolveWith returns a real resolver that asks a name server on loopback. It
// answers with what reply makes of a query, or not at all for nil.
func resolveWith(t *testing.T, reply func(query []byte) []byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for buf := make([]byte, 1024); ; {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := reply(bytes.Clone(buf[:n])); answer != nil {
				_, _ = server.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// rcode answers every query with a DNS status: the query itself with the bit for
// "response" and the code set (RFC 1035, section 4.1.1).
func rcode(code byte) func([]byte) []byte {
	return func(query []byte) []byte {
		query[2] |= 0x80
		query[3] = code
		return query
	}
}

func TestLookupFailures(t *testing.T) {
	for _, test := range []struct {
		name     string
		resolver Resolver
		want     failure
	}{
		{"NXDOMAIN", resolveWith(t, rcode(3)), failure{message: "does not exist"}},
		{"SERVFAIL", resolveWith(t, rcode(2)), failure{message: "could not be looked up"}},
		{"no addresses", names{"api.example.com": {nil}}, failure{message: "does not exist"}},
		{"silence", resolveWith(t, func([]byte) []byte { return nil }), failure{message: "did not answer in time"}},
		{"something else", resolverFunc(func(context.Context) error { return errors.New("broken") }), failure{message: "could not be looked up"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, Options{Resolver: test.resolver, DialTimeout: shortIf(test.name == "silence")})
			_, err := get(t, c, context.Background(), "https://api.example.com/")
			test.want.code, test.want.stage = callout.DNSFailed, callout.StageDNS
			test.want.check(t, err)
		})
	}
}

type resolverFunc func(context.Context) error

func (f resolverFunc) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return nil, f(ctx)
}

// shortIf returns a time limit that is over soon for what never ends by itself,
// or else the default.
func shortIf(short bool) time.Duration {
	if short {
		return 20 * time.Millisecond
	}
	return 0
}

func TestConnectTimeout(t *testing.T) {
	dead := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
	}
	c := newClient(t, Options{Policy: onLoopback, DialTimeout: shortIf(true), Dial: dead})
	_, err := get(t, c, context.Background(), "http://127.0.0.1/")
	failure{code: callout.ConnectFailed, stage: callout.StageTCP, message: "did not accept the connection in time"}.check(t, err)
}

// Addresses share the time: the first, if it is dead, must not use up that of
// the second.
func TestAddressesShareTheTime(t *testing.T) {
	resolver := names{"api.example.com": {addresses("93.0.0.1", "93.0.0.2")}}
	var ends []time.Time
	start := time.Now()
	dead := func(ctx context.Context, _, _ string) (net.Conn, error) {
		end, _ := ctx.Deadline()
		ends = append(ends, end)
		return nil, errors.New("dead")
	}
	c := newClient(t, Options{Resolver: resolver, DialTimeout: time.Hour, Dial: dead})
	_, _ = get(t, c, context.Background(), "https://api.example.com/")
	if len(ends) != 2 || ends[0].Sub(start) > 40*time.Minute || ends[1].Sub(start) < 50*time.Minute {
		t.Errorf("started at %v, deadlines of an hour are %v", start, ends)
	}
}

// The call's own time may end in every step of connecting: then that is what is
// said, and the stage in which it happened.
func TestCallEndsWhileConnecting(t *testing.T) {
	started := make(chan struct{}, 1)
	wait := func(ctx context.Context) error {
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	silent := listen(t, func(conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 1)) // the handshake has begun
		started <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	dead := func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, wait(ctx) }
	for _, test := range []struct {
		stage   callout.Stage
		url     string
		options Options
	}{
		{callout.StageDNS, "https://api.example.com/", Options{Resolver: resolverFunc(wait)}},
		{callout.StageTCP, "https://127.0.0.1/", Options{Dial: dead}},
		{callout.StageTLS, "https://" + silent + "/", Options{}},
	} {
		t.Run(string(test.stage), func(t *testing.T) {
			test.options.Policy = onLoopback
			c := newClient(t, test.options)
			ctx := newHourglass()
			go func() { <-started; close(ctx.out) }()
			_, err := get(t, c, ctx, test.url)
			failure{code: callout.TimedOut, stage: test.stage, message: "within its time limit"}.check(t, err)
		})
	}
}
