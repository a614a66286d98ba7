package egress

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
)

// Whatever CheckURL accepts has a scheme that is known, no user, and, if the host
// is an address, one that may be dialled; and it stays acceptable when it is
// written out and read again.
func FuzzCheckURL(f *testing.F) {
	data, err := os.ReadFile("testdata/ssrf.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Split(line, "\t"); len(fields) > 3 {
			input, err := strconv.Unquote(fields[3])
			if err != nil {
				f.Fatal(err)
			}
			f.Add(input)
		}
	}
	f.Add("http://localhost:3000/a?b=c")
	policies := []*Policy{{}, &onLoopback, {Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, PlainHTTP: true}}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range policies {
			u, err := p.CheckURL(raw)
			if err != nil {
				failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy}.check(t, err)
				continue
			}
			if u.Scheme != "https" && (u.Scheme != "http" || !p.PlainHTTP) {
				t.Errorf("scheme %q", u.Scheme)
			}
			if u.User != nil || u.Opaque != "" || u.Fragment != "" || u.Host == "" {
				t.Errorf("%#v", u)
			}
			port, err := portOf(u)
			if err != nil {
				t.Error(err)
			}
			if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
				if err := p.CheckAddr(netip.AddrPortFrom(addr, port), u.Scheme); err != nil {
					t.Errorf("%v: %v", addr, err)
				}
			}
			if again, err := p.CheckURL(u.String()); err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
				t.Errorf("%q becomes %q: %v", raw, u, err)
			}
		}
	})
}

// Reading gives at most what may be read, and either that or an *Error; the body
// is closed.
func FuzzReadBody(f *testing.F) {
	f.Add([]byte("plain"), "", int64(3))
	f.Add(zipped([]byte("hello, hello, hello")), "gzip", int64(100))
	f.Add(zipped(make([]byte, 1<<20)), "gzip", int64(4<<20))
	f.Add(append(zipped(nil), zipped([]byte("a"))...), "GZIP", int64(0))
	f.Add([]byte{0x1f, 0x8b, 8, 0xff, 0, 0, 0, 0, 0, 0}, "x-gzip", int64(-1))
	f.Add([]byte("x"), "br", int64(1))
	f.Fuzz(func(t *testing.T, data []byte, encoding string, limit int64) {
		limit = min(limit, 4<<20)
		body := &watchedBody{Reader: bytes.NewReader(data)}
		got, err := ReadBody(&http.Response{Header: http.Header{"Content-Encoding": {encoding}}, Body: body}, limit)
		if !body.closed {
			t.Error("the body is open")
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Stage != callout.StageResponse || !e.Sent) {
			t.Errorf("%#v", err)
		}
		if got.Size != int64(len(got.Data)) || got.Size > max(limit, 0) {
			t.Errorf("size %d, %d bytes, limit %d", got.Size, len(got.Data), limit)
		}
		if got.Size > freeBytes && got.Size > maxRatio*int64(len(data)) {
			t.Errorf("%d bytes became %d", len(data), got.Size)
		}
	})
}

type watchedBody struct {
	io.Reader
	closed bool
}

func (b *watchedBody) Close() error { b.closed = true; return nil }
