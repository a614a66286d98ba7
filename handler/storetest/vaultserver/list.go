package vaultserver

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// pageSize is how many entries a page goes through.
const pageSize = 25

// page is a part of a list. Entries that are deleted are gone through without
// being shown, so a page may be short or empty and still have a next one, as
// those of Key Vault may.
type page struct {
	Value    []bundle `json:"value"`
	NextLink *string  `json:"nextLink"`
}

// list tells of the latest version of each secret, under an id without version.
func (s *Server) list(c call) (any, *refusal) {
	keys := slices.Sorted(maps.Keys(s.secrets))
	return s.page(c, "/secrets", keys, func(key string) (bundle, bool) {
		secret := s.secrets[key]
		item := s.bundle(secret, secret.latest(), false)
		item.ID = s.vault.URL + "/secrets/" + secret.name
		return item, secret.state == live
	}), nil
}

// listVersions is ordered by id, which is to say not at all. There are none of
// a secret that is not there.
func (s *Server) listVersions(c call) (any, *refusal) {
	var keys []string
	found := map[string]*version{}
	secret := s.secrets[strings.ToLower(c.name)]
	if secret != nil && secret.state == live {
		for _, v := range secret.versions {
			keys, found[v.id] = append(keys, v.id), v
		}
	}
	slices.Sort(keys)
	return s.page(c, "/secrets/"+c.name+"/versions", keys, func(key string) (bundle, bool) {
		return s.bundle(secret, found[key], false), true
	}), nil
}

// page goes through the keys after the one that the call's link names.
func (s *Server) page(c call, path string, keys []string, item func(key string) (b bundle, shown bool)) page {
	const after = "$skiptoken"
	from, _ := slices.BinarySearch(keys, c.query.Get(after)+"\x00")
	keys = keys[from:]
	result := page{Value: []bundle{}}
	if len(keys) > pageSize {
		keys = keys[:pageSize]
		link := s.vault.URL + path + "?" + url.Values{"api-version": c.query["api-version"], after: {keys[pageSize-1]}}.Encode()
		result.NextLink = &link
	}
	for _, key := range keys {
		if b, shown := item(key); shown {
			result.Value = append(result.Value, b)
		}
	}
	return result
}
