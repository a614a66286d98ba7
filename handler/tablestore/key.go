package tablestore

import (
	"errors"
	"regexp"
	"strings"

	"callout/handler/store"
)

// Limits of a row, the same as localstore's. Table Storage takes keys of 1 KiB
// in UTF-16, and 1 MiB for an entity with all its names and keys.
const (
	MaxKey  = 512       // characters of a partition, and of a key
	MaxData = 900 << 10 // bytes
)

// ErrInvalidKey: a partition, a key or a bound of a range is empty, longer than
// MaxKey, or holds a character that Table Storage refuses. Nothing was sent.
var ErrInvalidKey = errors.New(`tablestore: a row's partition and key must have 1 to 512 characters, ` +
	`of ASCII without control characters, /, \, #, ? and quotes`)

var errTableName = errors.New("tablestore: a table's name must be a letter and 2 to 62 letters or digits")

// tableName is the service's rule. Azurite takes others.
var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2}[A-Za-z0-9]*$`)

// validKey reports whether s may be a partition or a key.
func validKey(s string) bool {
	if s == "" || len(s) > MaxKey {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || strings.IndexByte(`/\#?'"`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

// validBound reports whether s may bound a range: nothing, or what may be a
// key.
func validBound(s string) bool { return s == "" || validKey(s) }

// etagForm is that of every ETag that the service gives.
var etagForm = regexp.MustCompile(`^W/"datetime'[0-9A-Za-z%:.+-]+'"$`)

// namesState reports whether an ETag can be that of a row. The service answers
// any other with 400, as if the request were wrong, when all that is wrong is
// that no row can match.
func namesState(etag string) bool {
	return etag == store.Any || len(etag) <= 128 && etagForm.MatchString(etag)
}
