package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/keyring"
	"callout/handler/request"
	"callout/handler/schema"
)

// private is what of a call waits to be used and nobody is shown: it is sealed in
// the row.
type private struct {
	Arguments   request.Arguments `json:"arguments,omitempty"`
	CallbackURL string            `json:"callbackUrl,omitempty"`
}

func (x *Executor) seal(ctx context.Context, record *history.Record, p private) error {
	plain, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("execute: arguments cannot be encoded: %w", err)
	}
	if record.Sealed, err = x.Ring.Seal(ctx, keyring.Arguments, record.ID, plain); err != nil {
		return callout.Unavailable(err)
	}
	return nil
}

// unseal reads what was sealed. Numbers stay as they were written: the digest of an
// approval is of them.
func (x *Executor) unseal(ctx context.Context, record *history.Record) (private, error) {
	plain, err := x.Ring.Open(ctx, keyring.Arguments, record.ID, record.Sealed)
	if err != nil {
		return private{}, lost(err)
	}
	v, err := schema.Parse(plain)
	members, ok := v.(map[string]any)
	if err != nil || !ok {
		return private{}, fmt.Errorf("execute: what was sealed is not readable: %w", err)
	}
	var p private
	p.Arguments, _ = members["arguments"].(map[string]any)
	p.CallbackURL, _ = members["callbackUrl"].(string)
	return p, nil
}

// lost tells a key that cannot be had any more from a vault that does not answer.
func lost(err error) error {
	for _, gone := range []error{keyring.ErrKeyGone, keyring.ErrDamaged, keyring.ErrNewer} {
		if errors.Is(err, gone) {
			return &callout.Error{Code: string(callout.CredentialMissing), Err: err,
				Message: "What this call was to send cannot be decrypted. If a version of the vault's secret " + keyring.KeyName + " was disabled, enable it; otherwise deny this request, and let the agent call again."}
		}
	}
	return callout.Unavailable(err)
}
