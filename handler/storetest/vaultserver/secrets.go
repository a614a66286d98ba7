package vaultserver

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// kept is a secret with its versions, the latest last.
type kept struct {
	name     string // as it was first given
	versions []*version
	state    state
}

// state is where a secret is on its way out.
type state int

const (
	live state = iota
	deleting
	deleted
)

type version struct {
	id         string
	value      string
	properties properties
}

// properties are what can be said about a version without its value.
type properties struct {
	ContentType string            `json:"contentType,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Attributes  attributes        `json:"attributes"`
}

// attributes are a version's state, and times in seconds since 1970.
type attributes struct {
	Enabled bool  `json:"enabled"`
	Created int64 `json:"created"`
	Updated int64 `json:"updated"`
}

// bundle is what is answered about a version.
type bundle struct {
	ID    string  `json:"id"`
	Value *string `json:"value,omitempty"`
	properties
}

// change is the body of PUT and PATCH.
type change struct {
	Value       *string           `json:"value"`
	ContentType *string           `json:"contentType"`
	Tags        map[string]string `json:"tags"`
	Attributes  struct {
		Enabled *bool `json:"enabled"`
	} `json:"attributes"`
}

// maxValue is the length in bytes of the largest value: 25 KB.
const maxValue = 25 << 10

var (
	errNotFound        = &refusal{http.StatusNotFound, "SecretNotFound", "", "there is no such secret"}
	errDisabled        = &refusal{http.StatusForbidden, "Forbidden", "SecretDisabled", "the operation is not allowed on a disabled secret"}
	errBeingDeleted    = &refusal{http.StatusConflict, "Conflict", "ObjectIsBeingDeleted", "the secret is being deleted"}
	errDeletedNotGone  = &refusal{http.StatusConflict, "Conflict", "ObjectIsDeletedButRecoverable", "the secret is deleted, and its name can be reused only after it was recovered or purged"}
	errMalformedChange = badParameter("the body is not what was expected")
)

func (s *Server) set(c call) (any, *refusal) {
	var given change
	switch err := json.Unmarshal(c.body, &given); {
	case err != nil || given.Value == nil:
		return nil, errMalformedChange
	case len(*given.Value) > maxValue:
		return nil, badParameter("the value is larger than 25 KB")
	}
	secret := s.secrets[strings.ToLower(c.name)]
	switch {
	case secret == nil:
		secret = &kept{name: c.name}
		s.secrets[strings.ToLower(c.name)] = secret
	case secret.state == deleting:
		return nil, errBeingDeleted
	case secret.state == deleted:
		return nil, errDeletedNotGone
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	added := &version{id: hex.EncodeToString(id), value: *given.Value, properties: properties{
		Attributes: attributes{Enabled: true, Created: time.Now().Unix()},
	}}
	added.apply(given)
	secret.versions = append(secret.versions, added)
	return s.bundle(secret, added, true), nil
}

func (s *Server) get(c call) (any, *refusal) {
	secret, found := s.find(c)
	switch {
	case found == nil || secret.state != live:
		return nil, errNotFound
	case !found.properties.Attributes.Enabled:
		return nil, errDisabled
	}
	return s.bundle(secret, found, true), nil
}

func (s *Server) update(c call) (any, *refusal) {
	var given change
	if err := json.Unmarshal(c.body, &given); err != nil {
		return nil, errMalformedChange
	}
	secret, found := s.find(c)
	switch {
	case found == nil || secret.state == deleted:
		return nil, errNotFound
	case secret.state == deleting:
		return nil, errBeingDeleted
	}
	found.apply(given)
	return s.bundle(secret, found, false), nil
}

// apply changes what is given and leaves the rest.
func (v *version) apply(given change) {
	if given.ContentType != nil {
		v.properties.ContentType = *given.ContentType
	}
	if given.Tags != nil {
		v.properties.Tags = given.Tags
	}
	if given.Attributes.Enabled != nil {
		v.properties.Attributes.Enabled = *given.Attributes.Enabled
	}
	v.properties.Attributes.Updated = time.Now().Unix()
}

// find returns the version that a call names, the latest if it names none, or
// nil.
func (s *Server) find(c call) (*kept, *version) {
	secret := s.secrets[strings.ToLower(c.name)]
	if secret == nil {
		return nil, nil
	}
	if c.version == "" {
		return secret, secret.latest()
	}
	for _, v := range secret.versions {
		if v.id == c.version {
			return secret, v
		}
	}
	return secret, nil
}

// latest is the version that was set last, be it disabled.
func (k *kept) latest() *version { return k.versions[len(k.versions)-1] }

func (s *Server) bundle(secret *kept, v *version, withValue bool) bundle {
	b := bundle{ID: s.vault.URL + "/secrets/" + secret.name + "/" + v.id, properties: v.properties}
	if withValue {
		b.Value = &v.value
	}
	return b
}
