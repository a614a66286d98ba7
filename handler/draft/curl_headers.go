package draft

import (
	"strings"

	"callout/handler/callout"
)

// given is a header of the command.
type given struct{ name, value string }

// takeHeaders goes through what -H says, and after it through the options that
// stand for a header, each of which gives way to -H.
func (d *drafting) takeHeaders() error {
	seen := map[string]bool{} // in lower case; taken away by -H 'Name:' too
	for _, line := range d.call.headers {
		h, ok := parseHeader(line)
		lower := strings.ToLower(h.name)
		switch {
		case !ok:
			return refuseCurl("A header has no colon. Write it as -H 'Name: value', in one pair of quotes.")
		case seen[lower]:
			return refuseCurl("Two headers have the same name. Callout sends each header once: join the values with a comma if the API takes that.")
		}
		seen[lower] = true
		if h.value != "" || strings.HasSuffix(line, ";") {
			d.headers = append(d.headers, h)
		}
	}
	for _, h := range d.call.implied() {
		if lower := strings.ToLower(h.name); !seen[lower] {
			seen[lower] = true
			d.headers = append(d.headers, h)
		}
	}
	if err := d.sortHeaders(); err != nil {
		return err
	}
	if !seen["authorization"] {
		d.takeUser()
	}
	d.promoteKey()
	return nil
}

// parseHeader reads a header as curl does: 'Name: value' gives one, 'Name:' takes
// one away, and 'Name;' gives one that is empty.
func parseHeader(line string) (given, bool) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		name, value, ok = strings.Cut(line, ";")
		ok = ok && strings.TrimSpace(value) == ""
	}
	return given{name, strings.TrimSpace(value)}, ok
}

// implied lists the headers that other options stand for.
func (c *call) implied() []given {
	var out []given
	add := func(name, value string) {
		if value != "" {
			out = append(out, given{name, value})
		}
	}
	if c.asJSON {
		add("Content-Type", "application/json")
		add("Accept", "application/json")
	} else if c.hasData && !c.asQuery {
		add("Content-Type", formType)
	}
	add("Cookie", strings.Join(c.cookies, ";"))
	add("User-Agent", c.agent)
	add("Referer", c.referer)
	if c.parts != "" {
		add("Range", "bytes="+c.parts)
	}
	if c.bearer != "" {
		add("Authorization", "Bearer "+c.bearer)
	}
	return out
}

// sortHeaders finds what each header is: the credential, the type of the body,
// something that Callout does by itself, a secret, or just a header.
func (d *drafting) sortHeaders() error {
	for _, h := range d.headers {
		var err error
		switch lower := strings.ToLower(h.name); lower {
		case "authorization":
			err = d.authorization(h.value)
		case "content-type":
			d.media = h.value
		case "host":
			if !strings.EqualFold(h.value, d.address.authority) {
				err = refuseCurl("The command sets the Host header to another host than the address has. Callout calls the host of the address: write the one that is meant there, and remove the header.")
			}
		case "accept-encoding", "connection", "content-length", "expect", "keep-alive", "te": // the connection's
		case "idempotency-key", "x-idempotency-key":
			d.note("The header " + h.name + " was not taken over: its value would be the same for every call, and an API that knows it answers all but the first from memory.")
		default:
			err = d.header(h, lower == "cookie" || soundsSecret(h.name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *drafting) header(h given, hidden bool) error {
	switch {
	case hidden:
		d.config.Headers = append(d.config.Headers, callout.Header{Name: h.name, Secret: true, Hidden: d.usable("headers/"+h.name, h.value)})
	case !isValue(h.value):
		return refuseCurl("A variable or a placeholder whose value is not known here stands in a header. Put its value there.")
	default:
		d.config.Headers = append(d.config.Headers, callout.Header{Name: h.name, Value: h.value})
	}
	return nil
}

// promoteKey makes the one secret header of a command without any other credential
// its API key. Several stay headers.
func (d *drafting) promoteKey() {
	if d.config.Auth.Type != callout.AuthNone {
		return
	}
	found := -1
	for i, h := range d.config.Headers {
		switch {
		case !h.Secret || strings.EqualFold(h.Name, "Cookie"):
		case found >= 0:
			return
		default:
			found = i
		}
	}
	if found >= 0 {
		h := d.config.Headers[found]
		d.lacks["auth.key"] = d.lacks["headers/"+h.Name]
		d.config.Headers = append(d.config.Headers[:found], d.config.Headers[found+1:]...)
		d.config.Auth = callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: h.Name, Key: h.Hidden}
	}
}
