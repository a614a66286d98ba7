package token

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"callout/handler/egress"
)

// breaks is a provider that writes the bytes of an answer and hangs up.
func breaks(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, raw)
		_ = conn.Close()
	}
}

func TestAnswersThatBreak(t *testing.T) {
	whole := "HTTP/1.1 200 OK\r\nX-Canary: canary\r\n"
	for _, test := range []struct {
		name    string
		raw     string
		reason  Reason
		message string
	}{
		{"hangs up", "", Unreachable, "The token request failed: the server closed the connection before it answered."},
		{"hangs up in the headers", whole, Unreachable, "The token request failed: the server closed the connection before it answered."},
		{"shorter than announced", whole + "Content-Length: 100\r\n\r\n" + `{"access_token": "canary"}`, Unreachable,
			"The token request failed: the answer ended before its body was complete."},
		{"the last chunk is missing", whole + "Transfer-Encoding: chunked\r\n\r\n1a\r\n" + `{"access_token": "canary"}` + "\r\n", Unreachable,
			"The token request failed: the answer ended before its body was complete."},
		{"not HTTP", "canary\r\n\r\n", Unreachable, "The token request failed: the answer is not valid HTTP."},
		{"not gzip", whole + "Content-Encoding: gzip\r\n\r\ncanary canary", Unreachable,
			"The token request failed: the body of the answer is not valid gzip, although its header says so."},
		{"brotli", whole + "Content-Encoding: br\r\n\r\ncanary", Unreachable,
			"The token request failed: the body of the answer has an encoding other than gzip, which was not asked for."},
		{"a bomb", whole + "Content-Encoding: gzip\r\n\r\n" + gzipped(strings.Repeat(" ", 1<<20)), TooLarge, ""},
		{"headers without end", whole + "X-Long: " + strings.Repeat("canary", 20_000) + "\r\n\r\n", TooLarge, ""},
		{"an error that is cut", "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\ncanary", EndpointNotFound, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTokenServer(t, breaks(test.raw))
			_, err := s.fetch(t, t.Context(), canaryClient())
			failure := wantFailure(t, err, test.reason)
			if test.message != "" && failure.Message() != test.message {
				t.Errorf("it says %q, want %q", failure.Message(), test.message)
			}
		})
	}
}

// A token request is not repeated on another connection when a kept one breaks.
func TestAKeptConnectionThatBreaks(t *testing.T) {
	var s *tokenServer
	s = newTokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		if s.asked.Load() == 1 {
			says(200, inJSON, `{"access_token": "canary"}`)(w, r)
			return
		}
		breaks("")(w, r)
	})
	transport, client := s.transport(t), canaryClient()
	client.TokenURL = s.URL + client.TokenURL
	if _, err := fetch(t.Context(), transport, &client, time.Now); err != nil {
		t.Fatal(err)
	}
	_, err := fetch(t.Context(), transport, &client, time.Now)
	wantFailure(t, err, Unreachable)
	if n := s.asked.Load(); n != 2 {
		t.Errorf("%d token requests were made", n)
	}
}

// hourglass is a context that runs out when the test says so.
type hourglass struct {
	context.Context
	out chan struct{}
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

func TestProvidersThatAreSlow(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the answer": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"access_token": "canary`)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			glass := &hourglass{t.Context(), make(chan struct{})}
			s := newTokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				begin(w)
				close(glass.out)
				<-r.Context().Done()
				panic(http.ErrAbortHandler) // or the end of the answer might still be read
			})
			_, err := s.fetch(t, glass, canaryClient())
			failure := wantFailure(t, err, TimedOut)
			if want := "The token request failed: the call was not finished within its time limit."; failure.Message() != want {
				t.Errorf("it says %q, want %q", failure.Message(), want)
			}
			if failure.Advice() != TimedOut.Advice() {
				t.Errorf("it advises %q", failure.Advice())
			}
		})
	}
}

func TestACallerWhoLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	s := newTokenServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		leave()
		<-r.Context().Done()
	})
	_, err := s.fetch(t, ctx, canaryClient())
	wantFailure(t, err, TimedOut)
}

// nowhere is a name server that knows no name.
type nowhere struct{}

func (nowhere) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestProvidersThatAreNotThere(t *testing.T) {
	vacant, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = vacant.Close()
	untrusted := httptest.NewTLSServer(says(200, inJSON, `{"access_token": "canary"}`))
	untrusted.Config.ErrorLog = quietLog
	t.Cleanup(untrusted.Close)
	for _, test := range []struct {
		name, url, message, advice string
		reason                     Reason
	}{
		{"no such name", "https://canary.example.com/token",
			"The token endpoint cannot be reached: the host name does not exist.", "Check the spelling of the host name in the configuration.", Misdirected},
		{"nobody listens", "https://" + vacant.Addr().String() + "/canary",
			"The token endpoint cannot be reached: the server refused the connection.", "Check the port, and that the server is running.", Unreachable},
		{"a certificate of nobody", untrusted.URL,
			"The token endpoint cannot be reached: the server's certificate was issued by an authority that is not trusted here.",
			"Have the server send its whole certificate chain, or use a certificate of a public authority.", Misdirected},
		{"an address that is closed", "https://169.254.169.254/canary",
			"The token endpoint cannot be reached: the destination is a link-local address, which can never be called.",
			"Use the public address of an API; no setting opens this one.", NotAllowed},
		{"plain http", "http://127.0.0.1/canary",
			"The token endpoint cannot be reached: the URL is plain http, which is not permitted for this destination.",
			"Use https; for a private address, set CALLOUT_EGRESS_HTTP to true and list the address in CALLOUT_EGRESS_ALLOW.", NotAllowed},
		{"a URL that is none", "https://canary:port/%zz",
			"The token request failed: the request could not be exchanged with the server.",
			"Try again; if it goes on, check tokenUrl and ask the provider.", Unreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport := egress.New(egress.Options{
				Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, Resolver: nowhere{},
			})
			client := canaryClient()
			client.TokenURL = test.url
			_, err := fetch(t.Context(), transport, &client, time.Now)
			failure := wantFailure(t, err, test.reason)
			if failure.Message() != test.message || failure.Advice() != test.advice {
				t.Errorf("it says %q and advises %q", failure.Message(), failure.Advice())
			}
		})
	}
}
