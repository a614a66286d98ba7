package request

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// UserAgent is sent unless a configured header says otherwise.
const UserAgent = "Callout/1"

// header is what is known of a configured header before Build: of a secret one
// only which fields it names.
type header struct {
	value  text
	fields []string
}

// lacks reports whether a field is absent that the header names.
func (h *header) lacks(v *values) bool {
	return slices.ContainsFunc(h.fields, func(field string) bool { return v.of(field) == nil })
}

// errNoHeader says nothing of the value, which may be a secret.
var errNoHeader = errors.New("request: a header would hold what a header cannot hold")

func (w *compiler) compileHeaders() {
	c := w.config
	w.template.headers = make([]header, len(c.Headers))
	for i := range c.Headers {
		configured, prepared := &c.Headers[i], &w.template.headers[i]
		switch {
		case configured.Hidden.IsSet():
			hidden, _ := compileText(configured.Hidden.Reveal(), asItIs)
			prepared.fields = hidden.fields()
		case configured.Secret:
			prepared.fields = notedFields(c, "headers/"+configured.Name)
		default: // what is wrong with it, callout.Config.Validate tells
			prepared.value, _ = compileText(configured.Value, asItIs)
			prepared.fields = prepared.value.fields()
		}
	}
}

// notedFields lists the fields that a stored secret text names.
func notedFields(c *callout.Config, path string) []string {
	var out []string
	for noted, references := range c.HiddenReferences {
		if !callout.SamePlace(noted, path) {
			continue
		}
		for _, ref := range references {
			if ref.Field != "" {
				out = append(out, ref.Field)
			}
		}
	}
	return out
}

// setHeaders sets the headers of a request: what is usual, in its place what is
// configured, and the fields that are a header of their own. A header of which a
// field is absent is not sent.
func (t *Template) setHeaders(out http.Header, filled *callout.Config, v *values) error {
	out.Set("User-Agent", UserAgent)
	out.Set("Accept", "application/json, */*;q=0.5")
	if t.body != nil {
		out.Set("Content-Type", t.body.contentType())
	}
	for i := range filled.Headers {
		if t.headers[i].lacks(v) {
			continue
		}
		value, err := t.headerValue(i, &filled.Headers[i], v)
		if err != nil {
			return err
		}
		out.Set(filled.Headers[i].Name, value)
	}
	for _, name := range t.inHeader {
		argument := plain(v.of(name))
		if !fitsHeader(argument) {
			return errNoHeader
		}
		if argument != "" {
			out.Set(name, argument)
		}
	}
	return nil
}

// headerValue fills in the configured header with the number i.
func (t *Template) headerValue(i int, h *callout.Header, v *values) (string, error) {
	value, problem := t.headers[i].value, ""
	switch {
	case h.Hidden.IsSet():
		value, problem = compileText(h.Hidden.Reveal(), asItIs)
	case h.Secret:
		return secret.Mask, nil
	}
	out := string(value.fill(nil, v, asItIs))
	if len(out) > callout.MaxSecret {
		return "", errTooLong
	}
	if problem != "" || !fitsHeader(out) {
		return "", errNoHeader
	}
	return out, nil
}

// fitsHeader reports whether a header can hold the value: ASCII without control
// characters other than the tab, and without space at its ends. That is less than
// net/http sends (RFC 9110, section 5.5), because proxies disagree about the rest.
func fitsHeader(value string) bool {
	return value == strings.TrimSpace(value) && strings.IndexFunc(value, func(r rune) bool {
		return r != '\t' && (r < 0x20 || r > 0x7e)
	}) < 0
}
