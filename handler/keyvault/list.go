package keyvault

import (
	"context"
	"errors"
	"slices"
	"strings"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// Prefix is what the names of Callout's secrets begin with. A vault may be
// shared with other programs.
const Prefix = "callout-"

// What Set writes is tagged, so that a secret of the same prefix which a person
// keeps there is not taken for an orphan.
const (
	tagName  = "callout"
	tagValue = "secrets"
)

// Versions returns the versions of a secret without their values, oldest first,
// and none if there is no such secret. The vault dates them to the second; those
// of the same second are in no order.
// It takes a request for every 25 versions.
func (v *Vault) Versions(ctx context.Context, name string) ([]store.Version, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var versions []store.Version
	pager := v.secrets.NewListSecretPropertiesVersionsPager(name, nil)
	err := collect(ctx, v, pager, func(page azsecrets.ListSecretPropertiesVersionsResponse) error {
		for _, item := range page.Value {
			version, err := describe(item)
			if err != nil {
				return err
			}
			versions = append(versions, version)
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(versions, func(a, b store.Version) int { return a.Created.Compare(b.Created) })
	return versions, nil
}

// Names returns the names of the secrets that Set has written and whose names
// begin with Prefix, in lower case and in ascending order, without those that
// were deleted. It takes a request for every 25 secrets in the vault, those of
// others included.
func (v *Vault) Names(ctx context.Context) ([]string, error) {
	var names []string
	pager := v.secrets.NewListSecretPropertiesPager(nil)
	err := collect(ctx, v, pager, func(page azsecrets.ListSecretPropertiesResponse) error {
		for _, item := range page.Value {
			name, _ := parts(item.ID)
			if strings.HasPrefix(name, Prefix) && isOurs(item) {
				names = append(names, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// collect goes through the pages of a list. A page may be empty and not be the
// last.
func collect[Page any](ctx context.Context, v *Vault, pager *runtime.Pager[Page], add func(Page) error) error {
	if err := v.ready(ctx); err != nil {
		return err
	}
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return failure(ctx, err)
		}
		if err := add(page); err != nil {
			return err
		}
	}
	return nil
}

// describe fails when the vault leaves out what orphans are told by.
func describe(item *azsecrets.SecretProperties) (store.Version, error) {
	_, id := parts(item.ID)
	if !versionForm.MatchString(id) || item.Attributes == nil || item.Attributes.Created == nil || item.Attributes.Enabled == nil {
		return store.Version{}, errIllegible
	}
	return store.Version{ID: strings.ToLower(id), Created: item.Attributes.Created.UTC(), Enabled: *item.Attributes.Enabled}, nil
}

func isOurs(item *azsecrets.SecretProperties) bool {
	tag := item.Tags[tagName]
	return tag != nil && *tag == tagValue
}
