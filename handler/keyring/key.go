package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"callout/handler/secret"
)

// keySize is the length of the key in bytes: AES-256.
const keySize = 32

// Purpose is what a subkey is for. What is sealed for one does not open for
// another.
type Purpose string

// The purposes.
const (
	Tokens    Purpose = "token"     // access tokens, in rows of their own form
	Arguments Purpose = "arguments" // of an execution, until it has been sent
)

// Key is one version of the deployment's key.
type Key struct {
	root []byte
	id   [idSize]byte
}

// idSize is long enough that two keys of a deployment do not share an id.
const idSize = 8

var errNoKey = errors.New("keyring: the secret " + KeyName + " is not a key; disable it, and another one is made")

// parseKey reads the vault's secret.
func parseKey(value secret.Secret) (*Key, error) {
	root, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil || len(root) != keySize {
		return nil, errNoKey
	}
	k := &Key{root: root}
	copy(k.id[:], k.Subkey("token id")) // as it has been since only tokens were sealed
	return k, nil
}

// ID tells the key from others without showing it: 16 hexadecimal digits.
func (k *Key) ID() string { return hex.EncodeToString(k.id[:]) }

// Subkey derives 32 bytes for one use by HKDF-SHA256 (RFC 5869, section 2.3; the
// key is random already, so that nothing is extracted). Uses that end in "seal"
// are those of AEAD.
func (k *Key) Subkey(use string) []byte {
	out, err := hkdf.Expand(sha256.New, k.root, "callout "+use, keySize)
	if err != nil { // only for more than 255 hashes
		panic(err)
	}
	return out
}

// AEAD is AES-256-GCM under the subkey of a purpose. It takes no nonce but puts
// one of its own before what it seals. Those are random, which is safe for 2^32
// values of each purpose (NIST SP 800-38D, section 8.3).
func (k *Key) AEAD(purpose Purpose) cipher.AEAD {
	block, err := aes.NewCipher(k.Subkey(string(purpose) + " seal"))
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return aead
		}
	}
	panic(err) // only for a key of another length
}
