package history

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"

	"callout/handler/callout"
)

const (
	// maxBody is what is kept of a response's body. The caller of a direct call
	// gets more.
	maxBody = 512 << 10
	// minBody is the least that is kept of a body that has to shrink, if anything is.
	minBody = 4 << 10
	// packFrom is the size from which a row is compressed: below it, the time costs
	// more than the room.
	packFrom = 8 << 10
	// maxUnpacked bounds what a damaged row can cost.
	maxUnpacked = 8 << 20
)

// fit returns the execution with a body that fits into a row. The cut is said.
func fit(e *callout.Execution) *callout.Execution {
	if e.Response == nil || len(e.Response.Body) <= maxBody {
		return e
	}
	return withBody(e, cut(e.Response.Body, maxBody))
}

// withBody returns the execution with less of the response's body. The cut is said.
func withBody(e *callout.Execution, body json.RawMessage) *callout.Execution {
	short := *e.Response
	short.Body, short.Truncated = body, true
	out := *e
	out.Response = &short
	return &out
}

// shrink returns the execution with the next smaller bodies, nil if there are none:
// half of the response's at a time, at last none of it, and then none of the
// request's, unless it waits for a decision. None is null.
func shrink(e *callout.Execution) *callout.Execution {
	if e.Response != nil && !isNull(e.Response.Body) {
		half := min(len(e.Response.Body), maxBody) / 2
		if half < minBody {
			return withBody(e, null)
		}
		return withBody(e, cut(e.Response.Body, half))
	}
	// Of what a technician is asked about, nothing may be hidden.
	if e.Request == nil || isNull(e.Request.Body) || e.Status == callout.PendingApproval {
		return nil
	}
	out, request := *e, *e.Request
	request.Body, out.Request = null, &request
	return &out
}

var null = json.RawMessage("null")

func isNull(body json.RawMessage) bool { return len(body) == 0 || bytes.Equal(body, null) }

// cut keeps the beginning of a body as text, of at most so many bytes and two
// quotes: half of a JSON document is none. Control characters grow when they are
// encoded, so what is kept may have to shrink more than once.
func cut(body json.RawMessage, most int) json.RawMessage {
	text := string(body)
	_ = json.Unmarshal(body, &text) // a JSON string gives its text; anything else stays as it is
	for keep := most; ; keep /= 2 {
		encoded, err := encode(strings.ToValidUTF8(text[:min(keep, len(text))], ""))
		if err == nil && len(encoded) <= most+2 {
			return encoded
		}
	}
}

// encode leaves out the HTML escapes, which would make `<` six bytes long.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func pack(row executionRow) ([]byte, error) {
	data, err := encode(row)
	if err != nil || len(data) < packFrom {
		return data, err
	}
	var b bytes.Buffer
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&b)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

// packers are kept: each has tables of more than a megabyte, and making them takes
// longer than all else that is done to write a row.
var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

func unpack(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if len(out) > maxUnpacked {
		return nil, errors.New("history: a row is too large")
	}
	return out, err
}
