package keyvault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// What can go wrong without the vault having said anything that is worth a
// place in the log.
var (
	errAbsent      = fmt.Errorf("keyvault: there is no such secret or version: %w", store.ErrNotFound)
	errDisabled    = fmt.Errorf("keyvault: this version of the secret is disabled: %w", store.ErrDisabled)
	errTaken       = fmt.Errorf("keyvault: a secret of this name was deleted, and names are not used again, or it is being changed at this moment: %w", store.ErrConflict)
	errNoToken     = fmt.Errorf("keyvault: there is no token for the vault: the identity could not sign in; see that it is switched on, or that you are signed in: %w", store.ErrUnavailable)
	errChallenge   = fmt.Errorf("keyvault: the vault asks for a token that is not meant for its own domain; check the vault's address: %w", store.ErrUnavailable)
	errNoVault     = fmt.Errorf("keyvault: what answers at the vault's address is no vault; check the address: %w", store.ErrUnavailable)
	errIllegible   = fmt.Errorf("keyvault: the vault's answer lacks what it must have; check the vault's address: %w", store.ErrUnavailable)
	errUnreachable = fmt.Errorf("keyvault: the vault could not be reached, or broke off its answer; check its address, its firewall and the network: %w", store.ErrUnavailable)
)

// The codes by which Key Vault tells the states of soft delete apart, in the
// innererror of a 409.
const (
	beingDeleted = "ObjectIsBeingDeleted"
	isDeleted    = "ObjectIsDeletedButRecoverable"
)

// failure words what the SDK returned. None of its text is kept: it quotes
// addresses and answers.
func failure(ctx context.Context, err error) error {
	var answered *azcore.ResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answered):
		return refusal(answered)
	case ctx.Err() != nil:
		return fmt.Errorf("keyvault: the vault had not answered when the call was given up: %w: %w", store.ErrUnavailable, ctx.Err())
	case errors.Is(err, errNoToken):
		return errNoToken
	case errors.Is(err, strayed{}):
		return strayed{}
	}
	return errUnreachable
}

// refusal words an answer that is an error. A 404 counts only with the vault's
// own code: one from elsewhere must not pass for a secret that is gone.
func refusal(answered *azcore.ResponseError) error {
	inner := innerCode(answered)
	switch {
	case answered.StatusCode == http.StatusNotFound && answered.ErrorCode == "SecretNotFound",
		isConflict(answered) && (inner == beingDeleted || inner == isDeleted):
		return errAbsent
	case answered.StatusCode == http.StatusForbidden && inner == "SecretDisabled":
		return errDisabled
	}
	said := fmt.Sprint(answered.StatusCode)
	for _, code := range []string{answered.ErrorCode, inner} {
		if len(code) <= maxCode && codeForm.MatchString(code) {
			said += " " + code
		}
	}
	return fmt.Errorf("keyvault: the vault answered %s; %s: %w", said, advice(answered.StatusCode), store.ErrUnavailable)
}

// codeForm is that of the vault's codes. Anything else is not repeated.
var codeForm = regexp.MustCompile(`^[A-Za-z]+$`)

const maxCode = 64

func advice(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "it does not take the token: check that the identity belongs to the vault's directory"
	case http.StatusForbidden:
		return "give the identity the role Key Vault Secrets Officer, and let its network through the vault's firewall"
	case http.StatusConflict:
		return "the secret is being changed by another: try again"
	case http.StatusTooManyRequests:
		return "it has more requests than it takes: try again later"
	}
	if status < http.StatusInternalServerError {
		return "check the vault's address"
	}
	return "try again later"
}

func isConflict(err error) bool {
	var answered *azcore.ResponseError
	return errors.As(err, &answered) && answered.StatusCode == http.StatusConflict
}

// innerCode returns the code of the innererror in the vault's answer, or "".
func innerCode(err error) string {
	var answered *azcore.ResponseError
	if !errors.As(err, &answered) {
		return ""
	}
	raw, err := runtime.Payload(answered.RawResponse)
	if err != nil {
		return ""
	}
	var body struct {
		Error struct {
			InnerError struct{ Code string }
		}
	}
	_ = json.Unmarshal(raw, &body) // what is not the vault's shape has no code
	return body.Error.InnerError.Code
}
