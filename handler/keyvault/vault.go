package keyvault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"callout/handler/secret"
	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// MaxSecret is the length in bytes of the largest secret: Key Vault's 25 KB,
// read strictly.
const MaxSecret = 25_000

// ErrInvalidName: a secret's name is not of the form that Key Vault takes.
// Nothing was sent.
var ErrInvalidName = errors.New("keyvault: a secret's name must have 1 to 127 letters, digits and hyphens")

// ErrInvalidSecret: a secret is unset, empty or not UTF-8, which Key Vault could
// not keep as it is. Nothing was sent.
var ErrInvalidSecret = errors.New("keyvault: a secret must be set, and be UTF-8 text that is not empty")

// maxName is how long a secret's name may be.
const maxName = 127

var (
	nameForm    = regexp.MustCompile(`^[0-9a-zA-Z-]+$`)
	versionForm = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
)

// Set stores a new version, which becomes the latest, and returns its id: 32
// hexadecimal digits. If the vault's answer was lost on the way, Set tries
// again, and the version that nobody was told of stays behind beside the one
// that is returned. After store.ErrUnavailable too there may be such a version.
//
// Errors: ErrInvalidSecret; store.ErrTooLarge for more than MaxSecret bytes;
// store.ErrConflict if the name was deleted, or is being changed by another.
func (v *Vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if err := checkSecret(value); err != nil {
		return "", err
	}
	if err := v.ready(ctx); err != nil {
		return "", err
	}
	stored, err := v.secrets.SetSecret(ctx, name, azsecrets.SetSecretParameters{
		Value:       to.Ptr(value.Reveal()),
		ContentType: to.Ptr("application/json"),
		Tags:        map[string]*string{tagName: to.Ptr(tagValue)},
	}, nil)
	if isConflict(err) {
		return "", errTaken
	}
	if err != nil {
		return "", failure(ctx, err)
	}
	_, version := parts(stored.ID)
	if !versionForm.MatchString(version) {
		return "", errIllegible
	}
	return version, nil
}

// Get returns the value of a version, or of the latest if version is empty.
// When the latest is disabled an older one does not take its place.
//
// Errors: store.ErrNotFound, store.ErrDisabled.
func (v *Vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	if err := checkName(name); err != nil {
		return secret.Secret{}, err
	}
	if version != "" && !versionForm.MatchString(version) {
		return secret.Secret{}, errAbsent
	}
	if err := v.ready(ctx); err != nil {
		return secret.Secret{}, err
	}
	found, err := v.secrets.GetSecret(ctx, name, version, nil)
	if err != nil {
		return secret.Secret{}, failure(ctx, err)
	}
	if found.Value == nil {
		return secret.Secret{}, errIllegible
	}
	return secret.New(*found.Value), nil
}

// Disable switches a version off for good: Get gives store.ErrDisabled for it.
// Disabling it again changes nothing. The version must be named; "" is none.
//
// Errors: store.ErrNotFound.
func (v *Vault) Disable(ctx context.Context, name, version string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if !versionForm.MatchString(version) { // the vault takes none for the latest
		return errAbsent
	}
	if err := v.ready(ctx); err != nil {
		return err
	}
	_, err := v.secrets.UpdateSecretProperties(ctx, name, version, azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)},
	}, nil)
	return failure(ctx, err)
}

// Delete removes a secret with all its versions. The vault keeps it for a while
// (soft delete), and its name cannot be used again; Callout never purges, so
// that what was deleted by mistake can be recovered. A deletion that is still
// under way is done. One whose answer was lost is found done at the next try,
// and gives store.ErrNotFound.
//
// Errors: store.ErrNotFound.
func (v *Vault) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := v.ready(ctx); err != nil {
		return err
	}
	_, err := v.secrets.DeleteSecret(ctx, name, nil)
	if innerCode(err) == beingDeleted {
		return nil
	}
	return failure(ctx, err)
}

func checkName(name string) error {
	if len(name) > maxName || !nameForm.MatchString(name) {
		return ErrInvalidName
	}
	return nil
}

func checkSecret(value secret.Secret) error {
	if value.Len() > MaxSecret {
		return fmt.Errorf("keyvault: a secret has %d bytes, the most is %d: %w", value.Len(), MaxSecret, store.ErrTooLarge)
	}
	if value.Len() == 0 || !utf8.ValidString(value.Reveal()) {
		return ErrInvalidSecret
	}
	return nil
}

// parts returns the name, in lower case, and the version of an id of the form
// https://<vault>/secrets/<name>[/<version>], or "". The SDK's own reader
// panics at what has another form.
func parts(id *azsecrets.ID) (name, version string) {
	if id == nil {
		return "", ""
	}
	_, path, _ := strings.Cut(string(*id), "/secrets/")
	name, version, _ = strings.Cut(path, "/")
	return strings.ToLower(name), version
}
