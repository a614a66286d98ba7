// Package catalog keeps the configurations: rows hold everything but the secret
// values, and the vault holds those of one configuration as one bundle under
// one version, which the row names. Replacing the row under its ETag is the
// only commit (design: section 3).
package catalog

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/secret"
	"callout/handler/store"
)

// Rows is the table of configurations.
type Rows interface {
	// Get fails with store.ErrNotFound.
	Get(ctx context.Context, partition, key string) (store.Row, error)
	// Put fails with store.ErrConflict when row.ETag is not the present one.
	Put(ctx context.Context, row store.Row) (etag string, err error)
	// Delete fails with store.ErrNotFound and store.ErrConflict.
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// Vault keeps secret bundles. A version never changes.
type Vault interface {
	Set(ctx context.Context, name string, value secret.Secret) (version string, err error)
	// Get fails with store.ErrNotFound and store.ErrDisabled.
	Get(ctx context.Context, name, version string) (secret.Secret, error)
	Delete(ctx context.Context, name string) error
}

// Options say how a Catalog behaves.
type Options struct {
	// TTL is how long a configuration is served from memory without asking
	// whether another instance has changed it.
	TTL time.Duration
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// NewID makes the ids of configurations.
	NewID func() string
	// Prepare, if any, makes the vault ready while the first read of a
	// configuration is under way: a cold call would wait for one after the other.
	Prepare func(context.Context)
}

// Catalog reads and changes configurations. It is safe for concurrent use.
type Catalog struct {
	rows  Rows
	vault Vault
	opts  Options

	changing [64]sync.Mutex // by the hash of a name

	entries *memory[*Entry]
	bundles *memory[callout.Bundle]
}

// New returns the catalog over the two stores. Neither is touched yet.
func New(rows Rows, vault Vault, opts Options) *Catalog {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Catalog{rows: rows, vault: vault, opts: opts,
		entries: newMemory[*Entry](opts.TTL, opts.Now), bundles: newMemory[callout.Bundle](bundleTTL, opts.Now)}
}

const (
	configPartition = "config"
	testPartition   = "test"
)

// Get reads a configuration with its newest test. It fails with
// callout.ConfigNotFound.
func (c *Catalog) Get(ctx context.Context, name string) (*callout.Config, error) {
	config, err := c.read(ctx, name)
	if err != nil {
		return nil, err
	}
	config.LastTest, err = c.lastTest(ctx, config)
	return config, err
}

func (c *Catalog) read(ctx context.Context, name string) (*callout.Config, error) {
	if !callout.ValidName(name) {
		return nil, notFound()
	}
	row, err := c.rows.Get(ctx, configPartition, name)
	if errors.Is(err, store.ErrNotFound) {
		c.entries.drop(name)
		return nil, notFound()
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	return decodeConfig(row)
}

// List reads a page of configurations in the order of their names, those after
// the name after. The tests are left out: they are rows of their own.
func (c *Catalog) List(ctx context.Context, after string, top int) (configs []*callout.Config, more bool, err error) {
	page, err := c.rows.List(ctx, store.Range{Partition: configPartition, After: after, Top: top})
	if err != nil {
		return nil, false, callout.Unavailable(err)
	}
	for _, row := range page.Rows {
		config, err := decodeConfig(row)
		if err != nil {
			return nil, false, err
		}
		configs = append(configs, config)
	}
	return configs, page.More, nil
}

// Condition is what a change asks of the present state; the zero Condition asks
// nothing.
type Condition struct {
	// Match lists the ETags of If-Match; store.Any matches what exists.
	Match []string
	// Absent asks that there is no such configuration (If-None-Match: *).
	Absent bool
}

func (cond Condition) check(now *callout.Config) error {
	stale := cond.Absent && now != nil
	if len(cond.Match) > 0 {
		stale = stale || now == nil || !slices.Contains(cond.Match, store.Any) && !slices.Contains(cond.Match, now.ETag)
	}
	if stale {
		return errStale()
	}
	return nil
}

// exact reports whether the condition names one state. Who names one wants to
// know when somebody else was faster; for anyone else the change is made anew.
func (cond Condition) exact() bool {
	return cond.Absent || len(cond.Match) > 0 && !slices.Contains(cond.Match, store.Any)
}

func errStale() error {
	return &callout.Error{Code: callout.PreconditionFailed,
		Message: "The configuration is not in the state that If-Match or If-None-Match asks for. Read it again, and repeat the change on what you find."}
}

// Put creates or replaces the configuration that next describes. Secrets that
// it leaves out stay as they are. It fails with callout.InvalidConfig,
// SecretsRequired and PreconditionFailed.
func (c *Catalog) Put(ctx context.Context, next *callout.Config, cond Condition) (saved *callout.Config, created bool, err error) {
	return c.change(ctx, next.Name, cond, func(*callout.Config) (*callout.Config, error) { return next, nil })
}

// Patch replaces a configuration by what edit makes of it. It fails as Put does,
// with callout.ConfigNotFound, and as edit does.
func (c *Catalog) Patch(ctx context.Context, name string, cond Condition, edit func(*callout.Config) (*callout.Config, error)) (*callout.Config, error) {
	saved, _, err := c.change(ctx, name, cond, func(now *callout.Config) (*callout.Config, error) {
		if now == nil {
			return nil, notFound()
		}
		return edit(now)
	})
	return saved, err
}

// maxAttempts is how often a change is made because somebody else was faster,
// and with it how many changes of one configuration at the same moment all come
// through: each attempt that is lost was won by another.
const maxAttempts = 16

// maxInserts is how often a configuration is inserted because it is not known
// what became of the last try.
const maxInserts = 4

func (c *Catalog) change(ctx context.Context, name string, cond Condition, edit func(*callout.Config) (*callout.Config, error)) (*callout.Config, bool, error) {
	defer c.lock(name)()
	for attempt := 1; ; attempt++ {
		now, err := c.present(ctx, name)
		if err != nil {
			return nil, false, err
		}
		if err := cond.check(now); err != nil {
			return nil, false, err
		}
		next, err := edit(now)
		if err != nil {
			return nil, false, err
		}
		saved, err := c.replace(ctx, now, next)
		switch {
		case err == nil && now != nil:
			saved.LastTest, _ = c.lastTest(ctx, saved) // an extra: the change is done
			return saved, false, nil
		case errors.Is(err, errLost) && attempt < maxInserts:
			// anew, under another id
		case !isCode(err, callout.PreconditionFailed) || cond.exact():
			return saved, now == nil, err
		case attempt == maxAttempts:
			return nil, false, &callout.Error{Code: callout.StorageUnavailable, Err: err,
				Message: "Others keep changing this configuration at the same moment, and nothing was changed by this request. Try again in a few seconds."}
		}
	}
}

// lock lets the changes of one name that are made here come one after the other:
// those that lose a race leave a version of their secrets behind. It returns the
// unlocking.
func (c *Catalog) lock(name string) func() {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name))
	m := &c.changing[hash.Sum32()%uint32(len(c.changing))]
	m.Lock()
	return m.Unlock
}

// Create adds a configuration. It fails with callout.ConfigExists when the name
// is taken.
func (c *Catalog) Create(ctx context.Context, next *callout.Config) (*callout.Config, error) {
	saved, _, err := c.Put(ctx, next, Condition{Absent: true})
	if isCode(err, callout.PreconditionFailed) {
		return nil, &callout.Error{Code: callout.ConfigExists, Target: "name",
			Message: "A configuration of this name exists already. Choose another name, or change the existing one with PUT or PATCH."}
	}
	return saved, err
}

// Delete removes a configuration and its secrets; one that is not there is no
// error.
func (c *Catalog) Delete(ctx context.Context, name string, cond Condition) error {
	defer c.lock(name)()
	now, err := c.present(ctx, name)
	if err != nil {
		return err
	}
	if err := cond.check(now); err != nil || now == nil {
		return err
	}
	etag := store.Any
	if cond.exact() {
		etag = now.ETag
	}
	defer c.entries.forget(name)
	if err := c.rows.Delete(ctx, configPartition, name, etag); errors.Is(err, store.ErrConflict) {
		return errStale()
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return callout.Unavailable(err)
	}
	c.clearAway(ctx, now)
	return nil
}

// clearAway removes what no row names any more. What cannot be removed now is an
// orphan, which holds nothing that can be reached. The vault is asked even if
// the row named no version: there may be older ones.
func (c *Catalog) clearAway(ctx context.Context, gone *callout.Config) {
	_ = c.rows.Delete(ctx, testPartition, gone.Name, store.Any)
	_ = c.vault.Delete(ctx, VaultName(gone.ID))
}

// present reads a configuration that need not exist.
func (c *Catalog) present(ctx context.Context, name string) (*callout.Config, error) {
	config, err := c.read(ctx, name)
	if isCode(err, callout.ConfigNotFound) {
		return nil, nil
	}
	return config, err
}

// Check returns what is wrong with a configuration that stored (nil for none)
// is to become.
func Check(next, stored *callout.Config) error {
	if stored != nil && next.Exposes(stored) {
		return secretsRequired([]string{"endpoint"}, "The stored endpoint is a secret of which only the origin is shown. To make it public, give the whole URL.")
	}
	_, more := request.Compile(next)
	faults := slices.Concat(next.Validate(next.Excused(stored)), more, tooLarge(next))
	if err := callout.Refuse(callout.InvalidConfig, faults); err != nil {
		return err
	}
	return checkOrigin(next, stored, next.Kept(stored))
}

// tooLarge bounds the whole, which may be put together from several requests.
func tooLarge(next *callout.Config) []callout.Fault {
	given := next.WithoutSecrets()
	given.Secrets, given.LastTest = nil, nil
	if data, err := encode(given); err == nil && len(data) <= callout.MaxConfig {
		return nil
	}
	return []callout.Fault{{Code: callout.TooLong, Message: "The configuration as a whole is larger than 256 KiB. Shorten descriptions, or remove fields."}}
}

// checkOrigin refuses to carry a stored secret to another place: whoever may
// change a URL need not be allowed to learn what is sent there. To the token URL
// go the secrets of the credential and those that the token request names; to the
// endpoint go all, those behind a token as the token.
func checkOrigin(next, stored *callout.Config, kept []string) error {
	if len(kept) == 0 {
		return nil
	}
	if callout.Origin(next.Endpoint) != callout.Origin(stored.Endpoint) {
		return secretsRequired(kept, "The endpoint now leads to another origin, and stored secrets are not sent there. Give this secret again.")
	}
	named, before := next.TokenSecrets(), stored.TokenSecrets()
	if callout.Origin(next.Auth.TokenURL) != callout.Origin(stored.Auth.TokenURL) {
		return secretsRequired(those(kept, func(path string) bool { return strings.HasPrefix(path, "auth.") || slices.Contains(named, path) }),
			"The token URL now leads to another origin, and stored secrets are not sent there. Give this secret again.")
	}
	if err := secretsRequired(those(kept, func(path string) bool { return slices.Contains(named, path) && !slices.Contains(before, path) }),
		"The token request did not name this secret value before, and what is stored is not sent to another place. Give this secret again."); err != nil {
		return err
	}
	called, calledBefore := next.CallSecrets(), stored.CallSecrets()
	moved := func(path string) bool {
		return slices.Contains(before, path) && slices.Contains(called, path) && !slices.Contains(calledBefore, path)
	}
	if callout.Origin(next.Endpoint) == callout.Origin(stored.Auth.TokenURL) {
		return nil
	}
	return secretsRequired(those(kept, moved),
		"This secret value was sent to the token URL only, and what is stored is not sent to another place. Give this secret again.")
}

func those(paths []string, which func(path string) bool) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !which(path) })
}

func secretsRequired(paths []string, message string) error {
	var faults []callout.Fault
	for _, path := range paths {
		faults = append(faults, callout.Fault{Code: callout.SecretsRequired, Target: path, Message: message})
	}
	return callout.Refuse(callout.SecretsRequired, faults)
}

func notFound() error {
	return &callout.Error{Code: callout.ConfigNotFound, Target: "name",
		Message: "There is no configuration of this name. List them to see which there are."}
}

func isCode(err error, code string) bool {
	var e *callout.Error
	return errors.As(err, &e) && e.Code == code
}

// VaultName is the name under which the vault keeps the secrets of the
// configuration of that id. Names of the vault ignore case.
func VaultName(id string) string { return "callout-" + strings.ToLower(id) }
