package callout

import (
	"slices"
	"strings"
)

// names are those that a placeholder may have.
type names struct {
	fields, secrets map[string]bool
	// doubtful: the name of a field is at fault, and a placeholder may mean it.
	doubtful bool
}

func (c *Config) names() names {
	n := names{fields: map[string]bool{}, secrets: map[string]bool{}}
	for i := range c.Fields {
		name := c.Fields[i].Name
		n.fields[name] = true
		n.doubtful = n.doubtful || !validKey(name)
	}
	for _, v := range c.SecretValues {
		n.secrets[v.Name] = !v.Value.IsCleared()
	}
	return n
}

// checkTemplates checks the placeholders outside of the body. What is wrong with
// the text of a URL is for checkURL to say.
func (c *Config) checkTemplates(f *faults) {
	known := c.names()
	var all []Reference
	for _, s := range c.sites() {
		refs, problem := c.references(s)
		f.check(problem == "" || s.isURL(), InvalidValue, s.at, "%s", problem)
		known.check(f, s, refs)
		all = append(all, refs...)
	}
	for i := range c.SecretValues {
		v := &c.SecretValues[i]
		inHeader := slices.Contains(all, Reference{In: InHeader, Secret: v.Name})
		f.check(!inHeader || validHeaderValue("x"+v.Value.Reveal()+"x"), InvalidValue, v.at(),
			"A header names this secret value, so it must be printable ASCII without line breaks, at most %d bytes.", MaxSecret-2)
	}
}

func (s *site) isURL() bool { return s.at == "endpoint" || s.at == "auth.tokenUrl" }

func namesField(r Reference) bool { return r.Field != "" }

// check finds the placeholders of a site that stand for nothing, or for what may
// not go there. A secret value that is not given may be stored: it is missing.
func (n *names) check(f *faults, s site, refs []Reference) {
	if s.in == inToken {
		f.check(!slices.ContainsFunc(refs, namesField), InvalidValue, s.at,
			"A token must not depend on what an agent fills in. Write the value out, or take {{secret.name}} with the name of a secret value.")
	} else {
		f.check(n.doubtful || !slices.ContainsFunc(refs, func(r Reference) bool { return namesField(r) && !n.fields[r.Field] }), InvalidValue, s.at,
			"A placeholder names no field. Correct its spelling, or add the field.")
	}
	name := strings.ToLower(strings.TrimPrefix(s.path, "headers/"))
	f.check(s.in != InHeader || !keptFromAgents(name) || !slices.ContainsFunc(refs, namesField), InvalidValue, s.at,
		agentHeaderAdvice+" Write the value out, or take {{secret.name}} with the name of a secret value.")
	f.check(!slices.ContainsFunc(refs, func(r Reference) bool { return r.Secret != "" && !n.secrets[r.Secret] }), MissingValue, s.at,
		"A placeholder names none of secretValues. Correct its spelling, or give the secret value.")
}
