package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/schema"
)

// list is a page of anything.
type list[T any] struct {
	Value    []T    `json:"value"`
	NextLink string `json:"nextLink,omitempty"`
}

func (a *API) listConfigs(r *http.Request) (reply, error) {
	values, err := query(r, "top", "after")
	if err != nil {
		return reply{}, err
	}
	top, after, err := paging(values, callout.ValidName)
	if err != nil {
		return reply{}, err
	}
	configs, more, err := a.Catalog.List(r.Context(), after, top)
	if err != nil {
		return reply{}, err
	}
	page := list[*callout.Config]{Value: append([]*callout.Config{}, configs...)}
	if more {
		page.NextLink = a.next(r, values, top, configs[len(configs)-1].Name)
	}
	return reply{status: http.StatusOK, body: page}, nil
}

// next returns the address of the page that follows. It leaves out the caller's
// key, which may stand in the query.
func (a *API) next(r *http.Request, q url.Values, top int, after string) string {
	q.Set("top", strconv.Itoa(top))
	q.Set("after", after)
	for _, name := range []string{"code", "clientId"} { // the host's
		q.Del(name)
	}
	return a.origin(r) + r.URL.EscapedPath() + "?" + q.Encode()
}

// origin is scheme and host as the caller sees them. On Azure, TLS ends before
// the host, whose word on the scheme then counts for nothing.
func (a *API) origin(r *http.Request) string {
	scheme, host := "http", r.Host
	if a.PublicHost != "" {
		scheme, host = "https", a.PublicHost
	}
	if a.Proxied {
		if forwarded := r.Header.Get("X-Forwarded-Host"); hostLike(forwarded) {
			host = forwarded
		}
		if r.Header.Get("X-Forwarded-Proto") == "https" {
			scheme = "https"
		}
	}
	return (&url.URL{Scheme: scheme, Host: host}).String()
}

// hostLike reports whether text can be a host and a port, and nothing else of a
// URL.
func hostLike(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(".-_:[]", r)
	}) < 0
}

func (a *API) createConfig(r *http.Request) (reply, error) {
	doc, err := document(r, false, "body")
	if err != nil {
		return reply{}, err
	}
	config, err := decodeNew(doc)
	if err != nil {
		return reply{}, err
	}
	saved, err := a.Catalog.Create(r.Context(), config)
	if err != nil {
		return reply{}, err
	}
	answer := shown(saved, http.StatusCreated)
	answer.header["Location"] = a.origin(r) + r.URL.EscapedPath() + "/" + saved.Name
	return answer, nil
}

func shown(config *callout.Config, status int) reply {
	return reply{status: status, header: map[string]string{"ETag": config.ETag}, body: config}
}

func (a *API) getConfig(r *http.Request) (reply, error) {
	config, err := a.Catalog.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return reply{}, err
	}
	return shown(config, http.StatusOK), nil
}

func (a *API) putConfig(r *http.Request) (reply, error) {
	cond, err := condition(r)
	if err != nil {
		return reply{}, err
	}
	doc, err := document(r, false, "body")
	if err != nil {
		return reply{}, err
	}
	config, err := named(doc, r.PathValue("name"))
	if err != nil {
		return reply{}, err
	}
	saved, created, err := a.Catalog.Put(r.Context(), config, cond)
	if err != nil {
		return reply{}, err
	}
	if created {
		return shown(saved, http.StatusCreated), nil
	}
	return shown(saved, http.StatusOK), nil
}

// named decodes a configuration whose name is that of the path.
func named(doc any, name string) (*callout.Config, error) {
	members, ok := doc.(map[string]any)
	if !ok {
		return decodeConfig(doc)
	}
	if members["name"] == nil {
		members["name"] = name
	}
	if _, text := members["name"].(string); !text || members["name"] == name {
		return decodeConfig(doc)
	}
	return decodeConfig(doc, callout.Fault{Code: callout.InvalidValue, Target: "name",
		Message: "The name differs from the one in the address. A name is fixed for life: use the same, or create another configuration."})
}

func (a *API) patchConfig(r *http.Request) (reply, error) {
	cond, err := condition(r)
	if err != nil {
		return reply{}, err
	}
	patch, err := document(r, false, "body")
	if err != nil {
		return reply{}, err
	}
	name := r.PathValue("name")
	saved, err := a.Catalog.Patch(r.Context(), name, cond, func(now *callout.Config) (*callout.Config, error) {
		return merge(now, patch)
	})
	if err != nil {
		return reply{}, err
	}
	return shown(saved, http.StatusOK), nil
}

// merge applies a merge patch to a configuration as it is read.
func merge(now *callout.Config, patch any) (*callout.Config, error) {
	data, err := encode(now)
	if err != nil {
		return nil, err
	}
	doc, err := schema.Parse(data)
	if err != nil {
		return nil, err
	}
	schema.KeepText(doc, data, "body")
	return named(schema.MergePatch(doc, patch), now.Name)
}

func (a *API) deleteConfig(r *http.Request) (reply, error) {
	cond, err := condition(r)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, a.Catalog.Delete(r.Context(), r.PathValue("name"), catalog.Condition{Match: cond.Match})
}
