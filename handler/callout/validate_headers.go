package callout

import (
	"fmt"
	"slices"
	"strings"
)

// reserved headers belong to HTTP itself, to the connection, or to Azure's
// metadata services; net/http or an upstream would misread them.
var reserved = []string{
	"host", "content-length", "connection", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive",
	"accept-encoding", "content-encoding", "expect", "metadata", "x-identity-header", "callout-loop",
}

const headerNameAdvice = "A header's name must be 1 to 128 letters, digits, hyphens and the like, without spaces or line breaks."

func (c *Config) checkHeaders(f *faults) {
	f.check(len(c.Headers) <= MaxHeaders, TooLong, "headers", "There are more than %d headers. Remove some.", MaxHeaders)
	taken := c.Auth.headerName()
	seen := map[string]bool{}
	for i, h := range c.Headers {
		at, name := fmt.Sprintf("headers[%d]", i), strings.ToLower(h.Name)
		checkHeaderName(f, at+".name", h.Name)
		f.check(!seen[name], InvalidValue, at+".name", "Two headers have this name. Remove one.")
		f.check(name != taken || taken == "", InvalidValue, at+".name", "The credential already sets this header. Remove it here, or change auth.")
		seen[name] = true
		f.check(h.Value == "" || validHeaderValue(h.Value), InvalidValue, at+".value", headerValueAdvice)
		f.check(!h.Hidden.IsSet() || validHeaderValue(h.Hidden.Reveal()), InvalidValue, at+".value", headerValueAdvice)
	}
}

// checkIdempotencyHeader wants a header that nothing else sets.
func (c *Config) checkIdempotencyHeader(f *faults) {
	if c.IdempotencyHeader == "" {
		return
	}
	const at = "idempotencyHeader"
	before := len(*f)
	if checkHeaderName(f, at, c.IdempotencyHeader); len(*f) > before {
		return
	}
	name := strings.ToLower(c.IdempotencyHeader)
	taken := name == c.Auth.headerName() || slices.ContainsFunc(c.Headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
	f.check(!taken, InvalidValue, at, "Another part of the configuration already sets this header. Remove it there: Callout gives each call a key of its own.")
	f.check(!keptFromAgents(name) && !slices.Contains([]string{"accept", "user-agent"}, name), InvalidValue, at,
		"This header means something else. Name the one that the API documents for idempotency keys, such as Idempotency-Key.")
}

// agentsNever are headers that an agent has no say in, besides those that are
// reserved: they say who calls, for whom, past which guard, or how the body is to
// be read. agentsNeverBegin are how the names of others begin.
var (
	agentsNever = []string{
		"authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip",
		"x-http-method", "x-http-method-override", "x-method-override", "x-rewrite-url",
		"x-aws-ec2-metadata-token", "metadata-flavor", "secret", "x-functions-key",
	}
	agentsNeverBegin = []string{"content-", "proxy-", "x-forwarded-", "x-original-", "x-ms-client-principal", "x-ms-token-"}
)

const agentHeaderAdvice = "What an agent fills in must not go into this header: it says who calls, how the body is to be read, or what a proxy is to do."

// keptFromAgents reports whether no argument may go into the header of that name,
// which is in lower case. Servers that pass headers on as variables (CGI, WSGI)
// make one of hyphens and underscores.
func keptFromAgents(name string) bool {
	name = strings.ReplaceAll(name, "_", "-")
	return slices.Contains(reserved, name) || slices.Contains(agentsNever, name) ||
		slices.ContainsFunc(agentsNeverBegin, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

const headerValueAdvice = "The value must be printable ASCII without line breaks and without spaces at its ends, at most 8192 bytes."

func checkHeaderName(f *faults, target, name string) {
	if !validHeaderName(name) {
		f.add(InvalidValue, target, headerNameAdvice)
		return
	}
	lower := strings.ToLower(name)
	f.check(!slices.Contains(reserved, lower) && !strings.HasPrefix(lower, "proxy-"), InvalidValue, target,
		"This header is set by Callout or by the connection itself. Remove it.")
}

// validHeaderName follows the token rule of RFC 9110, section 5.6.2.
func validHeaderName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

// validHeaderValue is stricter than net/http: ASCII only, no space at the ends,
// because proxies disagree about anything else.
func validHeaderValue(v string) bool {
	if len(v) > MaxSecret || v != strings.TrimSpace(v) {
		return false
	}
	return strings.IndexFunc(v, func(r rune) bool { return r != '\t' && (r < 0x20 || r > 0x7e) }) < 0
}
