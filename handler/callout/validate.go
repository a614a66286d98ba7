package callout

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// ValidName reports whether name can be the name of a configuration.
func ValidName(name string) bool {
	return len(name) <= 40 && strings.Trim(name, lower+digits+"_") == "" && strings.IndexAny(name, lower) == 0
}

// validKey reports whether name can be that of a field, a label or a query
// parameter: what all tool dialects accept as the name of a property.
func validKey(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, lower+strings.ToUpper(lower)+digits+"_.-") == ""
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// Validate returns everything that is wrong with c. The secrets whose paths are
// in kept are in the vault already and need not be given.
func (c *Config) Validate(excused []string) []Fault {
	var f faults
	f.check(ValidName(c.Name), InvalidValue, "name",
		"The name must begin with a lower-case letter and hold at most 40 lower-case letters, digits and underscores.")
	f.check(slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, c.Method), InvalidValue, "method",
		"The method must be GET, POST, PUT, PATCH or DELETE, in capitals.")
	checkEndpoint(&f, c.URL())
	c.checkTexts(&f)
	c.checkNumbers(&f)
	c.Auth.check(&f, excused)
	f.check(c.Auth.queryName() == "" || !slices.Contains(queryNames(c.URL()), c.Auth.queryName()), InvalidValue, "auth.query",
		"The endpoint already sets this query parameter, and which of the two counts is up to the server. Remove it from the endpoint.")
	c.checkHeaders(&f)
	c.checkIdempotencyHeader(&f)
	c.checkFields(&f)
	c.checkTemplates(&f)
	c.checkBody(&f)
	c.checkLabels(&f)
	c.checkSecrets(&f, excused)
	return f
}

func (c *Config) checkTexts(f *faults) {
	f.check(utf8.RuneCountInString(c.Description) <= MaxDescription, TooLong, "description",
		"The description is longer than %d characters. Move what explains the use to instructions.", MaxDescription)
	f.check(utf8.RuneCountInString(c.Instructions) <= MaxInstructions, TooLong, "instructions",
		"The instructions are longer than %d characters. Shorten them.", MaxInstructions)
	f.check(c.Approval == ApprovalRequired || c.Approval == ApprovalNone, InvalidValue, "approval",
		`Approval must be "required" or "none".`)
}

func (c *Config) checkNumbers(f *faults) {
	f.check(c.TimeoutSeconds >= 1 && c.TimeoutSeconds <= MaxTimeoutSeconds, InvalidValue, "timeoutSeconds",
		"The time-out must be from 1 to %d seconds.", MaxTimeoutSeconds)
	f.check(c.MaxResponse >= 1 && c.MaxResponse <= MaxMaxResponseBytes, InvalidValue, "maxResponseBytes",
		"The largest response must be from 1 to %d bytes.", MaxMaxResponseBytes)
	f.check(c.Retries >= 0 && c.Retries <= MaxRetries, InvalidValue, "retries",
		"A request may be sent again from 0 to %d times.", MaxRetries)
}

func (c *Config) checkLabels(f *faults) {
	f.check(len(c.Labels) <= MaxLabels, TooLong, "labels", "There are more than %d labels. Remove some.", MaxLabels)
	for name, value := range c.Labels {
		if !validKey(name) || len(value) > 256 {
			f.add(InvalidValue, "labels", "A label's name must be 1 to 64 letters, digits, dots, hyphens or underscores, and its value at most 256 bytes.")
			return
		}
	}
}

func (c *Config) checkBody(f *faults) {
	f.check(len(c.Body) <= MaxTemplate, TooLong, "body", "The template of the body is longer than %d bytes. Shorten it.", MaxTemplate)
	f.check(slices.Contains([]string{"", BodyJSON, BodyForm, BodyNone}, c.BodyFormat), InvalidValue, "bodyFormat",
		`bodyFormat must be "json", "form" or "none".`)
	if !HasBody(c.Method) {
		f.check(len(c.Body) == 0, InvalidValue, "body", "Requests of this method have no body. Remove the template, or change the method.")
		f.check(c.BodyFormat != BodyForm, InvalidValue, "bodyFormat", "Requests of this method have no body. Remove bodyFormat, or change the method.")
		return
	}
	f.check(len(c.Body) == 0 || c.BodyFormat != BodyNone, InvalidValue, "body", `There is no body when bodyFormat is "none". Remove the template, or change bodyFormat.`)
}

func (c *Config) checkSecrets(f *faults, excused []string) {
	c.checkSecretValues(f)
	total := 0
	for _, s := range c.slots() {
		given := s.value.IsSet()
		f.check(given || s.needed || slices.Contains(excused, s.path), MissingValue, s.at,
			"This is a secret and no value is stored. Give the whole of it.")
		f.check(!given || s.short || s.value.Len() >= MinSecret, InvalidValue, s.at,
			`The secret is shorter than %d bytes, so it could not be taken out of answers without damaging ordinary text. Use a longer one, or, for a header or a parameter, say "secret": false if it is none.`, MinSecret)
		f.check(s.value.Len() <= MaxSecret, TooLong, s.at, "The secret is longer than %d bytes. Shorten it.", MaxSecret)
		total += s.value.Len()
	}
	f.check(total <= MaxSecrets, TooLong, "", "All secrets together are longer than %d bytes. Shorten or remove some.", MaxSecrets)
}

func (c *Config) checkSecretValues(f *faults) {
	n, bad := 0, false
	for _, v := range c.SecretValues {
		if !v.Value.IsCleared() {
			n++
		}
		bad = bad || !validKey(v.Name)
	}
	f.check(n <= MaxSecretValues, TooLong, "secretValues", "There are more than %d secret values. Remove some.", MaxSecretValues)
	f.check(!bad, InvalidValue, "secretValues",
		"A secret value's name must be 1 to 64 letters, digits, dots, hyphens or underscores.")
}
