package egress

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
)

// onLoopback is the policy of a developer's laptop.
var onLoopback = Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, PlainHTTP: true}

// authority issues certificates for test servers.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(t, template)
	return a
}

// sign signs template with the authority's key, or with its own if there is none.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// issue returns a certificate for a host, a name or an address, that ends at a
// time relative to now.
func (a *authority) issue(t *testing.T, host string, ends time.Duration) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test server"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(ends),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	cert, key := a.sign(t, template)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serveTLS starts a TLS server on loopback.
func serveTLS(t *testing.T, config *tls.Config, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = config
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // failing handshakes are the point
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// serve starts a plain HTTP server on loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// listen starts a TCP server on loopback that hands each connection to do, and
// returns its address.
func listen(t *testing.T, do func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer conn.Close(); do(conn.(*net.TCPConn)) })
		}
	})
	return l.Addr().String()
}

// answer reads one request and writes the bytes of an answer.
func answer(raw string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = conn.Write([]byte(raw))
		}
	}
}

// reset makes closing the connection send a reset instead of an orderly end.
func reset(conn *net.TCPConn) { _ = conn.SetLinger(0) }

// closedPort returns an address on loopback at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// names is a Resolver. Each lookup of a name takes the next of its answers, the
// last one stays.
type names map[string][][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	answers := n[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n[host] = answers[1:]
	}
	return answers[0], nil
}

func addresses(list ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range list {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs
}

// dials takes down the addresses that a client dials and connects it to a server
// on loopback instead; without one, it refuses.
type dials struct {
	mu     sync.Mutex
	seen   []string
	server string
}

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.seen = append(d.seen, address)
	d.mu.Unlock()
	if d.server == "" {
		return nil, errors.New("refused by the test")
	}
	return (&net.Dialer{}).DialContext(ctx, network, d.server)
}

func (d *dials) list() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.seen, " ")
}

// hourglass is a context that runs out when the test says so.
type hourglass struct {
	context.Context
	out chan struct{}
}

func newHourglass() *hourglass {
	return &hourglass{Context: context.Background(), out: make(chan struct{})}
}

func (h *hourglass) Done() <-chan struct{} { return h.out }

func (h *hourglass) Err() error {
	select {
	case <-h.out:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// onceWritten returns a context that calls do when a request with it has been
// written, after the client has taken note of that.
func onceWritten(ctx context.Context, do func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { do() },
	})
}

// newClient returns a Client that leaves no connection behind.
func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c := New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// get sends a GET and returns the answer, the body of which is closed at the end.
func get(t *testing.T, c *Client, ctx context.Context, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.RoundTrip(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

// failure is what is expected of an *Error.
type failure struct {
	code    callout.Code
	stage   callout.Stage
	sent    bool
	message string // the whole message, or a part of it
}

func (want failure) check(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("error is %T (%v), want *Error", err, err)
	}
	if e.Code != want.code || e.Stage != want.stage || e.Sent != want.sent {
		t.Errorf("got %s at stage %s, sent %t: %s\nwant %s at stage %s, sent %t",
			e.Code, e.Stage, e.Sent, e.Message, want.code, want.stage, want.sent)
	}
	if !strings.Contains(e.Message, want.message) {
		t.Errorf("message is %q, want %q in it", e.Message, want.message)
	}
	for _, sentence := range []string{e.Message, e.Advice} {
		if !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "%!") {
			t.Errorf("%q is not a sentence", sentence)
		}
	}
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
