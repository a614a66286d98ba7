// Package store is the vocabulary that the stores share with those who use
// them: what a row is, what a page is, and which errors mean what. Beyond the
// rule for keys it has no behaviour; the interfaces are declared by their consumers.
package store

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Errors of every store. Adapters wrap them, callers test with errors.Is.
var (
	// ErrNotFound: no such row, secret or version.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: the row exists already, or it is not the one that the ETag
	// names any more. Nothing was written.
	ErrConflict = errors.New("store: conflict")
	// ErrUnavailable: the store could not be reached or did not answer in time.
	// A write may or may not have happened.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrDisabled: the version exists and was switched off.
	ErrDisabled = errors.New("store: disabled")
	// ErrTooLarge: the row or the secret is over what the store takes.
	ErrTooLarge = errors.New("store: too large")
	// ErrInvalidKey: a partition, a key or a bound of a range is none that
	// ValidKey takes. Nothing was read or written.
	ErrInvalidKey = errors.New(`store: a row's partition and key must have 1 to 512 characters, ` +
		`of ASCII without control characters, /, \, #, ? and quotes`)
)

// Row is one row of a table, found by Partition and Key. Both are ASCII
// without control characters, `/`, `\`, `#`, `?` and quotes, because Table
// Storage refuses or mangles those.
type Row struct {
	Partition string
	Key       string
	// ETag names the state of the row as it was read. It is opaque, quoted as in
	// HTTP. On a write, empty means: only if there is no such row yet.
	ETag string
	// Head is what can be read without Data (Range.Heads): what a list shows of a
	// row. Both are written together; a Put without a Head leaves none.
	Head []byte
	Data []byte
	// Once keeps an insert from being sent again after a try that may have been
	// carried out: it could bring back what was removed meanwhile. What is not
	// found afterwards is then ErrUnavailable.
	Once bool
}

// Limits of a row in every store. Table Storage takes keys of 1 KiB in UTF-16, and
// 1 MiB for an entity with all that an adapter adds to it.
const (
	MaxKey  = 512       // characters of a partition, and of a key
	MaxHead = 32 << 10  // bytes
	MaxData = 900 << 10 // bytes
)

// ValidKey reports whether s may be a partition or a key.
func ValidKey(s string) bool {
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

// Any is the ETag that matches every state of an existing row.
const Any = "*"

// Range selects rows of one partition whose keys k satisfy After < k < Before
// (an empty bound is open), in ascending order of keys, at most Top of them.
type Range struct {
	Partition string
	After     string
	Before    string
	Top       int
	// Keys, unless nil, selects of those rows only the ones with these keys, in
	// whatever order they are given. A key without a row is left out. Table
	// Storage is asked once for each.
	Keys []string
	// Heads leaves Data out of the rows. What it would take to read them is not
	// spent.
	Heads bool
}

// Valid reports whether the range can be asked for: its partition, its bounds
// and its keys may be such.
func (r Range) Valid() bool {
	bound := func(s string) bool { return s == "" || ValidKey(s) }
	return ValidKey(r.Partition) && bound(r.After) && bound(r.Before) &&
		!slices.ContainsFunc(r.Keys, func(key string) bool { return !ValidKey(key) })
}

// Named returns those of Keys that are within the bounds, ascending, each once.
func (r Range) Named() []string {
	keys := slices.Compact(slices.Sorted(slices.Values(r.Keys)))
	return slices.DeleteFunc(keys, func(key string) bool {
		return key <= r.After || r.Before != "" && key >= r.Before
	})
}

// MaxTop is the largest page that a store gives.
const MaxTop = 1000

// Page is what a Range found. More says that rows may follow the last one; an
// empty page never has More.
type Page struct {
	Rows []Row
	More bool
}

// Names of the tables.
const (
	Configs    = "calloutconfigs"
	Tokens     = "callouttokens"
	Executions = "calloutexecutions"
	Index      = "calloutindex"
	Keys       = "calloutkeys"
)

// Version describes one version of a secret without its value.
type Version struct {
	// ID is opaque; a version of that id never changes.
	ID string
	// Created is when it was set, in UTC by the vault's clock.
	Created time.Time
	// Enabled is false once it has been disabled.
	Enabled bool
}
