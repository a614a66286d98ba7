package localstore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// sealer encrypts what is stored and binds it to its place, so that a sealed
// value that is moved to another row, table or version no longer opens.
//
// Nonces are random, which is safe for 2^32 values under one key (NIST SP
// 800-38D, 8.3): a write every second for 136 years.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("localstore: the key cannot be used: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("localstore: the key cannot be used: %w", err)
	}
	return sealer{aead}, nil
}

// seal encrypts plain for one place. The result is longer by the nonce and the
// tag, 28 bytes together.
func (s sealer) seal(plain []byte, place ...string) []byte {
	return s.aead.Seal(nil, nil, plain, joinPlace(place))
}

// open returns what was sealed for that place, in memory of its own, or
// ErrDamaged.
func (s sealer) open(sealed []byte, place ...string) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, joinPlace(place))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// joinPlace writes each part with its length before it, so that no two places
// give the same bytes.
func joinPlace(parts []string) []byte {
	var place []byte
	for _, part := range parts {
		place = binary.AppendUvarint(place, uint64(len(part)))
		place = append(place, part...)
	}
	return place
}
