package egress

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
)

// row is one line of testdata/ssrf.txt, the columns of which are named there.
type row struct{ verdict, stage, kind, input, extra, note string }

// rows returns the rows of one kind. There must be some.
func rows(t *testing.T, kind string) []row {
	t.Helper()
	data, err := os.ReadFile("testdata/ssrf.txt")
	if err != nil {
		t.Fatal(err)
	}
	var found []row
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || f[2] != kind {
			continue
		}
		found = append(found, row{f[0], f[1], f[2], unquote(t, f[3]), unquote(t, f[4]), f[5]})
	}
	if len(found) == 0 {
		t.Fatalf("no rows of kind %s", kind)
	}
	return found
}

func unquote(t *testing.T, quoted string) string {
	t.Helper()
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	return s
}

// corpusPolicy is the one that the corpus assumes.
var corpusPolicy = Policy{OwnHosts: []string{"myapp.azurewebsites.net"}}

func TestCorpusURLs(t *testing.T) {
	for _, r := range rows(t, "url") {
		t.Run(r.note+" "+r.input, func(t *testing.T) {
			u, err := corpusPolicy.CheckURL(r.input)
			if r.verdict == "ALLOW" {
				if err != nil || u.String() != r.input {
					t.Fatalf("got %v, %v, want the URL as it was given", u, err)
				}
				return
			}
			want := failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy}
			if r.stage != "ip" {
				want.check(t, err)
				return
			}
			// The address has to be refused for what it is, also when it is dialled.
			host := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(r.input, "https://"), "/"), "[]")
			addr := netip.AddrPortFrom(netip.MustParseAddr(host), 443)
			want.message = string(classify(addr.Addr()))
			want.check(t, err)
			want.check(t, corpusPolicy.CheckAddr(addr, "https"))
		})
	}
}

// Every answer of the resolver gets a request of its own, and only addresses
// that pass by themselves are ever dialled.
func TestCorpusNames(t *testing.T) {
	for _, r := range rows(t, "dns") {
		t.Run(r.note, func(t *testing.T) {
			resolver, dialled := names{}, &dials{}
			var want []string
			answers := strings.Split(r.extra, ";")
			for _, a := range answers {
				addr := netip.MustParseAddr(a)
				resolver[r.input] = append(resolver[r.input], []netip.Addr{addr})
				if addrPort := netip.AddrPortFrom(addr.Unmap(), 443); corpusPolicy.CheckAddr(addrPort, "https") == nil {
					want = append(want, addrPort.String())
				}
			}
			c := newClient(t, Options{Policy: corpusPolicy, Resolver: resolver, Dial: dialled.dial})
			var last error
			for range answers {
				_, last = get(t, c, context.Background(), "https://"+r.input+"/")
			}
			failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy,
				message: "The host name leads to "}.check(t, last)
			if dialled.list() != strings.Join(want, " ") {
				t.Errorf("dialled %q, want %q", dialled.list(), want)
			}
		})
	}
}

func TestCorpusRedirects(t *testing.T) {
	for _, r := range rows(t, "redirect") {
		t.Run(r.note, func(t *testing.T) {
			ca, host := newAuthority(t), mustURL(t, r.input).Hostname()
			var requests atomic.Int32
			s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, host, time.Hour)}},
				func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					w.Header().Set("Location", r.extra)
					w.WriteHeader(http.StatusFound)
				})
			dialled := &dials{server: s.Listener.Addr().String()}
			c := newClient(t, Options{RootCAs: ca.pool(), Resolver: names{host: {addresses("93.184.215.14")}}, Dial: dialled.dial})
			resp, err := get(t, c, context.Background(), r.input)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != r.extra {
				t.Errorf("got %s to %q, want the redirect as it was sent", resp.Status, resp.Header.Get("Location"))
			}
			if requests.Load() != 1 || dialled.list() != "93.184.215.14:443" {
				t.Errorf("%d requests, dialled %q, want one to the first address", requests.Load(), dialled.list())
			}
		})
	}
}
