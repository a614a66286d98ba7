package idempotency

import (
	"crypto/hmac"
	"encoding/json"
	"errors"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// schema numbers the form of keyRow.
const schema = 1

// keyRow is a claimed key as it is stored, in the partition of its configuration,
// under the SHA-256 of the key.
type keyRow struct {
	Schema    int    `json:"schema"`
	Arguments []byte `json:"arguments"` // their digest, keyed by the idempotency key
	Execution string `json:"execution"`
	// ExpiresMS is milliseconds since 1970. It means the same in every schema, so
	// that a sweep needs to know no more.
	ExpiresMS int64 `json:"expiresMs"`
}

// row is what a claim writes in the place of the state etag.
func (c claim) row(etag string, expires time.Time) store.Row {
	data, _ := json.Marshal(keyRow{schema, c.digest, c.proposed, expires.UnixMilli()}) // strings and numbers: cannot fail
	return store.Row{Partition: c.partition, Key: c.name, ETag: etag, Data: data}
}

// The causes of a refusal to read a row, for the log.
var (
	errUnreadable = errors.New("idempotency: a row is not readable")
	errNewer      = errors.New("idempotency: a row was written by a newer version of Callout; run that version")
)

// decode reads a row. What cannot be read is not written over: it may stand for a
// call that was made.
func decode(data []byte) (keyRow, error) {
	var r keyRow
	err := json.Unmarshal(data, &r)
	switch {
	case r.Schema > schema: // whatever else is in it
		return r, refusal(errNewer, "This Idempotency-Key was stored by a newer version of Callout, which this one cannot read. Run the newer version, or use a new key.")
	case err != nil || r.Execution == "":
		return r, refusal(errUnreadable, "What was stored for this Idempotency-Key cannot be read, so nothing was sent. Look whether the call was made before, and if not, use a new key.")
	}
	return r, nil
}

func refusal(cause error, message string) error {
	return &callout.Error{Code: callout.StorageUnavailable, Target: header, Err: cause, Message: message}
}

func (r keyRow) live(now time.Time) bool { return now.UnixMilli() < r.ExpiresMS }

// answer is what the row says to a claim.
func (r keyRow) answer(c claim) (string, error) {
	if !hmac.Equal(r.Arguments, c.digest) {
		return "", &callout.Error{Code: callout.IdempotencyKeyReused, Target: header,
			Message: "This Idempotency-Key was used within the last 24 hours for a call with other arguments. Nothing was sent. Repeat that call unchanged to get its result, or use a new key for a new call."}
	}
	return r.Execution, nil
}
