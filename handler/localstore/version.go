package localstore

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"callout/handler/secret"
	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// storedVersion is a version as it is in the database. One that was read is
// valid within its transaction only.
type storedVersion struct {
	store.Version
	sealed []byte
}

// The layout of a stored version: id, time in nanoseconds since 1970, state,
// then the sealed value.
const (
	idSize      = 16
	createdAt   = idSize
	stateAt     = createdAt + 8
	versionHead = stateAt + 1
)

// The states of a version.
const (
	stateDisabled = 0
	stateEnabled  = 1
)

var errNoVersion = fmt.Errorf("localstore: there is no such secret or version: %w", store.ErrNotFound)

// newVersion seals a value for its name and a new id.
func (v *Vault) newVersion(name string, value secret.Secret) storedVersion {
	id := make([]byte, idSize)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	version := store.Version{ID: hex.EncodeToString(id), Created: time.Now().UTC(), Enabled: true}
	return storedVersion{version, v.store.sealer.seal([]byte(value.Reveal()), "secret", name, version.ID)}
}

// reveal opens a version's value, or fails with store.ErrDisabled or
// ErrDamaged.
func (v *Vault) reveal(name string, version storedVersion) (secret.Secret, error) {
	if !version.Enabled {
		return secret.Secret{}, fmt.Errorf("localstore: this version of the secret is disabled: %w", store.ErrDisabled)
	}
	value, err := v.store.sealer.open(version.sealed, "secret", name, version.ID)
	if err != nil {
		return secret.Secret{}, err
	}
	return secret.New(string(value)), nil
}

// secretBucket returns the bucket of a name, nil if there is no such secret.
func secretBucket(tx *bolt.Tx, name string) *bolt.Bucket {
	return tx.Bucket(secretsBucket).Bucket([]byte(name))
}

// appendVersion stores a version under the next number, so that the last key
// is the latest version whatever the clock says.
func appendVersion(tx *bolt.Tx, name string, version storedVersion) error {
	bucket, err := tx.Bucket(secretsBucket).CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return err
	}
	number, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	return bucket.Put(binary.BigEndian.AppendUint64(nil, number), version.encode())
}

// findVersion returns a version and its key, the latest if id is empty. It
// searches from the newest, which is the one that is nearly always wanted.
func findVersion(tx *bolt.Tx, name, id string) (at []byte, found storedVersion, err error) {
	bucket := secretBucket(tx, name)
	if bucket == nil {
		return nil, storedVersion{}, errNoVersion
	}
	c := bucket.Cursor()
	for at, raw := c.Last(); at != nil; at, raw = c.Prev() {
		found, err := decodeVersion(raw)
		if err != nil || id == "" || found.ID == id {
			return at, found, err
		}
	}
	return nil, storedVersion{}, errNoVersion
}

func (s storedVersion) encode() []byte {
	raw, _ := hex.DecodeString(s.ID) // made by newVersion or decodeVersion
	raw = binary.BigEndian.AppendUint64(raw, uint64(s.Created.UnixNano()))
	if s.Enabled {
		raw = append(raw, stateEnabled)
	} else {
		raw = append(raw, stateDisabled)
	}
	return append(raw, s.sealed...)
}

// decodeVersion reads what encode wrote, or fails with ErrDamaged. A state
// that it does not know is a disabled one.
func decodeVersion(raw []byte) (storedVersion, error) {
	if len(raw) < versionHead {
		return storedVersion{}, ErrDamaged
	}
	nanoseconds := int64(binary.BigEndian.Uint64(raw[createdAt:stateAt]))
	return storedVersion{
		Version: store.Version{
			ID:      hex.EncodeToString(raw[:idSize]),
			Created: time.Unix(0, nanoseconds).UTC(),
			Enabled: raw[stateAt] == stateEnabled,
		},
		sealed: raw[versionHead:],
	}, nil
}
