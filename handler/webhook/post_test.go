package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/egress"
	"callout/handler/keyring"
	"callout/handler/localstore"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/webhook"
)

// house is a receiver, and senders that have their key in a real vault.
type house struct {
	*testing.T
	receiver *httptest.Server
	rows     *localstore.Table
	vault    *vault
	now      time.Time

	mu     sync.Mutex
	answer http.HandlerFunc
	got    []*post
}

// post is what the receiver was sent.
type post struct {
	header http.Header
	method string
	path   string
	body   string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{T: t, rows: opened.Table(store.Tokens), vault: &vault{Vault: opened.Vault()}, now: time.Unix(1614265330, 0)}
	h.receiver = httptest.NewServer(http.HandlerFunc(h.receive))
	t.Cleanup(h.receiver.Close)
	return h
}

func (h *house) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.got = append(h.got, &post{r.Header, r.Method, r.URL.RequestURI(), string(body)})
	answer := h.answer
	h.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// answers says how the receiver answers from now on.
func (h *house) answers(by http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = by
}

// received returns what has come since the last look.
func (h *house) received() []*post {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = nil
	return got
}

// sender returns a cold sender, with the guarded way out.
func (h *house) sender() *webhook.Sender {
	out := egress.New(egress.Options{Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}})
	h.Cleanup(out.CloseIdleConnections)
	return webhook.New(h.options(out))
}

func (h *house) options(out http.RoundTripper) webhook.Options {
	now := func() time.Time { return h.now }
	return webhook.Options{Allowed: []string{h.receiver.URL + "/in"}, Keys: keyring.New(keyring.Options{Rows: h.rows, Vault: h.vault, Now: now}), Transport: out, Now: now}
}

// vault is the real one, and counts.
type vault struct {
	*localstore.Vault
	gets, sets atomic.Int64
	down       atomic.Bool
}

func (v *vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	if v.gets.Add(1); v.down.Load() {
		return secret.Secret{}, store.ErrUnavailable
	}
	return v.Vault.Get(ctx, name, version)
}

func (v *vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	v.sets.Add(1)
	return v.Vault.Set(ctx, name, value)
}

// setKey stores a version of the key as an operator does.
func (h *house) setKey(value string) (version string) {
	h.Helper()
	version, err := h.vault.Vault.Set(h.Context(), webhook.KeyName, secret.New(value))
	if err != nil {
		h.Fatal(err)
	}
	return version
}

// post posts a document, and checks that it was taken.
func (h *house) post(at *webhook.Sender, id, payload string) *post {
	h.Helper()
	if err := at.Post(h.Context(), h.receiver.URL+"/in/box?code=1", id, []byte(payload)); err != nil {
		h.Fatal(err)
	}
	got := h.received()
	if len(got) != 1 {
		h.Fatalf("%d posts were received", len(got))
	}
	return got[0]
}

// fails posts a document, and returns why it was not taken.
func (h *house) fails(at *webhook.Sender, url, id string) *webhook.Failure {
	h.Helper()
	err := at.Post(h.Context(), url, id, []byte("canary"))
	var failure *webhook.Failure
	if !errors.As(err, &failure) {
		h.Fatalf("the error is %v", err)
	}
	for _, trace := range []string{"canary", "127.0.0.1", url, exampleKey[6:]} {
		if strings.Contains(err.Error(), trace) {
			h.Errorf("the error quotes %q: %v", trace, err)
		}
	}
	return failure
}

// The example that the reference libraries are tested with
// (standard-webhooks/libraries, TestWebhookSign).
const (
	exampleKey       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestWhatIsPosted(t *testing.T) {
	h := newHouse(t)
	h.setKey(exampleKey)
	got := h.post(h.sender(), exampleID, exampleBody)
	for name, want := range map[string]string{
		"webhook-id": exampleID, "webhook-timestamp": "1614265330", "webhook-signature": exampleSignature,
		"Content-Type": "application/json; charset=utf-8", "User-Agent": "Callout/1", "Content-Length": "20",
	} {
		if values := got.header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s is %q, want %q", name, values, want)
		}
	}
	if got.method != "POST" || got.path != "/in/box?code=1" || got.body != exampleBody {
		t.Errorf("posted was %+v", got)
	}
}

// Another id, another time, another document and another key are each signed in
// another way; the same again in the same.
func TestWhatIsSigned(t *testing.T) {
	h := newHouse(t)
	h.setKey(exampleKey)
	at := h.sender()
	signature := func(id, body string) string { return h.post(at, id, body).header.Get("webhook-signature") }
	seen := map[string]string{signature(exampleID, exampleBody): "the example"}
	again := signature(exampleID, exampleBody)
	if seen[again] == "" {
		t.Errorf("the same again is signed as %s", again)
	}
	check := func(what, got string) {
		if seen[got] != "" || !strings.HasPrefix(got, "v1,") {
			t.Errorf("another %s is signed as %s, as is %s", what, got, seen[got])
		}
		seen[got] = what
	}
	check("id", signature("01JDEXECUTION", exampleBody))
	check("document", signature(exampleID, exampleBody+" "))
	check("empty document", signature(exampleID, ""))
	h.now = h.now.Add(time.Second)
	check("time", signature(exampleID, exampleBody))
	h.setKey("whsec_" + strings.Repeat("QUJD", 8))
	at = h.sender()
	check("key", signature(exampleID, exampleBody))
}

func TestAnswers(t *testing.T) {
	h := newHouse(t)
	at := h.sender()
	for _, c := range []struct {
		status     int
		taken      bool
		final      bool
		retryAfter string
		wait       time.Duration
	}{
		{200, true, false, "", 0}, {201, true, false, "", 0}, {202, true, false, "60", 0}, {204, true, false, "", 0}, {299, true, false, "", 0},
		{410, false, true, "", 0},
		{301, false, false, "", 0}, {302, false, false, "", 0}, {307, false, false, "", 0}, {308, false, false, "", 0},
		{400, false, false, "", 0}, {401, false, false, "", 0}, {404, false, false, "", 0}, {409, false, false, "", 0},
		{429, false, false, "120", 2 * time.Minute}, {500, false, false, "soon", 0}, {502, false, false, "", 0}, {503, false, false, "Thu, 25 Feb 2021 15:03:10 GMT", time.Minute},
	} {
		h.answers(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", h.receiver.URL+"/in/other")
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
		})
		if c.taken {
			h.post(at, "id", "{}")
			continue
		}
		failure := h.fails(at, h.receiver.URL+"/in", "id")
		if failure.Final != c.final || failure.RetryAfter != c.wait {
			t.Errorf("%d: %+v", c.status, failure)
		}
		if n := len(h.received()); n != 1 {
			t.Errorf("%d: %d posts were received", c.status, n)
		}
	}
}

// Nothing is posted to an address that is not listed, or is no longer, nor with an
// id that two documents could share a signature by.
func TestWhatIsNotPosted(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct{ url, id string }{
		{h.receiver.URL + "/out", "id"}, {h.receiver.URL + "/in/../out", "id"}, {"no address", "id"},
		{h.receiver.URL + "/in", ""}, {h.receiver.URL + "/in", "a.b"}, {h.receiver.URL + "/in", "a b"}, {h.receiver.URL + "/in", "a\r\nb"}, {h.receiver.URL + "/in", "ä"},
	} {
		if failure := h.fails(h.sender(), c.url, c.id); !failure.Final {
			t.Errorf("%+v: %+v", c, failure)
		}
	}
	if failure := h.fails(webhook.New(webhook.Options{}), h.receiver.URL+"/in", "id"); !failure.Final {
		t.Errorf("without options: %+v", failure)
	}
	if n := len(h.received()); n != 0 {
		t.Errorf("%d posts were received", n)
	}
}

// A receiver that cannot be reached, breaks off, or never ends is tried again
// later, and one that has said 200 has taken it, whatever else it says.
func TestReceiversThatMisbehave(t *testing.T) {
	h := newHouse(t)
	at := h.sender()
	h.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if failure := h.fails(at, h.receiver.URL+"/in", "id"); failure.Final || failure.Err == nil {
		t.Errorf("breaks off: %+v", failure)
	}
	h.received()
	var swallowed atomic.Bool
	h.answers(func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		swallowed.Store(true)
	})
	if h.post(at, "id", "{}"); swallowed.Load() {
		t.Error("64 MiB were read that nobody looks at")
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.answers(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if err := at.Post(ctx, h.receiver.URL+"/in", "id", nil); !errors.As(err, new(*webhook.Failure)) {
		t.Errorf("is silent: %v", err)
	}
	h.receiver.Close()
	if failure := h.fails(at, h.receiver.URL+"/in", "id"); failure.Final || failure.Err == nil {
		t.Errorf("is not there: %+v", failure)
	}
}

// roundTrip is a way out that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A receiver has twenty seconds.
func TestTheTimeOfAReceiver(t *testing.T) {
	h := newHouse(t)
	var left time.Duration
	at := webhook.New(h.options(roundTrip(func(req *http.Request) (*http.Response, error) {
		deadline, _ := req.Context().Deadline()
		left = time.Until(deadline)
		return nil, errors.New("canary")
	})))
	h.fails(at, h.receiver.URL+"/in", "id")
	if left <= 0 || left > 20*time.Second {
		t.Errorf("it has %v", left)
	}
}

func TestDelay(t *testing.T) {
	var since time.Duration
	var begun []string
	attempts := 0
	for {
		wait, again := webhook.Delay(attempts)
		if !again {
			break
		}
		if wait > 24*time.Hour || attempts > 20 {
			t.Fatalf("before attempt %d it waits for %v", attempts+1, wait)
		}
		since += wait
		attempts++
		begun = append(begun, since.String())
	}
	const want = "0s 5s 5m5s 35m5s 2h35m5s 7h35m5s 17h35m5s 31h35m5s 51h35m5s 75h35m5s" // the specification's table
	if got := strings.Join(begun, " "); got != want {
		t.Errorf("attempts begin after\n%s, want\n%s", got, want)
	}
	for _, attempts := range []int{-1, 10, 11, 1 << 40} {
		if wait, again := webhook.Delay(attempts); again || wait != 0 {
			t.Errorf("after %d attempts it waits for %v, %t", attempts, wait, again)
		}
	}
}
