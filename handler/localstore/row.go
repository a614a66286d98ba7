package localstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"

	"callout/handler/store"
)

// maxPageData ends a page early, in bytes, as Table Storage does (4 MiB): a
// thousand of the largest rows would be 900 MB in memory.
const maxPageData = 4 << 20

var errTableName = errors.New("localstore: a table's name must be a letter and 2 to 62 letters or digits")

var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2}[A-Za-z0-9]*$`)

const maxTableName = 63

// rowKey is the row's key in its bucket. No part of it holds a NUL, so that a
// partition's rows are together and none of a longer-named neighbour's are
// among them.
func rowKey(partition, key string) []byte { return []byte(partition + "\x00" + key) }

// stampSize is the length of the stamp that begins a stored row.
const stampSize = 8

// newStamp returns what makes the ETag of one write. It is random rather than
// counted, so that it is not repeated after an older copy of the database was
// put back either.
func newStamp() []byte {
	stamp := make([]byte, stampSize)
	_, _ = rand.Read(stamp) // never fails (crypto/rand)
	return stamp
}

func etagOf(stamp []byte) string { return `"` + hex.EncodeToString(stamp) + `"` }

// storedETag returns the ETag of a stored row, "" for one that is absent. What
// is too short to have one never matches an ETag that was given out.
func storedETag(raw []byte) string {
	if raw == nil {
		return ""
	}
	return etagOf(raw[:min(len(raw), stampSize)])
}

// matches reports whether a row in the state current, "" if absent, is the one
// that wanted names.
func matches(current, wanted string) bool {
	if wanted == store.Any {
		return current != ""
	}
	return current == wanted
}

// encodeRow lays a row out for the database: the stamp, then the data, sealed
// for this table, partition, key and stamp.
func (t *Table) encodeRow(row store.Row, stamp []byte) []byte {
	sealed := t.store.sealer.seal(row.Data, "row", t.name, row.Partition, row.Key, string(stamp))
	return append(stamp[:stampSize:stampSize], sealed...)
}

// decodeRow opens what encodeRow laid out, or fails with ErrDamaged.
func (t *Table) decodeRow(partition, key string, raw []byte) (store.Row, error) {
	if len(raw) < stampSize {
		return store.Row{}, ErrDamaged
	}
	stamp := raw[:stampSize]
	data, err := t.store.sealer.open(raw[stampSize:], "row", t.name, partition, key, string(stamp))
	if err != nil {
		return store.Row{}, err
	}
	return store.Row{Partition: partition, Key: key, ETag: etagOf(stamp), Data: data}, nil
}
