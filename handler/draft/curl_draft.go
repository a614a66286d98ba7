package draft

import (
	"encoding/json"
	"fmt"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// drafting is a draft on its way from a call to a configuration.
type drafting struct {
	call    *call
	config  *callout.Config
	address address
	headers []given
	media   string            // the Content-Type that curl would send; "" for none
	names   map[string]bool   // of fields
	secrets map[string]bool   // names of secret values
	lacks   map[string]string // why the value at a path was not taken over
}

func (c *call) draft() (*Draft, error) {
	d := &drafting{call: c, config: &callout.Config{}, names: map[string]bool{}, secrets: map[string]bool{}, lacks: map[string]string{}}
	_ = json.Unmarshal([]byte("{}"), d.config) // gives what a configuration is by default
	for _, step := range []func() error{d.takeMethod, d.takeAddress, d.takeHeaders, d.takeBody, d.takeTime} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	d.describe()
	return d.finish()
}

// finish checks what has been made, and says which secrets are to be given.
func (d *drafting) finish() (*Draft, error) {
	unset := d.config.Unset()
	faults := d.config.Validate(unset)
	for i := range faults {
		place := faults[i].Target
		if strings.HasPrefix(place, "secretValues.") { // whose names are the command's
			place = "secretValues"
		}
		faults[i].Message = "What would become " + place + " of the configuration: " + faults[i].Message
		faults[i].Target = "curl"
	}
	if err := callout.Refuse(callout.InvalidCurl, faults); err != nil {
		return nil, err
	}
	notes := d.call.notes
	for _, path := range sortedPaths(d.config.Given()) {
		notes = append(notes, fmt.Sprintf("The value of %s has to be given again when the draft is stored: Callout sends no secret back.", path))
	}
	for _, path := range unset {
		why := d.lacks[path]
		if why == "" {
			why = "the command does not tell it"
		}
		notes = append(notes, fmt.Sprintf("The value of %s has to be given when the draft is stored: %s.", path, why))
	}
	return &Draft{Config: d.config, Notes: notes}, nil
}

func (d *drafting) note(text string) { d.call.note(text) }

func (d *drafting) takeMethod() error {
	c := d.call
	method := c.method
	switch {
	case method != "":
	case c.onlyHead:
		method = "HEAD"
	case c.hasData && !c.asQuery:
		method = "POST"
	default:
		method = "GET"
	}
	d.config.Method = strings.ToUpper(method)
	switch d.config.Method {
	case "GET", "POST", "PUT", "PATCH", "DELETE":
	default:
		return refuseCurl("The method is none of GET, POST, PUT, PATCH and DELETE, which are those that Callout sends. Use another operation of the API.")
	}
	if method != d.config.Method {
		d.note("The method is written in capitals: curl would send it in small letters, which few servers understand.")
	}
	return nil
}

func (d *drafting) takeTime() error {
	switch seconds := d.call.seconds; {
	case seconds > callout.MaxTimeoutSeconds:
		d.config.TimeoutSeconds = callout.MaxTimeoutSeconds
		d.note(fmt.Sprintf("The time-out is %d seconds, the longest that Callout waits.", callout.MaxTimeoutSeconds))
	case seconds > 0:
		d.config.TimeoutSeconds = seconds
	}
	return nil
}

// field declares a field, under a name that no other has, and returns the name. One
// more than there may be is enough to be refused.
func (d *drafting) field(f callout.Field) string {
	if len(d.config.Fields) > callout.MaxFields {
		return f.Name
	}
	f.Name = free(fieldName(f.Name), maxFieldName, d.names)
	d.config.Fields = append(d.config.Fields, f)
	return f.Name
}

// secretValue adds an entry to secretValues and returns its placeholder. One more
// than there may be is enough to be refused.
func (d *drafting) secretValue(name, value string) string {
	if len(d.config.SecretValues) > callout.MaxSecretValues {
		return ""
	}
	name = free(fieldName(name), maxFieldName, d.secrets)
	d.config.SecretValues = append(d.config.SecretValues, callout.SecretValue{Name: name, Value: d.usable("secretValues/"+name, value)})
	return "{{secret." + name + "}}"
}

// usable returns the secret that belongs to the path, or none and keeps the reason
// why its value cannot be taken over.
func (d *drafting) usable(path, value string) secret.Secret {
	if why := lack(value); why != "" {
		d.lacks[path] = why
		return secret.Secret{}
	}
	return secret.New(value)
}

// lack says why a text cannot be a secret; "" if it can be one.
func lack(value string) string {
	switch {
	case strings.Contains(value, unknown):
		return "the command has a variable there, whose value is not known here"
	case !isValue(value):
		return "the command has a placeholder there"
	case value == "":
		return "the command has nothing there"
	case len(value) < callout.MinSecret:
		return fmt.Sprintf("what the command has there is shorter than %d bytes, which is the least that a secret may have", callout.MinSecret)
	}
	return ""
}

// isValue reports whether a text is not, and has not in it, a stand-in for something
// else.
func isValue(text string) bool {
	return !strings.Contains(text, unknown) && !strings.Contains(text, "{{")
}
