package vaultserver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
)

// Tenant is the directory that the challenge names.
const Tenant = "72f988bf-0000-4000-8000-2d7cd011db47"

// challenge is what a request without a good token is told.
const challenge = `Bearer authorization="https://login.microsoftonline.com/` + Tenant + `", resource="` + vaultResource + `"`

// call is a request that was let in.
type call struct {
	name, version string
	query         url.Values
	body          []byte
}

// refusal is an answer in Key Vault's error shape. inner is the innererror's
// code, where there is one.
type refusal struct {
	status               int
	code, inner, message string
}

// operation answers a call, with the lock held, by what is to be JSON or by a
// refusal. Nil and nil is 204.
type operation func(call) (any, *refusal)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, kind Kind, op operation) { mux.HandleFunc(pattern, s.serve(kind, op)) }
	route("GET /secrets", List, s.list)
	route("PUT /secrets/{name}", Set, s.set)
	route("DELETE /secrets/{name}", Delete, s.delete)
	route("GET /secrets/{name}/versions", ListVersions, s.listVersions)
	for _, at := range []string{"/secrets/{name}", "/secrets/{name}/{$}", "/secrets/{name}/{version}"} {
		route("GET "+at, Get, s.get)
		route("PATCH "+at, Update, s.update)
	}
	route("GET /deletedsecrets/{name}", GetDeleted, s.getDeleted)
	route("DELETE /deletedsecrets/{name}", Purge, s.purge)
	route("POST /deletedsecrets/{name}/recover", Recover, s.recover)
	return mux
}

// ServeHTTP is the vault's door.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.isOut():
		s.count(Dropped)
		panic(http.ErrAbortHandler) // net/http closes the connection
	case !accepted(r.Header.Get("Authorization")):
		s.count(Challenge)
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(w, &refusal{http.StatusUnauthorized, "Unauthorized", "", "the request has no token that is good here"})
	case s.throttles(w.Header()):
		s.count(Throttled)
		refuse(w, &refusal{http.StatusTooManyRequests, "Throttled", "", "there were too many requests"})
	case r.URL.Query().Get("api-version") == "":
		refuse(w, badParameter("api-version must be given"))
	default:
		s.operations.ServeHTTP(w, r)
	}
}

func (s *Server) isOut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outage
}

func (s *Server) throttles(header http.Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.throttle == 0 {
		return false
	}
	s.throttle--
	if s.retryAfter != "" {
		header.Set("Retry-After", s.retryAfter)
	}
	return true
}

var nameForm = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

// maxBody is more than a secret of maxValue bytes takes in JSON, however it is
// escaped.
const maxBody = 1 << 20

func (s *Server) serve(kind Kind, op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(kind)
		c := call{name: r.PathValue("name"), version: r.PathValue("version"), query: r.URL.Query()}
		if kind != List && !nameForm.MatchString(c.name) {
			refuse(w, badParameter("a name has 1 to 127 letters, digits and hyphens"))
			return
		}
		var err error
		if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			refuse(w, badParameter("the body could not be read"))
			return
		}
		s.mu.Lock()
		result, refused := op(c)
		s.mu.Unlock()
		if refused != nil {
			refuse(w, refused)
			return
		}
		answer(w, http.StatusOK, result)
	}
}

func badParameter(message string) *refusal {
	return &refusal{http.StatusBadRequest, "BadParameter", "", message}
}

func refuse(w http.ResponseWriter, r *refusal) {
	body := map[string]any{"code": r.code, "message": r.message}
	if r.inner != "" {
		body["innererror"] = map[string]any{"code": r.inner}
	}
	answer(w, r.status, map[string]any{"error": body})
}

func answer(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no concern
}
