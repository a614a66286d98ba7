package apis_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/egress"
	"callout/handler/schema"
)

// vendor plays the hosts of an API and of its provider of tokens, on loopback and
// with TLS: it has a certificate for their names, and is the resolver that knows
// them. It checks each request against the next one of its script, and gives the
// answer that stands there.
type vendor struct {
	t     *testing.T
	hosts []string
	port  string
	roots *x509.CertPool

	mu     sync.Mutex
	script []string // requests and answers in turn
	used   []string // credentials that were expected so far
}

func newVendor(t *testing.T, urls []string) *vendor {
	t.Helper()
	v := &vendor{t: t}
	for _, raw := range urls {
		v.hosts = append(v.hosts, hostOf(raw))
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(v.serve))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{v.certificate()}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, v.port, _ = net.SplitHostPort(server.Listener.Addr().String())
	return v
}

// certificate makes one for the hosts, which signs itself.
func (v *vendor) certificate() tls.Certificate {
	v.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: v.hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		v.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		v.t.Fatal(err)
	}
	v.roots = x509.NewCertPool()
	v.roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// LookupNetIP implements egress.Resolver.
func (v *vendor) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if slices.Contains(v.hosts, host) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// authorityOf is what stands between https:// and the path.
func authorityOf(raw string) string {
	authority, _, _ := strings.Cut(strings.TrimPrefix(raw, "https://"), "/")
	return authority
}

func hostOf(raw string) string {
	host, _, _ := strings.Cut(authorityOf(raw), ":")
	return host
}

// withPort puts the port on which the vendor is played into a URL.
func (v *vendor) withPort(raw string) string {
	return strings.Replace(raw, authorityOf(raw), hostOf(raw)+":"+v.port, 1)
}

func (v *vendor) expect(wire []string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.script = slices.Clone(wire)
	for i := 0; i < len(wire); i += 2 {
		request, _ := parseRequest(v.t, wire[i])
		if _, credential, ok := strings.Cut(request.Header.Get("Authorization"), " "); ok {
			v.used = append(v.used, credential)
		}
	}
}

// credentials lists what was sent in Authorization, without the scheme.
func (v *vendor) credentials() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.used)
}

// wantEnd demands that nothing of the script is left.
func (v *vendor) wantEnd() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.script) > 0 {
		v.t.Errorf("%d requests did not come; the first of them is\n%s", len(v.script)/2, v.script[0])
	}
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.script) == 0 {
		v.t.Errorf("nobody expects %s %s", r.Method, r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	v.check(r, string(body), v.script[0])
	answer(v.t, w, v.script[1])
	v.script = v.script[2:]
}

// check compares a request with the one that is expected: JSON by value, all else
// exactly. What the transport adds to every request is not in the script.
func (v *vendor) check(r *http.Request, body, script string) {
	want, wantBody := parseRequest(v.t, script)
	added := http.Header{"Accept-Encoding": {"gzip"}, egress.LoopHeader: {"1"}}
	if wantBody != "" {
		added.Set("Content-Length", fmt.Sprint(len(body)))
	}
	if r.Close {
		added.Set("Connection", "close")
	}
	for name, values := range want.Header {
		added[name] = values
	}
	if r.Method != want.Method || r.RequestURI != want.RequestURI || r.Host != want.Host+":"+v.port {
		v.t.Errorf("received is %s %s%s, want\n%s", r.Method, r.Host, r.RequestURI, script)
	}
	if !reflect.DeepEqual(r.Header, added) {
		v.t.Errorf("received are the headers\n%v, want\n%v", r.Header, added)
	}
	same := body == wantBody
	if want.Header.Get("Content-Type") == "application/json" {
		same = sameJSON(body, wantBody)
	}
	if !same {
		v.t.Errorf("received is the body\n%s\nwant\n%s", body, wantBody)
	}
}

// answer writes an answer as it stands in a script.
func answer(t *testing.T, w http.ResponseWriter, script string) {
	head, body, _ := strings.Cut(script, "\n\n")
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\n\n")), nil)
	if err != nil {
		t.Errorf("%v:\n%s", err, script)
		return
	}
	w.Header()["Content-Type"] = nil // nothing is guessed
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.WriteString(w, body)
}

func parseRequest(t *testing.T, script string) (*http.Request, string) {
	head, body, _ := strings.Cut(script, "\n\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\n\n")))
	if err != nil {
		t.Errorf("%v:\n%s", err, script)
		return &http.Request{}, ""
	}
	return r, body
}

// secretValue finds the secrets of the files.
var secretValue = regexp.MustCompile(placeholder + `[a-z-]+`)

// sameJSON compares two JSON documents by their values, numbers by how they are
// written. Text that is no JSON is only the same as itself.
func sameJSON(a, b string) bool {
	left, errLeft := schema.Parse([]byte(a))
	right, errRight := schema.Parse([]byte(b))
	if errLeft != nil || errRight != nil {
		return a == b
	}
	return reflect.DeepEqual(left, right)
}
