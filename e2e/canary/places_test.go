package canary

import (
	"net/url"
	"slices"
)

// plot is where one configuration's secrets grow.
type plot struct {
	garden *garden
	owner  string // named when one of its secrets is found
	nature nature
	grown  []string // what the upstream may echo, besides what it is told
}

func (p *plot) secret(r room) string {
	s := p.garden.secret(p.owner, p.nature, r)
	p.grown = append(p.grown, s)
	return s
}

// place is where a configuration takes a secret.
type place struct {
	name    string
	methods []string
	// build adds the secret to a configuration that has an endpoint and, if token is
	// set, a credential that asks for tokens.
	build func(p *plot, config document)
	token bool
}

var (
	both   = []string{"GET", "POST"}
	bodies = []string{"POST", "PUT", "PATCH"}
)

// places are all kinds of credentials, and all places of secret values.
var places = []place{
	{"header", both, inHeaders(func(p *plot) document {
		return document{"name": "X-Told", "value": p.secret(header), "secret": true}
	}), false},
	{"header_filled", both, inHeaders(func(p *plot) document {
		return document{"name": "X-Told", "value": p.secret(part) + ";{{note}};" + p.secret(part), "secret": true}
	}), false},
	{"bearer", both, auth(func(p *plot) document { return document{"type": "bearer", "token": p.secret(header)} }), false},
	{"basic", both, auth(func(p *plot) document {
		return document{"type": "basic", "username": "someone", "password": p.secret(anything)}
	}), false},
	{"basic_user", both, auth(func(p *plot) document {
		user := p.garden.secret(p.owner, tame, header) // without a colon
		p.grown = append(p.grown, user)
		return document{"type": "basic", "username": user, "usernameSecret": true, "password": p.secret(anything)}
	}), false},
	{"key_header", both, auth(func(p *plot) document {
		return document{"type": "apiKey", "header": "X-Api-Key", "key": p.secret(header)}
	}), false},
	{"key_prefix", both, auth(func(p *plot) document {
		return document{"type": "apiKey", "header": "Authorization", "prefix": "Token token=", "key": p.secret(header)}
	}), false},
	{"key_query", both, auth(func(p *plot) document {
		return document{"type": "apiKey", "in": "query", "query": "api_key", "key": p.secret(anything)}
	}), false},
	{"webhook_path", both, func(p *plot, config document) {
		config["endpoint"] = config["endpoint"].(string) + "/" + url.PathEscape(p.secret(part)) + "/in"
		config["endpointSecret"] = true
	}, false},
	{"webhook_query", both, func(p *plot, config document) {
		config["endpoint"] = config["endpoint"].(string) + "?v=1&sig=" + url.QueryEscape(p.secret(part))
	}, false},
	{"value_header", both, values(func(config document) {
		config["headers"] = []document{{"name": "X-Told", "value": "v1 {{secret.told}}", "secret": false}}
	}, header), false},
	{"value_query", both, values(func(config document) {
		config["endpoint"] = config["endpoint"].(string) + "?told={{secret.told}}"
	}, anything), false},
	{"value_path", both, values(func(config document) {
		config["endpoint"] = config["endpoint"].(string) + "/in/{{secret.told}}/out"
	}, anything), false},
	{"value_body", bodies, values(func(config document) {
		config["body"] = document{"a": []any{1, "{{secret.told}}"}, "b": document{"c": "({{secret.told}})"}}
	}, anything), false},
	{"value_form", bodies, values(func(config document) {
		config["bodyFormat"], config["body"] = "form", document{"a": "{{secret.told}}", "b": "x {{secret.told}}"}
	}, anything), false},
	{"overlap", both, func(p *plot, config document) {
		first, second := p.garden.overlapping(p.owner)
		p.grown = append(p.grown, first, second, first+second[len(first)-markerLength-1:])
		config["auth"] = document{"type": "bearer", "token": first}
		config["headers"] = []document{{"name": "X-Told", "value": second, "secret": true}}
	}, false},
	{"token_form", both, tokenAuth(func(p *plot, auth document) { auth["parameters"] = clientIn(p) }), true},
	{"token_json", both, tokenAuth(func(p *plot, auth document) { auth["parameters"], auth["format"] = clientIn(p), "json" }), true},
	{"token_raw", both, tokenAuth(func(p *plot, auth document) {
		auth["tokenAuth"] = document{"type": "basic", "username": "the client/1", "password": p.secret(anything)}
	}), true},
	{"token_encoded", both, tokenAuth(func(p *plot, auth document) {
		auth["tokenAuth"] = document{"type": "basic", "username": "the client/1", "password": p.secret(anything), "encoding": "form"}
	}), true},
	{"token_bearer", both, tokenAuth(func(p *plot, auth document) {
		auth["tokenAuth"] = document{"type": "bearer", "token": p.secret(header)}
	}), true},
	{"token_assertion", both, tokenAuth(func(p *plot, auth document) {
		auth["parameters"] = parameters("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", p.secret(anything))
	}), true},
	{"token_url", both, tokenAuth(func(p *plot, auth document) {
		auth["tokenUrl"] = auth["tokenUrl"].(string) + "&told={{secret.told}}"
	}), true},
	{"token_value", both, tokenAuth(func(p *plot, auth document) {
		auth["parameters"] = parameters("grant_type", "client_credentials", "told", "({{secret.told}})")
	}), true},
}

func auth(build func(*plot) document) func(*plot, document) {
	return func(p *plot, config document) { config["auth"] = build(p) }
}

func inHeaders(build func(*plot) document) func(*plot, document) {
	return func(p *plot, config document) { config["headers"] = []document{build(p)} }
}

func values(place func(config document), r room) func(*plot, document) {
	return func(p *plot, config document) {
		config["secretValues"] = document{"told": p.secret(r)}
		place(config)
	}
}

// tokenAuth changes the credential, and keeps a secret value for those that name
// it.
func tokenAuth(build func(*plot, document)) func(*plot, document) {
	return func(p *plot, config document) {
		auth := config["auth"].(document)
		if build(p, auth); len(p.grown) == 0 {
			config["secretValues"] = document{"told": p.secret(anything)}
		}
	}
}

func clientIn(p *plot) []document {
	return parameters("grant_type", "client_credentials", "client_id", "the client/1", "client_secret", p.secret(anything))
}

func parameters(pairs ...string) []document {
	var out []document
	for pair := range slices.Chunk(pairs, 2) {
		out = append(out, document{"name": pair[0], "value": pair[1]})
	}
	return out
}

// configuration is one in which a secret was planted, at addresses that the test
// decides on.
type configuration struct {
	*plot
	name string
	doc  document
	// provider is how the provider answers in place of the API, "" for with a token.
	provider string
}

// configure plants secrets of a nature in a place. endpoint and tokenURL are
// those without any secret.
func (g *garden) configure(name string, at place, n nature, method, endpoint, tokenURL string) *configuration {
	c := &configuration{plot: &plot{garden: g, owner: name, nature: n}, name: name}
	c.doc = document{"name": name, "endpoint": endpoint, "method": method, "approval": "none", "maxResponseBytes": 4 << 20, "timeoutSeconds": 20,
		"fields": []document{
			{"name": "how", "type": "string", "in": "query", "required": true, "description": "How to answer."},
			{"name": "note", "type": "string", "in": "query"},
		}}
	if at.token {
		c.doc["auth"] = document{"type": "oauth2ClientCredentials", "tokenUrl": tokenURL}
	}
	at.build(c.plot, c.doc)
	return c
}
