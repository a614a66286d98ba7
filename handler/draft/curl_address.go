package draft

import (
	"encoding/json"
	"net/url"
	"strings"

	"callout/handler/callout"
)

// address is the address of a command in its parts. path and query become templates.
type address struct {
	scheme, authority, path, query string
	user                           string // user:password in front of the host, encoded
}

func (d *drafting) takeAddress() error {
	raw, err := d.onlyAddress()
	if err != nil {
		return err
	}
	if d.address, err = d.split(raw); err != nil {
		return err
	}
	a := &d.address
	if a.path, err = d.braces(a.path, callout.InPath); err != nil {
		return err
	}
	if a.query, err = d.braces(a.query, callout.InQuery); err != nil {
		return err
	}
	if err := d.addQuery(); err != nil {
		return err
	}
	d.setEndpoint()
	return nil
}

func (d *drafting) onlyAddress() (string, error) {
	switch addresses := d.call.addresses; {
	case len(addresses) == 0:
		return "", refuseCurl("The command has no address. Paste the whole command.")
	case len(addresses) > 1:
		return "", refuseCurl("The command has more than one address. Put quotes around each value that holds a space; if several addresses are meant, paste one command for each.")
	case len(addresses[0]) > callout.MaxEndpoint:
		return "", refuseCurl("The address is longer than %d bytes. Shorten it, or use an operation of the API that takes a body.", callout.MaxEndpoint)
	case strings.Contains(addresses[0], unknown):
		return "", refuseCurl("A variable whose value is not known here stands in the address. Put its value there, or {name} in the path if an agent is to give it.")
	case strings.Contains(addresses[0], "{{"):
		return "", refuseCurl("The address holds {{, which stands for something else. Put its value there, or {name} in the path if an agent is to give it.")
	default:
		return addresses[0], nil
	}
}

// split takes an address apart as curl does, which guesses the scheme.
func (d *drafting) split(raw string) (address, error) {
	var a address
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || strings.ContainsAny(scheme, "/?#") {
		scheme, rest = "https", raw
		d.note("The address has no scheme, so curl would use plain http. The draft uses https: Callout sends credentials over nothing else.")
	}
	a.scheme = strings.ToLower(scheme)
	if a.scheme != "https" && a.scheme != "http" {
		return a, refuseCurl("The address is not one of http or https. Callout calls HTTP APIs only.")
	}
	if a.scheme == "http" && found {
		d.note("The address is one of plain http, which Callout calls only where its settings permit that. Use https if the API has it.")
	}
	rest, _, _ = strings.Cut(rest, "#") // is never sent
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	a.authority = rest[:end]
	a.path, a.query, _ = strings.Cut(rest[end:], "?")
	if at := strings.LastIndex(a.authority, "@"); at >= 0 {
		a.user, a.authority = a.authority[:at], a.authority[at+1:]
	}
	if a.dropPort(); strings.HasSuffix(a.authority, ":") {
		return a, refuseCurl("The host of the address ends in a colon. Write the port behind it, or remove it.")
	}
	return a, checkSegments(a.path)
}

// dropPort leaves out a port that goes without saying, as curl does.
func (a *address) dropPort() {
	usual := ":443"
	if a.scheme == "http" {
		usual = ":80"
	}
	a.authority = strings.TrimSuffix(strings.TrimSuffix(a.authority, usual), ":")
}

// checkSegments refuses a path that curl would shorten before it sends it.
func checkSegments(path string) error {
	for segment := range strings.SplitSeq(strings.ReplaceAll(strings.ToLower(path), "%2e", "."), "/") {
		if segment == "." || segment == ".." {
			return refuseCurl("The path of the address holds a segment that is . or .. only. Write the path that is meant.")
		}
	}
	return nil
}

// braces reads what curl calls globbing: {a,b} and [1-3] are several addresses. A
// name in braces is more likely a placeholder of the documentation's, and becomes a
// field. With -g, and behind a backslash, a brace or bracket is only itself.
func (d *drafting) braces(text, in string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && !d.call.literal && i+1 < len(text) && strings.IndexByte(`[]{}`, text[i+1]) >= 0 {
			i++
			out.WriteString(bracket(text[i]))
			continue
		}
		if d.call.literal || c != '{' && c != '[' {
			out.WriteString(bracket(c))
			continue
		}
		taken, length, err := d.glob(text[i:], in)
		if err != nil {
			return "", err
		}
		out.WriteString(taken)
		i += length - 1
	}
	return out.String(), nil
}

// bracket writes a character as it may stand in an endpoint: braces are encoded.
func bracket(c byte) string {
	switch c {
	case '{':
		return "%7B"
	case '}':
		return "%7D"
	}
	return string([]byte{c})
}

// glob reads the braces or brackets that text begins with. It returns what stands
// for them, and how long they are.
func (d *drafting) glob(text, in string) (string, int, error) {
	const several = "The address has a list in it, such as {a,b} or [1-3], for which curl sends several requests. Write the one address that is meant; with -g, curl takes braces and brackets for what they are."
	if text[0] == '[' {
		inner, _, closed := strings.Cut(text[1:], "]")
		if closed && isRange(inner) {
			return "", 0, refuseCurl(several)
		}
		d.note("The brackets in the address were taken over as they are. curl itself would refuse them without -g.")
		return "[", 1, nil
	}
	inner, _, closed := strings.Cut(text[1:], "}")
	switch {
	case closed && strings.Contains(inner, ","):
		return "", 0, refuseCurl(several)
	case !closed || inner == "" || fieldName(inner) != inner:
		return "", 0, refuseCurl("The address holds a brace that belongs to no plain name. Put the real value in the place of a placeholder, or write a brace as %%7B or %%7D.")
	}
	name := d.field(callout.Field{Name: inner, Shape: callout.Shape{Type: callout.TypeString}, In: in, Required: true})
	d.note("The name in braces in the address has become the field " + name + ", which the agent gives. curl itself would send the name. Put a value there and remove the field if it is always the same.")
	return "{{" + name + "}}", len(inner) + 2, nil
}

// isRange reports whether curl takes the text in brackets for a range.
func isRange(text string) bool {
	text, _, _ = strings.Cut(text, ":") // a step
	from, to, found := strings.Cut(text, "-")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	letter := func(s string) bool { return len(s) == 1 && variableName(s) == s && s != "_" }
	return found && (digits(from) && digits(to) || letter(from) && letter(to))
}

// addQuery appends what -G and --url-query give.
func (d *drafting) addQuery() error {
	c := d.call
	extra := strings.Join(c.query, "&")
	if c.asQuery && c.data.Len() > 0 {
		if extra != "" {
			return refuseCurl("The command has --url-query and, with -G, data, of which curl sends only one. Remove one of them.")
		}
		extra = c.data.String()
	}
	if strings.Contains(extra, "{{") {
		return refuseCurl("A parameter of the query holds {{, which stands for something else. Put its value there, and encode it with --data-urlencode if it is meant as text.")
	}
	var pairs []string
	if d.address.query != "" {
		pairs = append(pairs, d.address.query)
	}
	if extra != "" {
		for pair := range strings.SplitSeq(extra, "&") {
			pairs = append(pairs, d.queryField(pair))
		}
	}
	d.address.query = strings.Join(pairs, "&")
	return nil
}

// queryField makes a field of a pair that was given as data. A pair that cannot be
// decoded stays as it is.
func (d *drafting) queryField(pair string) string {
	name, value, found := strings.Cut(pair, "=")
	plain, err := url.QueryUnescape(name)
	text, err2 := url.QueryUnescape(value)
	if !found || err != nil || err2 != nil || isQueryCredential(plain, text) {
		return pair
	}
	field := d.field(callout.Field{Name: plain, Shape: callout.Shape{Type: callout.TypeString}, In: callout.InQuery, Default: encode(text)})
	return name + "={{" + field + "}}"
}

// setEndpoint puts the address together. Where it is a credential as a whole, it is
// hidden as a whole; else its parameters that are credentials become secret values.
func (d *drafting) setEndpoint() {
	a := &d.address
	if isCapability(a) {
		d.note("The address looks like a credential by itself, such as that of a webhook, so it is kept as a secret. Set endpointSecret to false if it is none.")
		d.decodeEndpoint(map[string]any{"endpoint": a.String(), "endpointSecret": true})
		return
	}
	d.decodeEndpoint(map[string]any{"endpoint": a.String()})
	if d.config.EndpointSecret {
		return
	}
	pairs := strings.Split(a.query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		text, err2 := url.QueryUnescape(value)
		if err == nil && err2 == nil && value != "" && !strings.Contains(value, "{{") && isQueryCredential(plain, text) {
			pairs[i] = name + "=" + d.secretValue(plain, text)
		}
	}
	a.query = strings.Join(pairs, "&")
	d.config.Endpoint = a.String()
}

// decodeEndpoint lets the configuration's own decoder do it, which knows webhooks.
func (d *drafting) decodeEndpoint(members map[string]any) {
	data, _ := json.Marshal(members) // texts and booleans
	var decoded callout.Config
	_ = json.Unmarshal(data, &decoded)
	d.config.Endpoint, d.config.EndpointSecret, d.config.HiddenEndpoint = decoded.Endpoint, decoded.EndpointSecret, decoded.HiddenEndpoint
}

// isCapability reports whether the address looks like a credential by itself, of a
// kind that callout does not know: a host or segment that says so with an id behind
// it, or the token of a bot.
func isCapability(a *address) bool {
	said := false
	if strings.HasPrefix(a.authority, "hooks.") {
		return len(a.path) > 1
	}
	for segment := range strings.SplitSeq(a.path, "/") {
		if said && len(segment) >= 16 && strings.ContainsAny(segment, "0123456789") || len(segment) > 30 && strings.Contains(segment, ":") {
			return true
		}
		lower := strings.ToLower(segment)
		said = said || strings.Contains(lower, "hook") || lower == "key" || lower == "token"
	}
	return false
}

func (a *address) String() string {
	out := a.scheme + "://" + a.authority + a.path
	if a.query != "" {
		out += "?" + a.query
	}
	return out
}
