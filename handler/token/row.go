package token

import (
	"encoding/json"
	"errors"
	"time"

	"callout/handler/secret"
	"callout/handler/store"
)

// record is what the instances know together of one client's token.
type record struct {
	etag  string
	gen   int64 // counts the tokens
	token Token
	// Who holds the lease, and until when, may ask for the next token.
	leaseOwner string
	leaseUntil time.Time
	invalid    invalid
	backoff    backoff
}

// invalid is the last token that an API refused before its time, and when that
// was.
type invalid struct {
	id string
	at time.Time
}

// fresh reports whether nobody needs another token yet.
func (r *record) fresh(now time.Time) bool {
	return r.token.fresh(now) && r.token.ID != r.invalid.id
}

// schema numbers the form of tokenRow.
const schema = 1

// tokenRow is a record as it is stored. Times are milliseconds since 1970, 0 for
// none.
type tokenRow struct {
	Schema       int    `json:"schema"`
	Gen          int64  `json:"gen"`
	TokenID      string `json:"tokenId,omitempty"`
	Token        []byte `json:"token,omitempty"` // sealed
	KeyVersion   string `json:"keyVersion,omitempty"`
	ObtainedMS   int64  `json:"obtainedMs,omitempty"`
	RefreshMS    int64  `json:"refreshMs,omitempty"`
	ExpiresMS    int64  `json:"expiresMs,omitempty"`
	LeaseOwner   string `json:"leaseOwner,omitempty"`
	LeaseUntilMS int64  `json:"leaseUntilMs,omitempty"`
	InvalidID    string `json:"invalidId,omitempty"`
	InvalidAtMS  int64  `json:"invalidAtMs,omitempty"`
	Fails        int    `json:"fails,omitempty"`
	NextTryMS    int64  `json:"nextTryMs,omitempty"`
	ErrorCode    Reason `json:"errorCode,omitempty"`
}

// maxStored is the length in bytes from which a token is not stored: with what
// encrypting and encoding add to it, it would make every read of its row slow.
const maxStored = 48 << 10

// encode seals the token and gives the row. A token that is too large is left
// out: other instances then ask for one of their own.
func (r *record) encode(k *key, partition, name string) store.Row {
	out := tokenRow{
		Schema: schema, Gen: r.gen, LeaseOwner: r.leaseOwner, LeaseUntilMS: millis(r.leaseUntil),
		InvalidID: r.invalid.id, InvalidAtMS: millis(r.invalid.at),
		Fails: r.backoff.fails, NextTryMS: millis(r.backoff.nextTry), ErrorCode: r.backoff.reason,
	}
	if t := r.token; !t.IsZero() && t.Value.Len() < maxStored {
		out.TokenID, out.KeyVersion = t.ID, k.id
		out.ObtainedMS, out.RefreshMS, out.ExpiresMS = millis(t.obtained), millis(t.refresh), millis(t.Expires)
		out.Token = k.seal.Seal(nil, nil, []byte(t.Value.Reveal()), k.binding(partition, name, r.gen, t))
	}
	data, _ := json.Marshal(out) // strings and numbers: cannot fail
	return store.Row{Partition: partition, Key: name, ETag: r.etag, Data: data}
}

// errNewer: another version of Callout has written the row.
var errNewer = errors.New("token: a row was written by a newer version of Callout, which this one cannot read")

// decodeRecord reads a row. What cannot be read or opened is as if it were not
// there, and is written over. It fails with errNewer only.
func decodeRecord(k *key, row store.Row) (*record, error) {
	r := &record{etag: row.ETag}
	var in tokenRow
	if json.Unmarshal(row.Data, &in) != nil {
		return r, nil
	}
	if in.Schema > schema {
		return nil, errNewer
	}
	r.gen, r.leaseOwner, r.leaseUntil = in.Gen, in.LeaseOwner, moment(in.LeaseUntilMS)
	r.invalid = invalid{in.InvalidID, moment(in.InvalidAtMS)}
	r.backoff = backoff{fails: in.Fails, nextTry: moment(in.NextTryMS), reason: in.ErrorCode}
	t := Token{ID: in.TokenID, obtained: moment(in.ObtainedMS), refresh: moment(in.RefreshMS), Expires: moment(in.ExpiresMS)}
	plain, err := open(k, in.Token, k.binding(row.Partition, row.Key, in.Gen, t))
	if err == nil {
		t.Value = secret.New(string(plain))
		r.token = t
	}
	return r, nil
}

// deadRow reports whether a row has been of no use for so long that it can go.
// The key is not needed to see that. What a newer version has written stays.
func deadRow(data []byte, now time.Time) bool {
	var in tokenRow
	if json.Unmarshal(data, &in) != nil {
		return true
	}
	end := moment(max(in.ExpiresMS, in.LeaseUntilMS, in.NextTryMS))
	return in.Schema <= schema && now.Sub(end) > keepDead
}

func open(k *key, sealed, binding []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errors.New("token: no token is stored")
	}
	return k.seal.Open(nil, nil, sealed, binding)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
