package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// partitions of the executions spread the writes of a busy moment.
const partitions = 8

func partition(i int) string { return fmt.Sprintf("b%d", i) }

// place returns where the execution of an id is kept. In the index, the key of
// what points to it is the same.
func place(id string) (partitionKey, rowKey string) {
	return partition(partitionOf(id)), reverse.Replace(id)
}

func partitionOf(id string) int {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id))
	return int(hash.Sum32() % partitions)
}

// idOf returns the id of a key.
func idOf(key string) string { return reverse.Replace(key) }

// reverse orders keys newest first: the digits of an id, counted from the other
// end of Crockford's alphabet.
var reverse = func() *strings.Replacer {
	var pairs []string
	for i, digit := range ulid.Encoding {
		pairs = append(pairs, string(digit), string(ulid.Encoding[len(ulid.Encoding)-1-i]))
	}
	return strings.NewReplacer(pairs...)
}()

// firstKey is before all other keys of a millisecond, and lastKey behind all.
func firstKey(millisecond int64) string { return edge(millisecond, 0xff) }
func lastKey(millisecond int64) string  { return edge(millisecond, 0) }

func edge(millisecond int64, entropy byte) string {
	var id ulid.ULID
	for i := range id {
		id[i] = entropy
	}
	_ = id.SetTime(uint64(min(max(millisecond, 0), int64(ulid.MaxTime())))) // within its limits
	return reverse.Replace(id.String())
}

// since is the bound that keys of the time t and later are before. Nothing is
// before the zero time.
func since(t time.Time) string {
	if t.IsZero() || t.UnixMilli() <= 0 {
		return ""
	}
	return firstKey(t.UnixMilli() - 1)
}

// until is the bound that keys of times before t are after.
func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return lastKey(t.UnixMilli())
}

// createdAt is when the execution of a key began, to the millisecond.
func createdAt(key string) time.Time {
	id, err := ulid.ParseStrict(idOf(key))
	if err != nil {
		return time.Time{}
	}
	return id.Timestamp()
}

// The partitions of the index: two for each configuration, one for each ticket,
// one for what waits, one for what was decided, and one for results that are still
// to be posted.
const (
	pending  = "pending"
	decided  = "decided"
	unposted = "unposted"
)

func byConfig(id string) string   { return "c:" + id }
func approvedOf(id string) string { return "a:" + id }

// byTicket hashes, since a ticket may be any text, and keys may not.
func byTicket(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return "t:" + hex.EncodeToString(sum[:])
}
