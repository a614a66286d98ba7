package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
)

// Whatever CheckURL accepts has a scheme that is known, no user, and a host that
// every parser reads in the same way; if that is an address, it may be dialled.
// Written out and read again it stays acceptable.
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
	f.Add("HTTPS://[2606:2800:0::1]:443?a@b")
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	policies := []*Policy{{}, &onLoopback, {Allow: everything, PlainHTTP: true}, {Allow: everything, PlainHTTP: true, OnAzure: true}}
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
			if u.User != nil || u.Opaque != "" || u.Fragment != "" {
				t.Errorf("%#v", u)
			}
			checkOneHost(t, raw, u)
			checkDialled(t, p, u)
			if again, err := p.CheckURL(u.String()); err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
				t.Errorf("%q becomes %q: %v", raw, u, err)
			}
		}
	})
}

// checkOneHost demands that the host stands where a browser, curl and RFC 3986 all
// look for it, and holds nothing that one of them decodes or ends it at.
func checkOneHost(t *testing.T, raw string, u *url.URL) {
	t.Helper()
	rest, found := strings.CutPrefix(raw[len(u.Scheme):], "://"+u.Host)
	if !strings.EqualFold(raw[:len(u.Scheme)], u.Scheme) || !found || rest != "" && rest[0] != '/' && rest[0] != '?' {
		t.Errorf("%q is read as one of host %q", raw, u.Host)
	}
	const inHosts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
	if u.Host == "" || strings.Trim(u.Host, inHosts) != "" {
		t.Errorf("%q has the host %q", raw, u.Host)
	}
}

// checkDialled demands that an address may be dialled, and that a name is one for
// all who read numbers in other ways.
func checkDialled(t *testing.T, p *Policy, u *url.URL) {
	t.Helper()
	port, err := portOf(u)
	if err != nil {
		t.Error(err)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err == nil {
		if err := p.CheckAddr(netip.AddrPortFrom(addr, port), u.Scheme); err != nil {
			t.Errorf("%v: %v", addr, err)
		}
		return
	}
	labels := strings.Split(strings.TrimSuffix(u.Hostname(), "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	hex, isHex := strings.CutPrefix(last, "0x")
	isHex = isHex && strings.Trim(hex, "0123456789abcdef") == ""
	if isHex || strings.Trim(last, "0123456789") == "" || last == "internal" || last == "local" {
		t.Errorf("the host is %q", u.Hostname())
	}
	if last == "localhost" && (len(labels) > 1 || !p.opensLoopback()) {
		t.Errorf("the host is %q", u.Hostname())
	}
}

// Reading gives the beginning of what the body is, at most what may be read, and
// says whether that was all; or else an *Error. The body is closed.
func FuzzReadBody(f *testing.F) {
	f.Add([]byte("plain"), "", int64(3))
	f.Add([]byte("plain"), "", int64(5))
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
		if err != nil {
			checkResponseError(t, err)
			return
		}
		whole := data
		if kind := strings.ToLower(strings.TrimSpace(encoding)); len(data) > 0 && kind != "" && kind != "identity" {
			whole = unzipped(t, data, max(limit, 0)+1)
		}
		if got.Size != int64(len(got.Data)) || got.Size > max(limit, 0) || !bytes.HasPrefix(whole, got.Data) {
			t.Errorf("size %d, %d bytes, limit %d, are not the beginning", got.Size, len(got.Data), limit)
		}
		if got.Truncated != (len(whole) > len(got.Data)) {
			t.Errorf("truncated %t, %d bytes of %d", got.Truncated, len(got.Data), len(whole))
		}
		if got.Size > freeBytes && got.Size > maxRatio*int64(len(data)) {
			t.Errorf("%d bytes became %d", len(data), got.Size)
		}
	})
}

// unzipped is the beginning of what the standard library makes of data.
func unzipped(t *testing.T, data []byte, most int64) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Errorf("what is no gzip was read: %v", err)
		return nil
	}
	whole, err := io.ReadAll(io.LimitReader(reader, most))
	if err != nil {
		t.Errorf("what is no gzip was read: %v", err)
	}
	return whole
}

// checkResponseError demands an error of an answer, in sentences of ours.
func checkResponseError(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok || e.Stage != callout.StageResponse || !e.Sent {
		t.Fatalf("%#v", err)
	}
	switch e.Code {
	case callout.InvalidResponse, callout.ResponseTooLarge, callout.RequestFailed:
	default:
		t.Errorf("%s: %s", e.Code, e.Message)
	}
	if !strings.HasSuffix(e.Message, ".") || !strings.HasSuffix(e.Advice, ".") {
		t.Errorf("%q, %q are no sentences", e.Message, e.Advice)
	}
}

// Whatever bytes a server answers with before it hangs up, they make an answer
// that can be read, or an error of the answer.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200\n\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + string(zipped([]byte("hello"))),
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhello", "HTTP/1.1 000 What\r\n\r\n", "SSH-2.0-x\r\n", "",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := New(Options{Policy: onLoopback, Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
					_, _ = server.Write(answer)
				}
			}()
			return client, nil
		}})
		defer c.CloseIdleConnections()
		req, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.RoundTrip(req)
		if err != nil {
			checkResponseError(t, err)
			return
		}
		if resp.StatusCode < 200 || resp.StatusCode > 999 {
			t.Errorf("status %d", resp.StatusCode)
		}
		if body, err := ReadBody(resp, 1000); err != nil {
			checkResponseError(t, err)
		} else if body.Size > 1000 {
			t.Errorf("%d bytes were read", body.Size)
		}
	})
}

type watchedBody struct {
	io.Reader
	closed bool
}

func (b *watchedBody) Close() error { b.closed = true; return nil }
