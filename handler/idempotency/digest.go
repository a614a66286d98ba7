package idempotency

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
)

// Digest tells arguments from others.
type Digest [sha256.Size]byte

// DigestOf returns the digest of arguments as schema.Parse gives them. Two are the
// same if they are the same JSON: in whatever order their members stand, however
// they are spaced and escaped, and whether an argument is null or absent, which is
// the same to a call. Numbers are the same if they are written in the same way: to
// an API, 1 and 1.0 may differ, and large ones would lose their last digits if
// they were compared by value.
//
// Only the arguments count. A call that repeats them with another context or
// callbackUrl is the same call, and gets the first one's.
//
// It fails for what is not made of JSON values.
func DigestOf(arguments map[string]any) (Digest, error) {
	given := make(map[string]any, len(arguments))
	for name, value := range arguments {
		if value != nil {
			given[name] = value
		}
	}
	text, err := json.Marshal(given) // sorts by name
	if err != nil {
		return Digest{}, errors.New("idempotency: the arguments are not made of JSON values")
	}
	return sha256.Sum256(text), nil
}
