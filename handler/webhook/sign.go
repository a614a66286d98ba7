package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"callout/handler/keyring"
	"callout/handler/secret"
	"callout/handler/store"
)

// KeyName is the vault's secret that signs what is posted, in the form in which
// receivers take it: whsec_ and the base64 of 24 to 64 bytes. It is made on first
// use. Once disabled it stays so, and nothing is posted until it is enabled or
// another version is set.
const KeyName = "callout-callback-key"

const (
	keyPrefix = "whsec_"
	newSize   = 32 // of a key that is made here
	minSize   = 24
	maxSize   = 64
	// keyTTL is how long the key is used without a look at the vault. A receiver
	// refuses what is signed with an older one, and is tried again later.
	keyTTL = 5 * time.Minute
)

func newKey() secret.Secret {
	var key [newSize]byte
	_, _ = rand.Read(key[:]) // never fails
	return secret.New(keyPrefix + base64.StdEncoding.EncodeToString(key[:]))
}

// signingKey returns the key, from memory if it was read a moment ago.
func (s *Sender) signingKey(ctx context.Context) ([]byte, error) {
	if key := s.known(); key != nil {
		return key, nil
	}
	value, err := s.opts.Keys.Secret(ctx, keyring.Own{Name: KeyName, New: newKey})
	switch {
	case errors.Is(err, store.ErrDisabled):
		return nil, &Failure{Err: err, Message: "the secret " + KeyName + " is disabled; enable it in the vault, or set another version and give it to the receivers"}
	case err != nil:
		return nil, &Failure{Err: err, Message: "the secret " + KeyName + " could not be read from the vault"}
	}
	key, ok := parseKey(value)
	if !ok {
		return nil, &Failure{Message: "the secret " + KeyName + " is not of the form whsec_ and the base64 of 24 to 64 bytes; set a version that is"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.until = key, s.opts.Now().Add(keyTTL)
	return key, nil
}

func (s *Sender) known() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.until.Sub(s.opts.Now()); left <= 0 || left > keyTTL { // a clock that was put back
		return nil
	}
	return s.key
}

func parseKey(value secret.Secret) ([]byte, bool) {
	text, ok := strings.CutPrefix(value.Reveal(), keyPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	return key, ok && err == nil && len(key) >= minSize && len(key) <= maxSize
}

// sign signs the id, the time in seconds and the document, with full stops in
// between (specification, "Signature scheme").
func sign(key []byte, id string, at time.Time, payload []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(payload)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
