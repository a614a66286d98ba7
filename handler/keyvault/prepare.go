package keyvault

import (
	"context"
	"errors"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Prepare signs in, so that the next call is one request. It asks the vault for
// its challenge, unless Options.Tenant is set, and the credential for a token;
// no secret is read. It may run beside a request to another service, and any
// number of times: with a token that is still good it sends nothing. Every call
// prepares by itself if need be.
//
// Those who prepare at the same moment share one sign-in. It goes on for the
// others when ctx ends, and ends by itself as every call does.
//
// Errors: store.ErrUnavailable.
func (v *Vault) Prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	signIn := v.signIns.DoChan("", func() (any, error) {
		return nil, v.signIn(context.WithoutCancel(ctx))
	})
	select {
	case result := <-signIn:
		return result.Err
	case <-ctx.Done():
		return failure(ctx, ctx.Err())
	}
}

// ready prepares once. Callers who were the first together would else each ask
// for a challenge and a token: the SDK forgets its token at every challenge.
func (v *Vault) ready(ctx context.Context) error {
	if v.signedIn.Load() {
		return ctx.Err()
	}
	return v.Prepare(ctx)
}

// signIn makes a call that the transport ends before it is sent, so that the
// SDK goes through everything that comes before.
func (v *Vault) signIn(ctx context.Context) error {
	var done bool
	_, err := v.secrets.GetSecret(withRehearsal(ctx, &done), "callout", "", nil)
	if done {
		v.signedIn.Store(true)
		return nil
	}
	var final interface {
		error
		NonRetriable()
	}
	cause := failure(ctx, err)
	switch {
	case errors.Is(err, errNoToken):
		return errNoToken
	case errors.As(err, &final):
		return errChallenge
	case !errors.Is(cause, store.ErrUnavailable): // it answered, without having asked for a token
		return errNoVault
	}
	return cause
}

// quietCredential keeps to itself why there is no token: the SDK's reasons quote
// addresses and answers.
type quietCredential struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (c quietCredential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, options)
	if err != nil {
		return azcore.AccessToken{}, errNoToken
	}
	return token, nil
}
