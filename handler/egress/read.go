package egress

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"

	"callout/handler/callout"
)

const (
	// maxRatio is how many times its compressed size a body may have. JSON
	// seldom exceeds 20, a bomb reaches 1,000.
	maxRatio = 100
	// freeBytes may be decoded whatever the ratio: short texts that repeat
	// themselves compress very well and harm nobody.
	freeBytes = 64 << 10
)

// Body is the body of an answer, decoded.
type Body struct {
	Data      []byte
	Size      int64 // decoded bytes read, the length of Data
	Truncated bool  // there was more than may be read
}

// ReadBody reads at most limit decoded bytes of the answer's body and closes it,
// so that an endless one ends. A gzip body is decoded, unless RoundTrip has seen
// to that. A limit below zero counts as zero.
//
// The error is an *Error of stage response with Sent set: ResponseTooLarge if the
// body grows more than a hundredfold by decoding; InvalidResponse for another
// encoding than gzip, invalid gzip, or a body shorter than announced; TimedOut if
// the request's context ends meanwhile.
func ReadBody(resp *http.Response, limit int64) (Body, error) {
	if resp.Body == nil {
		return Body{}, nil
	}
	decode(resp)
	defer func() { _ = resp.Body.Close() }()
	limit = min(max(limit, 0), math.MaxInt64-1)
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return Body{}, bodyError(resp.Request, err)
	}
	size := min(int64(len(data)), limit)
	return Body{Data: data[:size], Size: size, Truncated: int64(len(data)) > limit}, nil
}

// decode makes reading resp.Body give the decoded body, under limits. What it
// cannot decode becomes an error of reading, so that an answer without a body,
// or one of which only the status is wanted, is none.
func decode(resp *http.Response) {
	encoding := strings.Join(resp.Header.Values("Content-Encoding"), ",")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip": // the same by RFC 9110, section 8.4.1.3
		resp.Body = &gunzip{packed: resp.Body}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	default:
		resp.Body = undecodable{resp.Body}
	}
}

// undecodable is a body in an encoding that is not understood. It may be empty.
type undecodable struct{ io.ReadCloser }

// Read returns an *Error at the first byte.
func (u undecodable) Read([]byte) (int, error) {
	var b [1]byte
	n, err := u.ReadCloser.Read(b[:])
	if n > 0 {
		return 0, undecodableError(callout.InvalidResponse,
			"The body of the answer has an encoding other than gzip, which was not asked for.",
			"Ask whoever runs the API to honour the header Accept-Encoding.")
	}
	return 0, err
}

// gunzip decodes a gzip body and stops when compressed and decoded size are out
// of all proportion.
type gunzip struct {
	packed   io.ReadCloser
	packedIn int64
	out      int64
	decoder  *gzip.Reader
	err      error // the first error, which stays
}

// Read implements io.Reader. Its own errors are of type *Error.
func (g *gunzip) Read(p []byte) (int, error) {
	if g.decoder == nil && g.err == nil {
		g.decoder, g.err = gzip.NewReader(readerFunc(g.readPacked))
	}
	if g.err != nil {
		return 0, gzipError(g.err)
	}
	n, err := g.decoder.Read(p)
	g.out += int64(n)
	if g.out > freeBytes && g.out > maxRatio*g.packedIn {
		n, err = 0, responseError(callout.ResponseTooLarge,
			"The body of the answer grows more than a hundredfold when it is decompressed.",
			"Ask the API for less data, or ask whoever runs it to answer without compression.")
	}
	g.err = err
	return n, gzipError(err)
}

// Close closes the body underneath.
func (g *gunzip) Close() error { return g.packed.Close() }

// readPacked counts what goes into the decoder. Gzip can go on for ever without
// giving a byte (empty blocks), which must end too.
func (g *gunzip) readPacked(p []byte) (int, error) {
	if g.packedIn > 2*g.out+2*freeBytes {
		return 0, gzip.ErrHeader
	}
	n, err := g.packed.Read(p)
	g.packedIn += int64(n)
	return n, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// gzipError gives the faults of the compression themselves a name and lets all
// others pass, those of the connection above all.
func gzipError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return undecodableError(callout.InvalidResponse,
			"The body of the answer is not valid gzip, although its header says so.",
			"Try again; if it goes on, ask whoever runs the API to correct its compression.")
	}
	return err
}

// bodyError classifies an error that came up while the body was read. req may
// be nil.
func bodyError(req *http.Request, err error) *Error {
	var known *Error
	switch {
	case errors.As(err, &known):
	case req != nil && req.Context().Err() != nil:
		err = req.Context().Err()
	case timedOut(err):
	case closed(err):
		err = responseError(callout.InvalidResponse,
			"The answer ended before its body was complete.",
			"Find out whether the request took effect before it is sent again.")
	default:
		err = responseError(callout.InvalidResponse,
			"The body of the answer could not be read.",
			"Find out whether the request took effect before it is sent again.")
	}
	return Classify(err, callout.StageResponse, true)
}

func undecodableError(code callout.Code, message, advice string) *Error {
	e := responseError(code, message, advice)
	e.Undecodable = true
	return e
}

func responseError(code callout.Code, message, advice string) *Error {
	return &Error{Code: code, Stage: callout.StageResponse, Message: message, Advice: advice, Sent: true}
}
