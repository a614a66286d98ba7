package localstore

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"

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

// headLength is the size of the number that says how long the sealed head is.
const headLength = 4

// encodeRow lays a row out for the database: the stamp, the length of the sealed
// head, the sealed head, the sealed data. Both are sealed for this table,
// partition, key and stamp, so that the head can be opened alone and neither goes
// with another's. Without a head the length is 0.
func (t *Table) encodeRow(row store.Row, stamp []byte) []byte {
	var head []byte
	if len(row.Head) > 0 {
		head = t.store.sealer.seal(row.Head, t.place("head", row.Partition, row.Key, stamp)...)
	}
	length := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	data := t.store.sealer.seal(row.Data, t.place("data"+string(length), row.Partition, row.Key, stamp)...)
	return slices.Concat(stamp, length, head, data)
}

// place is where a part of a row belongs.
func (t *Table) place(part, partition, key string, stamp []byte) []string {
	return []string{part, t.name, partition, key, string(stamp)}
}

// decodeRow opens what encodeRow laid out, or fails with ErrDamaged. What does not
// open may be in the layout of schema 1, in which a row had no head.
func (t *Table) decodeRow(partition, key string, raw []byte, headOnly bool) (store.Row, error) {
	if len(raw) < stampSize {
		return store.Row{}, ErrDamaged
	}
	stamp, sealed := raw[:stampSize], raw[stampSize:]
	row := store.Row{Partition: partition, Key: key, ETag: etagOf(stamp)}
	head, data, err := t.openRow(row, stamp, sealed, headOnly)
	if err != nil {
		head = nil
		data, err = t.store.sealer.open(sealed, t.place("row", partition, key, stamp)...)
	}
	if err != nil {
		return store.Row{}, err
	}
	row.Head = head
	if !headOnly {
		row.Data = data
	}
	return row, nil
}

// openRow opens head and data in the present layout.
func (t *Table) openRow(row store.Row, stamp, sealed []byte, headOnly bool) (head, data []byte, err error) {
	if len(sealed) < headLength {
		return nil, nil, ErrDamaged
	}
	length, rest := sealed[:headLength], sealed[headLength:]
	n := binary.BigEndian.Uint32(length)
	if uint64(n) > uint64(len(rest)) {
		return nil, nil, ErrDamaged
	}
	if n > 0 {
		if head, err = t.store.sealer.open(rest[:n], t.place("head", row.Partition, row.Key, stamp)...); err != nil {
			return nil, nil, err
		}
	}
	if !headOnly {
		data, err = t.store.sealer.open(rest[n:], t.place("data"+string(length), row.Partition, row.Key, stamp)...)
	}
	return head, data, err
}

// pageSize is what a stored row counts for in a page, in bytes.
func pageSize(raw []byte, headOnly bool) int {
	if !headOnly || len(raw) < stampSize+headLength {
		return len(raw)
	}
	n := binary.BigEndian.Uint32(raw[stampSize:])
	return min(len(raw), stampSize+headLength+int(n))
}
