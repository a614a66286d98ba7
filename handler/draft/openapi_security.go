package draft

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// admission is one way to let a request in: the credential, what goes beside it,
// and what is left for the operator to do.
type admission struct {
	auth    callout.Auth
	headers []callout.Header
	query   []string // pairs for the endpoint
	secrets []callout.SecretValue
	kinds   []string
	notes   []string
	cost    int
}

// Costs of an admission: none, when it is as the document says; a detour; a token
// that somebody has to fetch; no credential, where the document makes it optional;
// and what a configuration cannot do.
const (
	costNone = iota
	costDetour
	costByHand
	costWithout
	costImpossible
)

// maxAlternatives is how many ways to be let in are looked at.
const maxAlternatives = 10

// readSecurity chooses among the alternatives the one that a configuration
// expresses best, and of equal ones the first.
func (o *operation) readSecurity() string {
	list := o.node.Get("security")
	if list == nil {
		list = o.doc.root.Get("security")
	}
	var all []admission
	for i, requirement := range list.Elements() {
		if i >= maxAlternatives {
			break
		}
		all = append(all, o.admit(requirement))
	}
	if len(all) == 0 {
		return ""
	}
	best := 0
	for i := range all {
		if all[i].cost < all[best].cost {
			best = i
		}
	}
	o.noteAlternatives(all, best)
	if all[best].cost == costImpossible {
		return ""
	}
	o.admission = all[best]
	for _, note := range o.admission.notes {
		o.notes.add("%s", note)
	}
	return ""
}

func (o *operation) noteAlternatives(all []admission, best int) {
	var others []string
	for i := range all {
		if kind := all[i].kind(); i != best && !slices.Contains(others, kind) {
			others = append(others, kind)
		}
	}
	switch {
	case all[best].cost == costImpossible:
		o.notes.add("The document lets requests in by %s, which a configuration cannot express. The draft has no credential: set auth by hand.", strings.Join(append(others, all[best].kind()), ", or by "))
	case len(others) > 0:
		o.notes.add("The document lets requests in by %s too. The draft uses %s.", strings.Join(others, ", and by "), all[best].kind())
	}
}

// admit reads a requirement: schemes that are all needed.
func (o *operation) admit(requirement *tree.Node) admission {
	o.doc.visits++
	a := admission{}
	if requirement.Len() == 0 {
		a.kinds, a.cost = []string{"no credential at all"}, costWithout
		return a
	}
	keys := []*tree.Node{}
	for name, scopes := range requirement.Members() {
		scheme, _ := o.doc.follow(o.doc.root.Get("components").Get("securitySchemes").Get(name))
		if scheme.Get("type").Text() == "apiKey" {
			keys = append(keys, scheme)
		} else {
			a.take(o, scheme, scopes)
		}
	}
	for _, scheme := range keys { // what takes the header Authorization has gone first
		a.takeKey(scheme)
	}
	if a.cost < costImpossible && !a.isValid() {
		a.cost = costImpossible
	}
	return a
}

// take adds a scheme that is no API key.
func (a *admission) take(o *operation, scheme *tree.Node, scopes *tree.Node) {
	kind, name := scheme.Get("type").Text(), strings.ToLower(scheme.Get("scheme").Text())
	switch {
	case kind == "http" && name == "bearer":
		a.set(callout.Auth{Type: callout.AuthBearer}, "a bearer token", "Give auth.token: the token is a secret, which the document does not hold.")
	case kind == "http" && name == "basic":
		a.set(callout.Auth{Type: callout.AuthBasic}, "user name and password (basic)", "Give auth.username and auth.password, which the document does not hold.")
	case kind == "oauth2":
		a.takeOAuth(o, scheme.Get("flows"), scopes)
	case kind == "openIdConnect":
		a.set(callout.Auth{Type: callout.AuthBearer}, "OpenID Connect", "The document lets people sign in with OpenID Connect. The draft sends a bearer token: give auth.token one that lives long, or set auth to oauth2ClientCredentials if the provider offers that.")
		a.raise(costByHand)
	case kind == "mutualTLS":
		a.fail("a client certificate (mutual TLS)")
	case kind == "http":
		a.fail("an HTTP scheme other than bearer and basic")
	default:
		a.fail("a scheme that the document does not define")
	}
}

// set takes the header Authorization, which can be taken once.
func (a *admission) set(auth callout.Auth, kind, note string) {
	a.kinds, a.notes = append(a.kinds, kind), append(a.notes, note)
	if a.auth.Type != "" {
		a.cost = costImpossible
	}
	a.auth = auth
}

func (a *admission) fail(kind string) {
	a.kinds, a.cost = append(a.kinds, kind), costImpossible
}

func (a *admission) raise(cost int) { a.cost = max(a.cost, cost) }

// takeKey adds an API key: as the credential, or beside it as a secret header or as
// a secret value that the endpoint names.
func (a *admission) takeKey(scheme *tree.Node) {
	name, free := scheme.Get("name").Scalar(), a.auth.Type == ""
	switch place := scheme.Get("in").Text(); {
	case place == callout.InHeader && free:
		a.set(callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: name}, "an API key in a header",
			"Give auth.key: the API key is a secret, which the document does not hold. If the API wants a word before it, such as Token, give that as auth.prefix.")
	case place == callout.InHeader:
		a.kinds, a.notes = append(a.kinds, "an API key in a header"), append(a.notes, fmt.Sprintf("The API wants another key in the header %s, which is a secret header of the draft. Give it its value, or say \"secret\": false if it is none.", shown(name)))
		a.headers = append(a.headers, callout.Header{Name: name, Secret: true})
	case place == callout.InQuery && free && fieldName(name) == name:
		a.set(callout.Auth{Type: callout.AuthAPIKey, In: callout.InQuery, Query: name}, "an API key in the query",
			"Give auth.key: the API key is a secret, which the document does not hold.")
	case place == callout.InQuery:
		a.kinds, a.notes = append(a.kinds, "an API key in the query"), append(a.notes, "The API wants a key in the query, where the endpoint names a secret value. Give it in secretValues.")
		a.addSecret(name)
	case place == "cookie":
		a.kinds, a.notes = append(a.kinds, "an API key in a cookie"), append(a.notes, "The API wants its key in a cookie. Give the secret header Cookie its whole value, name=key.")
		a.headers = append(a.headers, callout.Header{Name: "Cookie", Secret: true})
		a.raise(costDetour)
	default:
		a.fail("an API key in a place that the document does not name")
	}
}

// newSecret adds a secret value and returns the placeholder for it.
func (a *admission) newSecret(name string) string {
	taken := map[string]bool{}
	for _, s := range a.secrets {
		taken[s.Name] = true
	}
	value := free(fieldName(name), maxFieldName, taken)
	a.secrets = append(a.secrets, callout.SecretValue{Name: value})
	return "{{secret." + value + "}}"
}

// addSecret puts a secret value into the query.
func (a *admission) addSecret(name string) {
	a.query = append(a.query, queryText(name)+"="+a.newSecret(name))
}

// kind names the schemes, those that are alike once.
func (a *admission) kind() string {
	var words []string
	for _, kind := range a.kinds {
		if !slices.Contains(words, kind) {
			words = append(words, kind)
		}
	}
	if len(words) < len(a.kinds) {
		return fmt.Sprintf("%s (%d together)", strings.Join(words, " and "), len(a.kinds))
	}
	return strings.Join(words, " together with ")
}

// apply puts the admission into a configuration.
func (a *admission) apply(config *callout.Config) {
	if a.auth.Type != "" {
		config.Auth = a.auth
	}
	config.Headers = append(config.Headers, a.headers...)
	config.SecretValues = append(config.SecretValues, a.secrets...)
}

// isValid asks the rules for configurations.
func (a *admission) isValid() bool {
	probe := &callout.Config{}
	_ = json.Unmarshal([]byte(`{"name":"probe","method":"GET"}`), probe)
	probe.Endpoint = "https://probe.example/?" + strings.Join(a.query, "&")
	a.apply(probe)
	return len(probe.Validate(probe.Unset())) == 0
}

// setsHeader reports whether the admission uses the header.
func (a *admission) setsHeader(name string) bool {
	if a.auth.Type == callout.AuthAPIKey && strings.EqualFold(a.auth.Header, name) && name != "" {
		return true
	}
	return slices.ContainsFunc(a.headers, func(h callout.Header) bool { return strings.EqualFold(h.Name, name) })
}

// setsQuery reports whether the admission uses the parameter of the query.
func (a *admission) setsQuery(name string) bool {
	if a.auth.In == callout.InQuery && a.auth.Query == name {
		return true
	}
	return slices.ContainsFunc(a.query, func(pair string) bool { return strings.HasPrefix(pair, queryText(name)+"=") })
}
