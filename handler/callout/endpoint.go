package callout

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Origin returns scheme, host and port of a URL in lower case, without a default
// port, and "" when there is no scheme or no host.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	scheme := strings.ToLower(u.Scheme)
	if port != "" && !(scheme == "https" && port == "443") && !(scheme == "http" && port == "80") {
		host += ":" + port
	}
	return scheme + "://" + host
}

// isWebhook reports whether the URL is known to be a credential by itself:
// webhooks of Slack, Teams, Discord, and whatever carries the signature of a
// Power Automate or Logic Apps trigger.
func isWebhook(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host := "." + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	under := func(domains ...string) bool {
		return slices.ContainsFunc(domains, func(d string) bool { return strings.HasSuffix(host, "."+d) })
	}
	switch {
	case u.Query().Get("sig") != "":
		return true
	case under("discord.com", "discordapp.com"): // /api/webhooks and /api/v10/webhooks
		return strings.HasPrefix(u.Path, "/api/") && strings.Contains(u.Path, "/webhooks/")
	}
	return len(u.Path) > 1 && under("hooks.slack.com", "hooks.slack-gov.com", "outlook.office.com", "webhook.office.com")
}

// checkEndpoint finds what is wrong with the form of an endpoint.
func checkEndpoint(f *faults, raw string) {
	if raw == "" {
		f.add(MissingValue, "endpoint", "The endpoint is missing. Give the full URL to call, such as https://api.example.com/v1/items.")
		return
	}
	checkURL(f, urlRole{target: "endpoint", name: "endpoint", example: "https://api.example.com/v1/items", login: "auth"}, raw)
}

// urlRole is what faults say about the part that a URL plays.
type urlRole struct{ target, name, example, login string }

// checkURL finds what is wrong with the form of a URL. Where it may lead to is
// for egress to say.
func checkURL(f *faults, role urlRole, raw string) {
	check := func(ok bool, message string) {
		f.check(ok, InvalidValue, role.target, "The %s %s", role.name, message)
	}
	f.check(len(raw) <= MaxEndpoint, TooLong, role.target, "The %s is longer than %d characters. Shorten it.", role.name, MaxEndpoint)
	text, problem := ParseText(raw)
	if problem != "" {
		f.add(InvalidValue, role.target, "%s", problem)
		return
	}
	plain := text.with("x")
	if strings.ContainsAny(plain, "{}") {
		check(false, "holds single braces. A placeholder such as {ORG_ID} was not replaced: put the real value in its place. What is to be filled in has double braces.")
		return
	}
	if !printable(plain) || strings.ContainsAny(plain, " \\") {
		check(false, "holds a space, a backslash, a control character or a character outside ASCII. Percent-encode it, or use the punycode form in a host name.")
		return
	}
	if problem := misplaced(text); problem != "" {
		check(false, problem)
		return
	}
	u, err := url.Parse(plain)
	switch {
	case err != nil:
		check(false, "is not a URL. Give one such as "+role.example+".")
	case u.Scheme != "https" && u.Scheme != "http":
		check(false, "does not begin with https://. Give an absolute https URL.")
	case u.Opaque != "" || u.Hostname() == "":
		check(false, "has no host. Give an absolute https URL.")
	default:
		check(u.User == nil, "holds a user name or password. Remove it and use "+role.login+" of type basic.")
		check(!strings.Contains(plain, "#"), "holds a fragment (#). It would not be sent: remove it.")
		check(printable(u.Host) && !strings.Contains(u.Host, "%"), "has a host with percent-encoded characters or an IPv6 zone. Give a plain address, or a name in its punycode form.")
	}
}

// misplaced says which placeholder of a URL stands where none may, "" for none.
// Filled in, it could lead to another host, name a parameter, or be one byte
// together with what stands before it.
func misplaced(text Text) string {
	const mark = "\x00" // stands for a placeholder, and for nothing else: the rest is printable
	marked := text.with(mark)
	authority, rest := marked, ""
	if start := strings.Index(marked, "://"); start >= 0 {
		if end := strings.IndexAny(marked[start+3:], "/?#"); end >= 0 {
			authority, rest = marked[:start+3+end], marked[start+3+end:]
		}
	}
	if strings.Contains(authority, mark) {
		return "holds a placeholder in the scheme, the host or the port. Write them out: only the path and the values of the query may be filled in."
	}
	_, query, _ := strings.Cut(rest, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, mark) {
			return "holds a placeholder in the name of a query parameter. Write the name out: only its value may be filled in."
		}
	}
	for at, c := range []byte(rest) {
		if c == mark[0] && (rest[at-1] == '%' || at > 1 && rest[at-2] == '%') {
			return "holds a placeholder within a percent-encoded character. Write the character out: the value is encoded by itself."
		}
	}
	return ""
}

// printable reports whether s is ASCII without control characters.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}

// queryNames lists the parameters in the query of an endpoint.
func queryNames(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	return slices.Collect(maps.Keys(u.Query()))
}
