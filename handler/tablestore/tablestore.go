// Package tablestore keeps rows in Azure Table Storage: conditional writes by
// ETag, and lists in the order of keys. The suite in package storetest says
// what that means; localstore does the same on a laptop.
//
// A network loses answers. The SDK sends a request again that got none, and the
// service cannot know that it has done it already: the insert comes back as a
// conflict with itself. So every write leaves a mark in its row, and where an
// earlier try may have succeeded unseen, the row is read back. What is then
// still in doubt is store.ErrUnavailable, never store.ErrConflict: a caller who
// hears of a conflict may take for granted that nothing was written.
//
// No error holds an account key, an address, a key of a row or what the service
// said, but for the service's own name for what is wrong ("ServerBusy 503").
package tablestore

import (
	"errors"
	"sync"
	"time"

	"callout/handler/azure"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// Options says which account, and who asks. Either ConnectionString or Endpoint
// with Credential must be given, not both.
type Options struct {
	// ConnectionString opens an account with its key. UseDevelopmentStorage=true
	// is Azurite on its usual port. Plain http is taken to loopback only.
	ConnectionString string
	// Endpoint is the https address of an account's tables, such as
	// https://account.table.core.windows.net.
	Endpoint string
	// Credential gives tokens for Endpoint: on Azure, the managed identity.
	Credential azcore.TokenCredential
	// Transport sends the requests; nil is one of the store's own, which heeds no
	// proxy variables and follows no redirects.
	Transport policy.Transporter
	// Now is the local clock; nil is time.Now.
	Now func() time.Time
}

// Store is an account's tables. It may be used by many goroutines.
type Store struct {
	service *aztables.ServiceClient
	account string
	retry   policy.RetryOptions
	clock   *clock

	mu     sync.Mutex
	tables map[string]*Table
}

// New prepares a store. Nothing is sent until the first call, so that an
// account that cannot be reached does not keep the process from starting.
//
// Errors: what is wrong with the options, without their values.
func New(options Options) (*Store, error) { return newStore(options, azure.Retry) }

func newStore(options Options, retry policy.RetryOptions) (*Store, error) {
	clock := newClock(options.Now)
	service, endpoint, err := newService(options, clientOptions(options.Transport, retry, clock))
	if err != nil {
		return nil, err
	}
	return &Store{service: service, account: accountOf(endpoint), retry: retry, clock: clock, tables: map[string]*Table{}}, nil
}

func clientOptions(transport policy.Transporter, retry policy.RetryOptions, clock *clock) *aztables.ClientOptions {
	if transport == nil {
		transport = azure.NewTransport()
	}
	return &aztables.ClientOptions{ClientOptions: policy.ClientOptions{
		Retry:            retry,
		Telemetry:        policy.TelemetryOptions{Disabled: true},
		Transport:        transport,
		PerCallPolicies:  []policy.Policy{selection{}},
		PerRetryPolicies: []policy.Policy{tryWatch{}, azure.OwnBody{}, clock},
	}}
}

// newService picks the way of signing requests, and returns where they go.
func newService(options Options, client *aztables.ClientOptions) (service *aztables.ServiceClient, endpoint string, err error) {
	switch byKey, byToken := options.ConnectionString != "", options.Endpoint != ""; {
	case byKey && byToken:
		return nil, "", errors.New("tablestore: both a connection string and an endpoint are given; give one of them")
	case byKey:
		return newKeyService(options.ConnectionString, client)
	case byToken:
		service, err := newTokenService(options, client)
		return service, options.Endpoint, err
	}
	return nil, "", errors.New("tablestore: neither a connection string nor an endpoint is given; give one of them")
}

// Now returns the time by the service's clock, within a second and the time that
// an answer takes: the local clock, corrected by the Date of the answers so far.
// Before the first answer it is the local clock as it is. The time has no
// monotonic reading; it may jump when an answer shows that the local clock was
// set.
func (s *Store) Now() time.Time { return s.clock.now() }

// Account names the account: the address of its tables, without any secret. It
// is the same however the account is opened.
func (s *Store) Account() string { return s.account }

// Table returns the table of that name, which need not exist: the first write
// creates it. A name that no table can have fails each call.
func (s *Store) Table(name string) *Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	table, ok := s.tables[name]
	if !ok {
		table = &Table{
			name:     name,
			named:    len(name) <= 63 && tableName.MatchString(name),
			client:   s.service.NewClient(name),
			retry:    s.retry,
			creating: make(chan struct{}, 1),
		}
		s.tables[name] = table
	}
	return table
}
