package tablestore

import (
	"errors"
	"regexp"

	"callout/handler/store"
)

var errTableName = errors.New("tablestore: a table's name must be a letter and 2 to 62 letters or digits")

// tableName is the service's rule. Azurite takes others.
var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2}[A-Za-z0-9]*$`)

// etagForm is that of every ETag that the service gives.
var etagForm = regexp.MustCompile(`^W/"datetime'[0-9A-Za-z%:.+-]+'"$`)

// namesState reports whether an ETag can be that of a row. The service answers
// any other with 400, as if the request were wrong, when all that is wrong is
// that no row can match.
func namesState(etag string) bool {
	return etag == store.Any || len(etag) <= 128 && etagForm.MatchString(etag)
}
