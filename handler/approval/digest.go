package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"

	"callout/handler/callout"
)

// Bound is what an approval is of: a request as it will be sent, with secrets as
// placeholders, and the versions that give the placeholders their meaning.
type Bound struct {
	ConfigID      string
	ConfigVersion int
	SecretVersion string
	Method        string
	URL           string
	Headers       []callout.HeaderValue // in an order that is always the same
	Body          []byte
}

// Digest returns the SHA-256 of b in hexadecimal. Each part is hashed with its
// length before it, so that no two requests run into the same bytes.
func (b Bound) Digest() string {
	h := sha256.New()
	for _, part := range []string{"callout approval 1", b.ConfigID, strconv.Itoa(b.ConfigVersion), b.SecretVersion, b.Method, b.URL} {
		add(h, part)
	}
	add(h, strconv.Itoa(len(b.Headers)))
	for _, header := range b.Headers {
		add(h, header.Name)
		add(h, header.Value)
	}
	add(h, string(b.Body))
	return hex.EncodeToString(h.Sum(nil))
}

func add(h hash.Hash, part string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	_, _ = h.Write(append(length[:], part...)) // a hash takes everything
}
