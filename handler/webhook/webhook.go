// Package webhook posts results to addresses that callers have named, as Standard
// Webhooks 1.0.0 says (github.com/standard-webhooks/standard-webhooks, in
// spec/standard-webhooks.md).
package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/keyring"
)

// Options say how results are posted. The zero value posts nothing.
type Options struct {
	// Allowed are the addresses that may be posted to (AllowedURL).
	Allowed []string
	// Keys has the key of the signatures, KeyName.
	Keys *keyring.Keyring
	// Transport sends the posts. It must not follow redirects.
	Transport http.RoundTripper
	// Now is the clock that receivers compare with theirs.
	Now func() time.Time
}

// Sender posts results. It is safe for concurrent use.
type Sender struct {
	opts Options

	mu    sync.Mutex
	key   []byte
	until time.Time // of key
}

// New returns a Sender. Nothing is read or sent yet.
func New(opts Options) *Sender { return &Sender{opts: opts} }

// Allowed reports why nothing may be posted to an address, as AllowedURL does.
func (s *Sender) Allowed(url string) error { return AllowedURL(s.opts.Allowed, url) }

const (
	// timeout is what a receiver has to answer: the specification recommends 15 to
	// 30 seconds.
	timeout   = 20 * time.Second
	userAgent = "Callout/1"
	// most is how many bytes of an answer are read, so that its connection can be
	// used again. Nobody looks at them.
	most = 64 << 10
)

// Post posts a JSON document, signed. The id tells the receiver that it has had
// this document before: it must be the same in each attempt, and be made of
// letters, digits, hyphens and underscores.
//
// The receiver has taken it if it answers 2xx. Every error is a *Failure.
func (s *Sender) Post(ctx context.Context, url, id string, payload []byte) error {
	if s.Allowed(url) != nil {
		return &Failure{Final: true, Message: "its address is none that results may be posted to any more; see CALLOUT_CALLBACK_URLS"}
	}
	if id == "" || strings.ContainsFunc(id, notInID) {
		return &Failure{Final: true, Message: "its id has a form that cannot be signed"}
	}
	key, err := s.signingKey(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return &Failure{Final: true, Message: "its address cannot be used"}
	}
	now := s.opts.Now()
	req.Close = true // the next post may be in days
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", sign(key, id, now, payload))
	return s.send(req)
}

// notInID reports whether a letter may not be in an id. A full stop would let two
// posts have one signature (specification, "Signature scheme").
func notInID(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
}

func (s *Sender) send(req *http.Request) error {
	resp, err := s.opts.Transport.RoundTrip(req)
	if err != nil {
		return &Failure{Message: egress.Classify(err, callout.StageRequest, true).Message, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, most) // the status is the answer
	switch status := resp.StatusCode; {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusGone:
		return &Failure{Final: true, Message: "its receiver answered 410, which says that it wants no more"}
	default:
		return &Failure{Message: fmt.Sprintf("its receiver answered %d", status), RetryAfter: egress.RetryAfter(resp.Header, s.opts.Now())}
	}
}
