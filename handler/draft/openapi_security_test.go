package draft_test

import "testing"

func TestSecurity(t *testing.T) {
	const client = "auth oauth2ClientCredentials https://auth.example.com/token\ntoken grant_type=client_credentials\ntoken client_id=\ntoken client_secret=(secret)"
	runConversions(t, []conversion{
		{name: "none", operation: "security: []"},
		{name: "bearer", operation: "security: [{bearer: []}]", want: "auth bearer", notes: []string{"Give auth.token"}},
		{name: "basic", operation: "security: [{basic: []}]", want: "auth basic", notes: []string{"Give auth.username and auth.password"}},
		{name: "a key in a header", operation: "security: [{header: []}]", want: "auth apiKey header X-Key", notes: []string{"Give auth.key"}},
		{name: "a key in the query", operation: "security: [{query: []}]", want: "auth apiKey query api_key", notes: []string{"Give auth.key"}},
		{name: "a key of an odd name", operation: "security: [{odd: []}]", endpoint: "/things?key%5B1%5D={{secret.key_1}}", want: "secret key_1", notes: []string{"The API wants a key in the query"}},
		{name: "a key in a cookie", operation: "security: [{cookie: []}]", want: "header Cookie: (secret)", notes: []string{"The API wants its key in a cookie."}},
		{name: "client credentials", operation: "security: [{client: []}]", want: client, notes: []string{"Give client_id and client_secret"}},
		{name: "with scopes", operation: "security: [{client: [a.read, b.write]}]", want: client + "\ntoken scope=a.read b.write", notes: []string{"Give client_id and client_secret"}},
		{name: "a token URL that is relative", operation: "security: [{relative: []}]", want: "auth oauth2ClientCredentials https://api.example.com/oauth/token\ntoken grant_type=client_credentials\ntoken client_id=\ntoken client_secret=(secret)",
			notes: []string{"Give client_id and client_secret"}},
		{name: "a password for tokens", operation: "security: [{password: []}]", want: "auth oauth2ClientCredentials https://auth.example.com/token\ntoken grant_type=password\ntoken username=\ntoken password=(secret)",
			notes: []string{"Give username and password in auth.parameters."}},
		{name: "a person who signs in", operation: "security: [{code: []}]", want: "auth bearer", notes: []string{"The document lets people sign in with OAuth 2.0"}},
		{name: "OpenID Connect", operation: "security: [{openid: []}]", want: "auth bearer", notes: []string{"The document lets people sign in with OpenID Connect."}},

		{name: "the first of alternatives", operation: "security: [{basic: []}, {bearer: []}]", want: "auth basic",
			notes: []string{"The document lets requests in by a bearer token too. The draft uses user name and password (basic).", "Give auth.username"}},
		{name: "the best of alternatives", operation: "security: [{}, {code: []}, {cookie: []}, {mutual: []}, {header: []}, {digest: []}]", want: "auth apiKey header X-Key", notes: []string{
			"The document lets requests in by no credential at all, and by OAuth 2.0 with a person who signs in, and by an API key in a cookie, and by a client certificate (mutual TLS), and by an HTTP scheme other than bearer and basic too.",
			"Give auth.key"}},
		{name: "a credential before none", operation: "security: [{}, {code: []}]", want: "auth bearer", notes: []string{"The document lets requests in by no credential at all too.", "The document lets people sign in"}},
		{name: "nothing that can be expressed", operation: "security: [{mutual: []}, {digest: []}, {missing: []}, {broken: []}, {nowhere: []}]", notes: []string{
			"The document lets requests in by an HTTP scheme other than bearer and basic, or by a scheme that the document does not define, or by an API key in a header, or by an API key in a place that the document does not name, or by a client certificate (mutual TLS), which a configuration cannot express."}},

		{name: "two keys together", operation: "security: [{header: [], second: []}]", want: "auth apiKey header X-Key\nheader X-App: (secret)", notes: []string{"Give auth.key", "The API wants another key in the header X-App"}},
		{name: "a token and keys together", operation: "security: [{second: [], query: [], bearer: []}]", endpoint: "/things?api_key={{secret.api_key}}", want: "auth bearer\nheader X-App: (secret)\nsecret api_key",
			notes: []string{"Give auth.token", "The API wants another key in the header X-App", "The API wants a key in the query"}},
		{name: "two for the same header", operation: "security: [{basic: [], bearer: []}, {query: []}]", want: "auth apiKey query api_key",
			notes: []string{"The document lets requests in by user name and password (basic) together with a bearer token too. The draft uses an API key in the query.", "Give auth.key"}},
		{name: "one that is not defined among them", operation: "security: [{cookie: [], header: [], again: []}]\n", notes: []string{"The document lets requests in by "}},
	})
}
