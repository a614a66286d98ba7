package keyring

import (
	"context"
	"errors"
)

// The causes for which a sealed value does not open, beside those of the stores.
var (
	// ErrDamaged: the value was altered or cut, or was sealed for another purpose
	// or place.
	ErrDamaged = errors.New("keyring: a sealed value does not open; it was altered, or moved from where it was stored")
	// ErrNewer: another version of Callout has sealed the value.
	ErrNewer = errors.New("keyring: a value was sealed by a newer version of Callout; run that version")
	// ErrKeyGone: no version of the key that can be read opens the value.
	ErrKeyGone = errors.New("keyring: the version of " + KeyName + " that a value was sealed with is disabled or deleted; enable it in the vault to read the value")
)

// A sealed value is the number of its form, the id of the key, the nonce and the
// ciphertext with its tag.
const (
	form     = 1
	headSize = 1 + idSize
)

// Overhead is how many bytes longer a sealed value is than the plain one.
const Overhead = headSize + 12 + 16

// Seal encrypts plain by AES-256-GCM under the present key, for one purpose and
// one place, such as the id of the row that it is stored in: it opens for no
// other. It fails as Key does.
func (k *Keyring) Seal(ctx context.Context, purpose Purpose, place string, plain []byte) ([]byte, error) {
	key, err := k.Key(ctx)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, Overhead+len(plain))
	sealed = append(append(sealed, form), key.id[:]...)
	return key.AEAD(purpose).Seal(sealed, nil, plain, []byte(place)), nil
}

// Open returns what Seal was given for that purpose and place, also when the key
// has got another version since. The vault is asked only for a version that is
// not in memory.
//
// Errors: ErrDamaged, ErrNewer, ErrKeyGone; store.ErrUnavailable and those of ctx
// if the key could not be read, when another try may succeed.
func (k *Keyring) Open(ctx context.Context, purpose Purpose, place string, sealed []byte) ([]byte, error) {
	switch {
	case len(sealed) > 0 && sealed[0] > form:
		return nil, ErrNewer
	case len(sealed) < Overhead || sealed[0] != form:
		return nil, ErrDamaged
	}
	key, err := k.keyOf(ctx, [idSize]byte(sealed[1:headSize]))
	if err != nil {
		return nil, err
	}
	plain, err := key.AEAD(purpose).Open(nil, nil, sealed[headSize:], []byte(place))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
