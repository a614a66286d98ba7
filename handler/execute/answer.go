package execute

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"callout/handler/callout"
	"callout/handler/egress"
)

// view makes what an agent sees of a body, which has been redacted and cut: JSON
// as it is, text as a string, anything else described. JSON loses its white space,
// and is redacted once more for it: a secret that is JSON itself may have been
// written with other white space than it is stored with.
func view(resp *callout.Response, clean []byte, redact func([]byte) []byte) json.RawMessage {
	if len(clean) == 0 {
		return nil
	}
	kind, params, _ := mime.ParseMediaType(resp.ContentType)
	clean = asUTF8(clean, params["charset"])
	if resp.Truncated {
		clean = wholeRunes(clean)
	}
	switch {
	case !resp.Truncated && isJSON(kind, clean):
		if short := compact(clean); len(short) < len(clean) {
			return redact(short)
		}
		return clean
	case !looksLikeText(clean):
	case utf8.Valid(clean):
		return quoted(string(clean))
	case strings.HasPrefix(kind, "text/"):
		return quoted(strings.ToValidUTF8(string(clean), "\uFFFD"))
	}
	return quoted(fmt.Sprintf("(%d bytes of binary content, not shown)", resp.Bytes))
}

// looksLikeText is false for what has a NUL, as no text has except UTF-16, in which
// no secret would be found, and for what is one control character in ten: as JSON,
// such a body is up to six times as large.
func looksLikeText(data []byte) bool {
	controls := 0
	for _, c := range data {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			controls++
		}
		if c == 0 {
			return false
		}
	}
	return controls <= len(data)/10
}

// asUTF8 takes off a byte order mark, and rewrites what calls itself ISO-8859-1,
// in which each byte is the character of its number.
func asUTF8(data []byte, charset string) []byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) || !strings.EqualFold(charset, "iso-8859-1") {
		return data
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return []byte(string(runes))
}

// wholeRunes leaves off a character of which the limit cut the end.
func wholeRunes(data []byte) []byte {
	for i := len(data) - 1; i >= max(0, len(data)-utf8.UTFMax); i-- {
		if utf8.RuneStart(data[i]) && !utf8.FullRune(data[i:]) {
			return data[:i]
		}
	}
	return data
}

// isJSON believes the type, and an API that forgot to say it.
func isJSON(kind string, data []byte) bool {
	named := kind == "application/json" || strings.HasSuffix(kind, "+json")
	looks := (kind == "" || kind == "text/plain") && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
	return (named || looks) && utf8.Valid(data) && !tooDeep(data) && json.Valid(data)
}

// maxDepth is how deep JSON may be nested to be passed on as such. What holds it,
// such as the row of the history, is read with a limit of its own.
const maxDepth = 1000

// tooDeep counts brackets, also those in texts: whatever has so many is not read by
// anybody.
func tooDeep(data []byte) bool {
	depth := 0
	for _, c := range data {
		switch c {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

func compact(data []byte) json.RawMessage {
	var b bytes.Buffer
	_ = json.Compact(&b, data) // valid by now
	return b.Bytes()
}

func quoted(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string: cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxRetryAfter bounds what an upstream can make an agent wait: a day.
const maxRetryAfter = 24 * 60 * 60

// retryAfter reads Retry-After (RFC 9110, section 10.2.3), or the time at which
// a limit is reset as GitHub and others give it; 0 when neither is there.
func retryAfter(h http.Header, now time.Time) int {
	if wait := egress.RetryAfter(h, now); wait > 0 {
		return bounded(int(math.Ceil(wait.Seconds())))
	}
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && h.Get("X-Ratelimit-Remaining") == "0" {
		return bounded(int(reset - now.Unix()))
	}
	return 0
}

func bounded(seconds int) int { return max(0, min(seconds, maxRetryAfter)) }
