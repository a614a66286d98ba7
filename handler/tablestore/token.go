package tablestore

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// errNoToken takes the place of a credential's own error, which holds what the
// identity service said.
var errNoToken = errors.New("tablestore: the credential gave no token")

// quietCredential is a credential whose errors tell nothing.
type quietCredential struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (c quietCredential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, options)
	if err != nil {
		return azcore.AccessToken{}, errNoToken
	}
	return token, nil
}
