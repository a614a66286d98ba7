package request

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// longPart is the length, in bytes, from which a part of a secret text is taken
// for a secret of its own: shorter ones are words such as "services".
const longPart = 16

// Echoes lists what an upstream may write back of a secret endpoint and of secret
// headers. It sees path, query and values as they are filled in, not the texts that
// are stored. filled and args are those of Build.
func (t *Template) Echoes(filled *callout.Config, args Arguments) []secret.Secret {
	sent, err := t.Build(context.Background(), filled, args)
	if err != nil { // then nothing is sent that could be written back
		return nil
	}
	return append(endpointEchoes(filled, sent.URL), headerEchoes(filled.Headers, sent.Header)...)
}

func endpointEchoes(filled *callout.Config, sent *url.URL) []secret.Secret {
	if !filled.EndpointSecret {
		return nil
	}
	configured, err := url.Parse(marked(filled.URL(), url.QueryEscape(mark)))
	if err != nil {
		return nil
	}
	out := []secret.Secret{secret.New(configured.RequestURI()), secret.New(sent.RequestURI()), secret.New(sent.EscapedPath()), secret.New(sent.Path)}
	out = append(out, longParts(configured.Path, "/"+mark)...)
	for _, values := range configured.Query() {
		for _, value := range values {
			out = append(out, longParts(value, mark)...)
		}
	}
	return out
}

func headerEchoes(headers []callout.Header, sent http.Header) []secret.Secret {
	var out []secret.Secret
	for _, h := range headers {
		if s := marked(h.Hidden.Reveal(), mark); strings.Contains(s, mark) {
			out = append(out, secret.New(sent.Get(h.Name)))
			out = append(out, longParts(s, mark+` ,;"`)...)
		}
	}
	return out
}

// mark stands for a placeholder: no configured text holds it.
const mark = "\x00"

// marked writes a secret text with word in the place of each placeholder.
func marked(s, word string) string {
	t, _ := compileText(s, asItIs) // has been checked
	var out strings.Builder
	for _, part := range t {
		if part.Literal == "" {
			out.WriteString(word)
		}
		out.WriteString(part.Literal)
	}
	return out.String()
}

// longParts lists the long ones of what stands between the separators.
func longParts(s, separators string) []secret.Secret {
	var out []secret.Secret
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if len(part) >= longPart {
			out = append(out, secret.New(part))
		}
	}
	return out
}
