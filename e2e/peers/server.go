package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
)

// server gives tokens, and is the API that they open.
type server struct{ oauth fosite.OAuth2Provider }

// newServer returns POST /token, and GET /resource, which answers 200 to a token
// that is valid now and tells what it is for, and 401 to all else.
func newServer(r registration) (http.Handler, error) {
	config := &fosite.Config{
		AccessTokenLifespan: time.Duration(r.LifetimeSeconds) * time.Second,
		GlobalSecret:        []byte("the tokens of a test, and no others"),
		HashCost:            4, // the least that bcrypt takes
		ScopeStrategy:       fosite.ExactScopeStrategy,
	}
	clients, err := newClients(r.Clients, config)
	if err != nil {
		return nil, err
	}
	s := server{compose.Compose(config, clients, compose.NewOAuth2HMACStrategy(config),
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2TokenIntrospectionFactory)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("GET /resource", s.resource)
	return mux, nil
}

// newClients returns a store with the clients in it. Only those of OpenID
// Connect are held to their way of authentication.
func newClients(clients []client, config *fosite.Config) (*storage.MemoryStore, error) {
	ctx, store := context.Background(), storage.NewMemoryStore()
	for _, c := range clients {
		hash, err := config.GetSecretsHasher(ctx).Hash(ctx, []byte(c.Secret))
		if err != nil {
			return nil, err
		}
		store.Clients[c.ID] = &fosite.DefaultOpenIDConnectClient{
			DefaultClient: &fosite.DefaultClient{
				ID: c.ID, Secret: hash, GrantTypes: []string{"client_credentials"}, Scopes: c.Scopes, Audience: c.Audience,
			},
			TokenEndpointAuthMethod: c.Method,
		}
	}
	return store, nil
}

// token grants what was asked for if the client is registered for it.
func (s server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.oauth.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
	if err != nil {
		s.oauth.WriteAccessError(ctx, w, request, err)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetRequestedAudience() {
		request.GrantAudience(audience)
	}
	response, err := s.oauth.NewAccessResponse(ctx, request)
	if err != nil {
		s.oauth.WriteAccessError(ctx, w, request, err)
		return
	}
	s.oauth.WriteAccessResponse(ctx, w, request, response)
}

func (s server) resource(w http.ResponseWriter, r *http.Request) {
	_, granted, err := s.oauth.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, &fosite.DefaultSession{})
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("{}"))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"client": granted.GetClient().GetID(), "scope": granted.GetGrantedScopes(), "audience": granted.GetGrantedAudience(),
	})
}
