package whole_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"

	"callout/e2e/whole"
	"callout/handler/egress"
	"callout/handler/localstore"
	"callout/handler/store"
)

// addresses is a resolver that has the same answer for every name.
type addresses []netip.Addr

// LookupNetIP implements egress.Resolver.
func (a addresses) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return a, nil }

// A configuration is stored, called, and found again wherever it leaves
// something.
func TestProgramIsWiredAsAWhole(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	t.Cleanup(upstream.Close)
	var dialled string
	p := whole.New(t, localstore.Open, whole.Options{Egress: egress.Options{
		RootCAs:  upstream.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		Resolver: addresses{netip.MustParseAddr("93.184.215.14")},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = address
			return (&net.Dialer{}).DialContext(ctx, network, upstream.Listener.Addr().String())
		},
	}})
	want(t, p, http.StatusCreated, "PUT", "/api/configs/hello", `{"endpoint": "https://example.com/", "method": "GET",
		"auth": {"type": "bearer", "token": "canary-token"}, "approval": "none"}`, "")
	want(t, p, http.StatusOK, "POST", "/api/execute/hello", `{}`, `"hello"`)
	want(t, p, http.StatusOK, "GET", "/api/executions", "", `"succeeded"`)
	want(t, p, http.StatusOK, "GET", "/api/health", "", "")
	if _, err := p.Sweeper.Run(context.Background()); err != nil {
		t.Errorf("the sweep: %v", err)
	}
	if dialled != "93.184.215.14:443" {
		t.Errorf("dialled %q", dialled)
	}
	if row, err := p.Table(store.Configs).Get(context.Background(), "config", "hello"); err != nil || len(row.Data) == 0 {
		t.Errorf("the row of the configuration: %s, %v", row.Data, err)
	}
	if names, err := p.Vault.Names(context.Background()); err != nil || len(names) == 0 {
		t.Errorf("the secrets: %q, %v", names, err)
	}
	if files, err := os.ReadDir(p.DataDir); err != nil || len(files) == 0 {
		t.Errorf("the files: %v, %v", files, err)
	}
	if out, errs := p.Logs(); !strings.Contains(out, `"executed"`) || errs != "" {
		t.Errorf("the log:\n%s\nand\n%s", out, errs)
	}
}

func want(t *testing.T, p *whole.Program, status int, method, path, body, part string) {
	t.Helper()
	got, header, answer := p.Do(method, path, body)
	if got != status || !strings.Contains(answer, part) {
		t.Fatalf("%s %s: status %d, want %d with %q\n%s", method, path, got, status, part, answer)
	}
	if header.Get("X-Callout-Request-Id") == "" {
		t.Errorf("%s %s has no id", method, path)
	}
}

func TestHeadersAreSent(t *testing.T) {
	p := whole.New(t, localstore.Open, whole.Options{})
	if status, _, answer := p.Do("GET", "/api/configs", "", "Sec-Fetch-Site", "cross-site"); status != http.StatusOK {
		t.Errorf("a GET from another site: %d %s", status, answer)
	}
	if status, _, answer := p.Do("POST", "/api/configs", "{}", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a POST from another site: %d %s", status, answer)
	}
}
