// Package idempotency lets an agent repeat a call without its being made twice:
// the header Idempotency-Key of the call fixes the id of its execution for a day.
//
// A row of the table only fixes the id. Whether there is an execution of that id,
// and who sends it, is decided by the conditional insert of its own row. So a
// claim that nobody followed up, because a process died, costs nothing: the next
// to claim the key is given the same id, and goes on with it.
package idempotency

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// Kept is how long a key is remembered, from its first claim on.
const Kept = 24 * time.Hour

// Rows is the table of keys.
type Rows interface {
	// Get fails with store.ErrNotFound.
	Get(ctx context.Context, partition, key string) (store.Row, error)
	// Put fails with store.ErrConflict when row.ETag is not the present one.
	Put(ctx context.Context, row store.Row) (etag string, err error)
	// Delete fails with store.ErrNotFound and store.ErrConflict.
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// Keys remembers keys. It is safe for concurrent use.
type Keys struct {
	rows Rows
	now  func() time.Time

	mu sync.Mutex
	// noted are the configurations that are in today's list of those to be swept.
	noted map[string]bool
	today string
}

// New returns the keys of the table. now is a clock on which all instances agree
// to within a few minutes.
func New(rows Rows, now func() time.Time) *Keys { return &Keys{rows: rows, now: now} }

// claim is one call of Claim.
type claim struct {
	partition, name string // of the row
	digest          []byte
	proposed        string
}

func claimOf(configID, key string, arguments Digest, proposed string) claim {
	sum := sha256.Sum256([]byte(key))
	return claim{partition: configID, name: hex.EncodeToString(sum[:]), digest: seal(key, arguments), proposed: proposed}
}

// Claim fixes the id of the execution that a key stands for, within one
// configuration: the proposed one if the key is new or is a day old, else that
// which was fixed before. Claims of one key at the same time, by whatever
// instance, all get the same id. The proposed id must be new in each call. A claim
// takes one write, another for the first of the day under a configuration, and a
// read if the key is known.
//
// A key is 1 to 255 visible ASCII characters, compared as they are. (By
// draft-ietf-httpapi-idempotency-key-header, section 2.1, the header's value is a
// string in quotes; who sends the quotes always does, so that they may be part of
// the key.)
//
// Errors are *callout.Error: InvalidRequest for another form;
// IdempotencyKeyReused if the key was claimed with other arguments;
// StorageUnavailable, when it may or may not have been claimed, which claiming it
// again puts right.
func (k *Keys) Claim(ctx context.Context, configID, key string, arguments Digest, proposed string) (string, error) {
	if !valid(key) {
		return "", &callout.Error{Code: callout.InvalidRequest, Target: header,
			Message: "The Idempotency-Key must have 1 to 255 characters, all of them visible ASCII. Use a new random UUID for each new call."}
	}
	c := claimOf(configID, key, arguments, proposed)
	if err := k.note(ctx, configID); err != nil {
		return "", callout.Unavailable(err)
	}
	return k.settle(ctx, c)
}

const header = "Idempotency-Key"

func valid(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= 255
}

// seal hides the digest of the arguments from whoever may read the table and
// could otherwise guess at them: the key is stored nowhere.
func seal(key string, arguments Digest) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(arguments[:])
	return mac.Sum(nil)
}

// tries is how often the row is written before it counts as out of reach. Two
// would do if no write were lost and no sweep came in between.
const tries = 4

var errNoEnd = errors.New("idempotency: a row changes each time it is read")

// settle inserts the row, or reads what it says. Whether a write was done that has
// failed is read from the row too: then it has the proposed id.
func (k *Keys) settle(ctx context.Context, c claim) (string, error) {
	etag, cause := "", errNoEnd
	for range tries {
		_, err := k.rows.Put(ctx, c.row(etag, k.now().Add(Kept)))
		switch {
		case err == nil:
			return c.proposed, nil
		case !errors.Is(err, store.ErrConflict):
			cause = err
		}
		found, err := k.rows.Get(ctx, c.partition, c.name)
		if errors.Is(err, store.ErrNotFound) {
			etag = ""
			continue
		}
		if err != nil {
			return "", callout.Unavailable(err)
		}
		r, err := decode(found.Data)
		if err != nil {
			return "", err
		}
		if r.live(k.now()) {
			return r.answer(c)
		}
		etag = found.ETag
	}
	return "", callout.Unavailable(cause)
}
