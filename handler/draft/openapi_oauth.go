package draft

import (
	"net/url"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// takeOAuth adds OAuth 2.0: client credentials, else the flow with a password,
// which is a token request as well, else a token that somebody fetched by signing
// in (RFC 6749, sections 4.4, 4.3, 4.1).
func (a *admission) takeOAuth(o *operation, flows, scopes *tree.Node) {
	const advice = " The document does not hold them. If the provider wants id and secret of the client as basic authentication, move them to auth.tokenAuth."
	if flow := flows.Get("clientCredentials"); flow != nil {
		a.set(tokenRequest(o, flow, scopes,
			callout.Parameter{Name: "grant_type", Value: "client_credentials"}, callout.Parameter{Name: "client_id"}, callout.Parameter{Name: "client_secret", Secret: true},
		), "OAuth 2.0 client credentials", "Give client_id and client_secret in auth.parameters."+advice)
		return
	}
	if flow := flows.Get("password"); flow != nil {
		a.set(tokenRequest(o, flow, scopes,
			callout.Parameter{Name: "grant_type", Value: "password"}, callout.Parameter{Name: "username"}, callout.Parameter{Name: "password", Secret: true},
		), "OAuth 2.0 with a password", "Give username and password in auth.parameters."+advice)
		a.raise(costDetour)
		return
	}
	a.set(callout.Auth{Type: callout.AuthBearer}, "OAuth 2.0 with a person who signs in",
		"The document lets people sign in with OAuth 2.0, which nobody can do here. The draft sends a bearer token: give auth.token one that lives long, or set auth to oauth2ClientCredentials if the provider offers that.")
	a.raise(costByHand)
}

// tokenRequest makes the credential of a flow. A token URL that is relative is on
// the server's host.
func tokenRequest(o *operation, flow, scopes *tree.Node, parameters ...callout.Parameter) callout.Auth {
	where := flow.Get("tokenUrl").Text()
	if base, err := url.Parse(o.base + "/"); err == nil && where != "" {
		if full, err := base.Parse(where); err == nil {
			where = full.String()
		}
	}
	var names []string
	for _, scope := range scopes.Elements() {
		if name := scope.Text(); name != "" {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		parameters = append(parameters, callout.Parameter{Name: "scope", Value: strings.Join(names, " ")})
	}
	return callout.Auth{Type: callout.AuthOAuth2, OAuth: callout.OAuth{TokenURL: where, Parameters: parameters}}
}
