package tablestore

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/azure"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// quick is how most tests try again: as often as the store does, without its
// waits, and with a try time-out that a busy machine does not reach.
var quick = policy.RetryOptions{
	MaxRetries: azure.Retry.MaxRetries, RetryDelay: time.Millisecond, MaxRetryDelay: 20 * time.Millisecond, TryTimeout: time.Minute,
}

// stubborn is quick that does not give up.
var stubborn = policy.RetryOptions{MaxRetries: 50, RetryDelay: time.Millisecond, MaxRetryDelay: 20 * time.Millisecond, TryTimeout: time.Minute}

// rig is one table seen twice: as the store under test sees it, by way of a
// proxy that breaks things, and directly.
type rig struct {
	*testing.T
	proxy  *fault.Proxy
	store  *Store
	table  *Table
	direct *Table
}

// newRig opens a table that does not exist yet.
func newRig(t *testing.T, retry policy.RetryOptions) rig {
	t.Helper()
	server, name := azurite.Shared(t), azurite.TableName()
	r := rig{T: t, proxy: fault.Start(t, server.URL(), fault.Options{})}
	r.store = openStore(t, r.proxy.URL(), retry)
	r.table = r.store.Table(name)
	r.direct = openStore(t, server.URL(), stubborn).Table(name)
	return r
}

// newTable opens a table that exists and is empty.
func newTable(t *testing.T, retry policy.RetryOptions) rig {
	t.Helper()
	r := newRig(t, retry)
	if err := r.direct.create(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	return r
}

// openStore opens Azurite's account at a server or at a proxy in front of it.
func openStore(t *testing.T, url string, retry policy.RetryOptions) *Store {
	t.Helper()
	client := azure.NewTransport()
	t.Cleanup(client.CloseIdleConnections)
	s, err := newStore(Options{ConnectionString: azurite.ConnectionString(url), Transport: client}, retry)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put writes a row directly, which must be accepted.
func (r rig) put(key, data, etag string) string {
	r.Helper()
	got, err := r.direct.Put(r.Context(), store.Row{Partition: "p", Key: key, ETag: etag, Data: []byte(data)})
	if err != nil {
		r.Fatalf("Put, directly: %v", err)
	}
	return got
}

// remove deletes a row directly.
func (r rig) remove(key string) {
	r.Helper()
	if err := r.direct.Delete(r.Context(), "p", key, store.Any); err != nil {
		r.Fatalf("Delete, directly: %v", err)
	}
}

// holds fails the test unless the row has that data and ETag; want "" is no
// row.
func (r rig) holds(key, want, etag string) {
	r.Helper()
	row, err := r.direct.Get(r.Context(), "p", key)
	switch {
	case want == "" && !errors.Is(err, store.ErrNotFound):
		r.Errorf("the row holds %q, %v; want none", row.Data, err)
	case want != "" && (err != nil || string(row.Data) != want):
		r.Errorf("the row holds %q, %v; want %q", row.Data, err, want)
	case want != "" && etag != "" && row.ETag != etag:
		r.Errorf("the row's ETag is %s, and %s was given", row.ETag, etag)
	}
}

// sent fails the test unless exactly these requests came since the last call,
// as "POST table" and the like.
func (r rig) sent(want ...string) {
	r.Helper()
	var got []string
	for _, shape := range r.proxy.Requests() {
		method, path, _ := strings.Cut(shape, " /"+azurite.Account+"/")
		got = append(got, method+" "+strings.Replace(path, r.table.name, "table", 1))
	}
	if !slices.Equal(got, want) {
		r.Errorf("sent were %q, want %q", got, want)
	}
	r.proxy.Reset()
}

// is fails the test unless err is the one that was wanted; nil is success.
func (r rig) is(what string, err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Errorf("%s: %v; want %v", what, err, want)
	}
}

// transport is a service in memory.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }
