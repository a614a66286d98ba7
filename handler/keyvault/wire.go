package keyvault

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// wire is the transport under the SDK's client. It saves the request that only
// asks for the challenge, ends a rehearsal before anything is read, and keeps
// the SDK from what it does not bear.
type wire struct {
	next  policy.Transporter
	vault *url.URL
	// challenge is the vault's answer to a request without a token, "" if it has
	// to be asked.
	challenge string
}

// Do implements policy.Transporter.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	authorized := req.Header.Get("Authorization") != ""
	switch {
	case !sameHost(req.URL, w.vault):
		return nil, strayed{}
	case !authorized && w.challenge != "":
		return reply(req, http.StatusUnauthorized, http.Header{"Www-Authenticate": {w.challenge}}), nil
	case authorized && endRehearsal(req.Context()):
		return reply(req, http.StatusOK, http.Header{}), nil
	}
	resp, err := w.next.Do(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && !legible(resp.Header.Get("Www-Authenticate")) {
		resp.Header.Del("Www-Authenticate")
	}
	return resp, err
}

// staying keeps an *http.Client from following redirects: it would send a
// write's body, which is a secret, along.
func staying(next policy.Transporter) policy.Transporter {
	client, ok := next.(*http.Client)
	if !ok {
		return next
	}
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &stays
}

// strayed stops a request that would take the token to another host: the SDK
// follows the link to the next page wherever it leads.
type strayed struct{}

func (strayed) Error() string {
	return "keyvault: the vault sent its list's reader to another host; check the vault's address"
}
func (strayed) Unwrap() error { return store.ErrUnavailable }

// NonRetriable tells the SDK not to try again.
func (strayed) NonRetriable() {}

func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// port is the port that an https address means. Key Vault writes :443 into the
// links that it gives.
func port(at *url.URL) string {
	if at.Port() == "" {
		return "443"
	}
	return at.Port()
}

var authority = regexp.MustCompile(`authorization="?https://[^/\s"]+/[^/\s",]+`)

// legible reports whether the SDK can read a challenge: it panics when the
// authority has no path.
func legible(challenge string) bool {
	return len(authority.FindAllString(challenge, -1)) == strings.Count(challenge, "authorization=")
}

// reply makes an answer to a request that is not sent.
func reply(req *http.Request, status int, header http.Header) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: req,
	}
}

// rehearsalKey marks the context of a call that is for signing in only. Its
// value becomes true when the call has got as far as its token.
type rehearsalKey struct{}

func withRehearsal(ctx context.Context, done *bool) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, done)
}

func endRehearsal(ctx context.Context) bool {
	done, rehearsing := ctx.Value(rehearsalKey{}).(*bool)
	if rehearsing {
		*done = true
	}
	return rehearsing
}
