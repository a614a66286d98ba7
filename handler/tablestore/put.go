package tablestore

import (
	"context"
	"net/http"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// write is a row on its way to the table.
type write struct {
	store.Row
	mark   string
	entity []byte
}

// outcome is what became of sending a write.
type outcome struct {
	etag  string
	reply reply
	doubt bool // a try may have been carried out without our hearing of it
}

// Put writes a row if it is in the state that row.ETag names, and returns the
// ETag of the new state, which is unlike any that the row had before. An empty
// ETag means that there is no such row, store.Any that there is one. It takes
// one request; if an answer was lost, up to two more; if the table is missing,
// an insert takes two more to create it.
//
// The row is stored when Put returns without an error.
//
// Errors: store.ErrConflict if the row is in another state, and nothing was
// written; store.ErrTooLarge for more than store.MaxHead or store.MaxData bytes;
// store.ErrUnavailable if the row may or may not be written.
func (t *Table) Put(ctx context.Context, row store.Row) (string, error) {
	if err := t.check(ctx, store.ValidKey(row.Partition) && store.ValidKey(row.Key)); err != nil {
		return "", err
	}
	if len(row.Data) > store.MaxData || len(row.Head) > store.MaxHead {
		return "", t.tooLarge(row)
	}
	if row.ETag != "" && !namesState(row.ETag) {
		return "", t.conflict()
	}
	mark := newMark()
	w := write{Row: row, mark: mark, entity: encodeEntity(row, mark)}
	out, err := t.sendCreating(ctx, w)
	if err != nil {
		return "", err
	}
	return t.conclude(ctx, w, out)
}

// conclude makes the caller's answer from the outcome of a write.
func (t *Table) conclude(ctx context.Context, w write, out outcome) (string, error) {
	replaces := w.ETag != ""
	switch v := out.reply.verdict; {
	case v == done:
		return out.etag, nil
	case out.doubt:
		return t.settlePut(ctx, w, out.reply)
	case v == otherState, replaces && (v == noRow || v == noTable):
		return "", t.conflict()
	case v == tooLarge:
		return "", t.tooLarge(w.Row)
	default:
		return "", t.unavailable(ctx, out.reply)
	}
}

// sendCreating sends a write, and once more after creating the table if an
// insert finds that there is none. To replace a row of a missing table is a
// conflict already.
func (t *Table) sendCreating(ctx context.Context, w write) (outcome, error) {
	seen := t.created.Load()
	out := t.send(ctx, w)
	if out.reply.verdict != noTable || w.ETag != "" {
		return out, nil
	}
	if err := t.create(ctx, seen); err != nil {
		return outcome{}, err
	}
	return t.send(ctx, w), nil
}

// send sends a write, with the SDK's tries.
func (t *Table) send(ctx context.Context, w write) outcome {
	watched, tried := watchTries(ctx)
	if w.Once {
		watched = policy.WithRetryOptions(watched, t.unlessInDoubt())
	}
	etag, err := t.request(watched, w)
	out := outcome{etag: string(etag), reply: readReply(err), doubt: tried.doubt}
	if out.reply.verdict == done && out.etag == "" {
		out.reply, out.doubt = reply{class: "no ETag"}, true
	}
	return out
}

func (t *Table) request(ctx context.Context, w write) (azcore.ETag, error) {
	if w.ETag == "" {
		response, err := t.client.AddEntity(withoutEcho(ctx), w.entity, nil)
		return response.ETag, err
	}
	state := azcore.ETag(w.ETag) // without one, the SDK would take any state
	response, err := t.client.UpdateEntity(ctx, w.entity, &aztables.UpdateEntityOptions{
		IfMatch:    &state,
		UpdateMode: aztables.UpdateModeReplace, // a merge would leave the end of a longer row
	})
	return response.ETag, err
}

// withoutEcho asks the service not to send an inserted row back.
func withoutEcho(ctx context.Context) context.Context {
	return policy.WithHTTPHeader(ctx, http.Header{"Prefer": {"return-no-content"}})
}

// unlessInDoubt tries again only after what is sure to have done nothing.
func (t *Table) unlessInDoubt() policy.RetryOptions {
	options := t.retry
	options.ShouldRetry = func(response *http.Response, err error) bool {
		return !leavesDoubt(response, err) && (err != nil || response.StatusCode == http.StatusTooManyRequests)
	}
	return options
}
