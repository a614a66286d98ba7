// Package token gets OAuth 2.0 access tokens by client credentials (RFC 6749,
// section 4.4) and keeps them in a table that all instances share: one token
// request a token lifetime, however many instances and callers there are, and a
// few more for each fault.
//
// A token is refreshed by the first caller who finds it due, while the others
// go on with the old one. Whoever refreshes holds a lease, which is a conditional
// write of the token's row. Tokens are encrypted, and rows are found by a keyed
// fingerprint of the whole token request: another secret is another row.
package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"callout/handler/callout"
	"callout/handler/keyring"
	"callout/handler/store"
)

// Rows is the table of tokens.
type Rows interface {
	// Get fails with store.ErrNotFound.
	Get(ctx context.Context, partition, key string) (store.Row, error)
	// Put fails with store.ErrConflict when row.ETag is not the present one.
	Put(ctx context.Context, row store.Row) (etag string, err error)
	// Delete fails with store.ErrNotFound and store.ErrConflict.
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// Options say where a Cache keeps tokens, and how it asks for them.
type Options struct {
	Rows Rows
	// Keys has the key of the table's contents.
	Keys *keyring.Keyring
	// Place names the table among all others: a row that is copied to another
	// does not decrypt there.
	Place string
	// Transport sends the token requests. It must not follow redirects.
	Transport http.RoundTripper
	// Now is a clock on which all instances agree to within a few seconds.
	Now func() time.Time
	Log *slog.Logger
}

// Cache gives tokens. It is safe for concurrent use.
type Cache struct {
	opts Options

	mu    sync.Mutex
	slots map[fingerprint]*slot
}

// New returns a Cache. Nothing is read or sent yet.
func New(opts Options) *Cache {
	now := opts.Now
	// Without the monotonic reading, which stands still while a machine sleeps.
	opts.Now = func() time.Time { return now().Round(0) }
	return &Cache{opts: opts, slots: map[fingerprint]*slot{}}
}

// Prepare reads the key of the table, if that has not been done: a cold call
// would otherwise wait for one store after the other. It does not wait.
func (c *Cache) Prepare(ctx context.Context) { c.opts.Keys.Prepare(ctx) }

// Ask says what a caller already knows. The zero Ask is that of a call.
type Ask struct {
	// Rejected is the id of a token that the API has refused.
	Rejected string
	// Insist asks the provider in spite of a back-off, for whoever tests what has
	// just been put right.
	Insist bool
}

// Get returns a token for client, whose secrets are in place: from memory, from
// the table, or by a token request. A caller whose ctx ends leaves the rest of
// the work to the others who wait for it.
//
// The error is an *Error, or ErrSame if the token that the API has refused is
// the only one to be had for now.
func (c *Cache) Get(ctx context.Context, client *callout.OAuth, ask Ask) (Token, error) {
	s := c.slot(client)
	for {
		f := s.look(ctx, ask)
		token, err, ok := f.wait(ctx, c.opts.Now)
		// Who joined a flight of others, under way before, may still need one.
		if !ok || f.ask == ask || err == nil && token.ID != ask.Rejected {
			return token, err
		}
	}
}

// ErrSame is given to whoever reports a refused token that is too young to have
// expired, or was replaced already for the same reason: the refusal must have
// another cause, and another token would be refused as well.
var ErrSame = errors.New("token: the refused token is the only one to be had for now")

// requestTimeout is what one token request has.
const requestTimeout = 10 * time.Second

// Fetch returns a token by a token request of its own and keeps nothing. The
// error is an *Error.
func (c *Cache) Fetch(ctx context.Context, client *callout.OAuth) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	begun := c.opts.Now() // the lifetime may have begun as early as this
	granted, err := fetch(ctx, c.opts.Transport, client, c.opts.Now)
	if err != nil {
		return Token{}, err
	}
	return newToken(granted, begun), nil
}
