package token

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/secret"
)

// grant is what a token request gets.
type grant struct {
	token    secret.Secret // can go into a header as it is
	lifetime time.Duration // over 0, at most maxLifetime
}

// fetch makes exactly one token request for client, whose secrets are in place.
// transport must not follow redirects; ctx limits the whole. The error is an
// *Error.
func fetch(ctx context.Context, transport http.RoundTripper, client *callout.OAuth, now func() time.Time) (grant, error) {
	through := &endpoint{transport: transport, client: client, now: now}
	config := clientcredentials.Config{
		TokenURL:       client.TokenURL,
		EndpointParams: parameters(client),
		AuthStyle:      oauth2.AuthStyleInParams, // unset, a request that failed would be repeated in another style
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: through})
	token, err := config.Token(ctx)
	if err != nil {
		return grant{}, ours(err)
	}
	return grant{token: secret.New(token.AccessToken), lifetime: through.lifetime}, nil
}

// endpoint is a token endpoint as x/oauth2 expects one, whatever the provider
// does. It is an http.RoundTripper for one token request.
type endpoint struct {
	transport http.RoundTripper
	client    *callout.OAuth
	now       func() time.Time
	// lifetime is that of the token. x/oauth2 would take whole seconds only.
	lifetime time.Duration
}

// RoundTrip returns an answer as RFC 6749, section 5.1 has it, or an *Error:
// x/oauth2 must not see another answer, because it keeps the request and the body
// of the answer in its errors.
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	out := shape(req, e.client)
	out.Close = true // on a connection of its own, no answer to another client can be waiting
	resp, err := e.transport.RoundTrip(out)
	if err != nil {
		return nil, lost(err)
	}
	granted, err := read(resp, e.client, e.now())
	if err != nil {
		return nil, err
	}
	e.lifetime = granted.lifetime
	body, _ := json.Marshal(map[string]string{"access_token": granted.token.Reveal()}) // cannot fail
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(string(body))),
		Request:    req,
	}, nil
}

// ours returns the *Error in err. Everything else that x/oauth2 and net/http say
// may quote the token URL, and is dropped.
func ours(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return lost(err)
}

// lost is the error of an exchange that did not come to an end.
func lost(err error) *Error {
	way := egress.Classify(err, callout.StageRequest, false)
	switch way.Code {
	case callout.ResponseTooLarge:
		return &Error{Reason: TooLarge}
	case callout.TimedOut:
		return &Error{Reason: TimedOut, Way: way}
	case callout.DestinationNotAllowed:
		return &Error{Reason: NotAllowed, Way: way}
	case callout.DNSFailed, callout.TLSFailed:
		return &Error{Reason: Misdirected, Way: way}
	}
	return &Error{Reason: Unreachable, Way: way}
}
