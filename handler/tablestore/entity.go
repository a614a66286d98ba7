package tablestore

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"callout/handler/store"
)

// ErrDamaged: a row does not have the form that this package gives it, and
// cannot be read.
var ErrDamaged = errors.New("tablestore: a row is not in the form in which it was written; something else has changed it")

// maxProperty is the most bytes of a binary property.
const maxProperty = 64 << 10

// The properties of a row beside its keys. The data is cut into D00, D01…. A head
// is shorter than a property may be.
const (
	propertyWriter = "W" // the mark of the write that made this state
	propertyBefore = "B" // the ETag of the state that it replaced, empty if it was an insert
	propertyHead   = "H" // the head, if there is one
	propertyLength = "N" // the length of the data in bytes
)

func propertyData(i int) string { return fmt.Sprintf("D%02d", i) }

// entity is a row as it is stored.
type entity struct {
	store.Row
	writer string
	before string
}

// newMark returns what tells one write from all others.
func newMark() string { return rand.Text() }

// encodeEntity lays a row out as the JSON that the service takes.
func encodeEntity(row store.Row, writer string) []byte {
	properties := map[string]any{
		"PartitionKey": row.Partition,
		"RowKey":       row.Key,
		propertyWriter: writer,
		propertyBefore: row.ETag,
		propertyLength: len(row.Data),
	}
	set := func(name string, value []byte) {
		properties[name] = value // base64, as the service wants it
		properties[name+"@odata.type"] = "Edm.Binary"
	}
	if len(row.Head) > 0 {
		set(propertyHead, row.Head)
	}
	for i, data := 0, row.Data; len(data) > 0; i++ {
		part := data[:min(len(data), maxProperty)]
		data = data[len(part):]
		set(propertyData(i), part)
	}
	raw, _ := json.Marshal(properties) // strings, numbers and bytes always encode
	return raw
}

// decodeEntity reads what the service gives for what encodeEntity laid out, or
// fails with ErrDamaged. Of a list, the ETag is among the properties. Where only
// the head was asked for, the data is not there.
func decodeEntity(raw []byte, headOnly bool) (entity, error) {
	var properties map[string]any
	if err := json.Unmarshal(raw, &properties); err != nil {
		return entity{}, ErrDamaged
	}
	var e entity
	for name, to := range map[string]*string{
		"PartitionKey": &e.Partition, "RowKey": &e.Key, propertyWriter: &e.writer, propertyBefore: &e.before,
	} {
		var ok bool
		if *to, ok = properties[name].(string); !ok {
			return entity{}, ErrDamaged
		}
	}
	e.ETag, _ = properties["odata.etag"].(string)
	var err error
	if e.Head, err = headOf(properties); err == nil && !headOnly {
		e.Data, err = joinData(properties)
	}
	return e, err
}

// headOf returns the head. Where there is none, the service says null for a
// property that was asked for by name, and Azurite says nothing.
func headOf(properties map[string]any) ([]byte, error) {
	if properties[propertyHead] == nil {
		return nil, nil
	}
	text, ok := properties[propertyHead].(string)
	head, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(head) > store.MaxHead {
		return nil, ErrDamaged
	}
	return head, nil
}

func joinData(properties map[string]any) ([]byte, error) {
	length, ok := properties[propertyLength].(float64)
	if !ok || length < 0 || length > store.MaxData {
		return nil, ErrDamaged
	}
	data := make([]byte, 0, int(length))
	for i := 0; len(data) < int(length); i++ {
		part, ok := properties[propertyData(i)].(string)
		if !ok {
			return nil, ErrDamaged
		}
		decoded, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(decoded) == 0 || len(decoded) > int(length)-len(data) {
			return nil, ErrDamaged
		}
		data = append(data, decoded...)
	}
	return data, nil
}
