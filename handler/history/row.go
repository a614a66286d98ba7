package history

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// schemaNumber is that of what is written. Rows of 1 had no head.
const schemaNumber = 2

// executionRow is an execution at the edge of the store. It is there twice: whole
// as the row's data, and without its bodies, for lists, as the row's head. The
// head is no part of the truth but a summary of it: it is of bounded length, so
// that long texts may be cut, and a row can do without one.
type executionRow struct {
	Schema    int                `json:"schema"` // the first, so that it is read even if the rest cannot be
	ConfigID  string             `json:"configId"`
	Deadline  time.Time          `json:"deadline,omitzero"`
	Execution *callout.Execution `json:"execution"`
	Sealed    []byte             `json:"sealed,omitempty"` // in the data only
}

func rowOf(e *callout.Execution, sealed []byte) executionRow {
	return executionRow{schemaNumber, e.ConfigID, e.Deadline, e, sealed}
}

func encodeRow(e *callout.Execution, sealed []byte) (store.Row, error) {
	kept := fit(e)
	data, err := pack(rowOf(kept, sealed))
	if err != nil {
		return store.Row{}, err
	}
	head, err := encodeHead(kept)
	partition, key := place(e.ID)
	return store.Row{Partition: partition, Key: key, Head: head, Data: data}, err
}

// encodeHead summarises an execution, with texts as long as there is room for.
func encodeHead(e *callout.Execution) ([]byte, error) {
	for most := store.MaxHead; ; most /= 2 {
		head, err := encode(rowOf(summary(e, most), nil))
		if err != nil || len(head) <= store.MaxHead || most == 0 {
			return head, err
		}
	}
}

// summary is what a list shows of an execution, its texts cut to a number of
// bytes. The ticket is left whole: who removes the execution finds by it what
// points to it.
func summary(e *callout.Execution, most int) *callout.Execution {
	out := e.Row()
	if out.Request != nil {
		out.Request.URL = shorten(out.Request.URL, most)
	}
	if out.Response != nil {
		out.Response.ContentType = shorten(out.Response.ContentType, most)
		out.Response.Location = shorten(out.Response.Location, most)
	}
	if out.Error != nil {
		failure := *out.Error
		failure.Message = shorten(failure.Message, most)
		out.Error = &failure
	}
	if out.Approval != nil {
		approval := *out.Approval
		approval.By, approval.Reason = shorten(approval.By, most), shorten(approval.Reason, most)
		out.Approval = &approval
	}
	out.Context = maps.Clone(out.Context)
	for name, value := range out.Context {
		if name != ticketName {
			out.Context[name] = shorten(value, most)
		}
	}
	return out
}

// shorten cuts a text and says so.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// decode reads what encodeRow made, data or head.
func decode(stored []byte) (executionRow, error) {
	data, err := unpack(stored)
	if err != nil {
		return executionRow{}, errUnreadable
	}
	var r executionRow
	err = json.Unmarshal(data, &r)
	switch {
	case r.Schema > schemaNumber: // whatever else is in it
		return executionRow{}, newer()
	case err != nil || r.Execution == nil, r.Execution.Status == callout.PendingApproval && r.Execution.Approval == nil:
		return executionRow{}, errUnreadable
	}
	r.Execution.ConfigID, r.Execution.Deadline = r.ConfigID, r.Deadline
	return r, nil
}

// The causes of a refusal to read a row, for the log.
var (
	errUnreadable  = errors.New("history: a row is not readable")
	errNewerSchema = errors.New("history: a row was written by a newer version of Callout; run that version")
)

func newer() error {
	return &callout.Error{Code: callout.StorageUnavailable, Err: errNewerSchema,
		Message: "This execution was stored by a newer version of Callout, which this one cannot read. Run the newer version."}
}
