package callout_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"callout/handler/callout"
)

// FuzzConfig checks that nothing that can be decoded makes Validate panic, and
// that what it accepts can be read, put back and sent as it was given.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"name": "a", "method": "GET", "endpoint": "https://a/", "auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://b/", "parameters": [null, {"name": "A_token", "value": null}], "tokenAuth": null, "refreshOn": [null, 401]}}`,
		`{"name": "a", "method": "GET", "endpoint": "https://a/", "auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://b/", "parameters": [{"name": "x"}, {"name": "x"}, {"name": "X", "secret": true, "value": "long enough"}], "tokenAuth": {"type": "basic", "username": ":", "encoding": "form", "password": ""}, "tokenPath": "a.b"}}`,
		`{}`, `null`, `[]`, `{"auth": null, "headers": [null], "fields": [null], "labels": null}`,
		`{"name": "a", "method": "GET", "endpoint": "https://[::1%25x]/", "endpointSecret": true}`,
		`{"name": "a", "method": "GET", "endpoint": "HTTPS://A:443?sig=1", "fields": [{"name": "a", "type": "integer", "minimum": 1e999, "maximum": -1E-9, "default": {"a": [1.0]}}]}`,
		`{"name": "a", "method": "PUT", "endpoint": "https://a/{{x}}?y={{secret.z}}", "endpointSecret": true, "secretValues": {"z": "long enough", "y": null}, "body": {"b": [1.0, "{{x}}"]}, "fields": [{"name": "x", "type": "string", "required": true, "in": "path"}]}`,
		`{"name": "a", "method": "PUT", "endpoint": "https://a/", "secretValues": null, "body": null, "bodyFormat": "form", "headers": [{"name": "X-Key", "value": "{{x}}{{secret.z}}"}], "fields": [{"name": "x", "type": "string", "in": "header"}]}`,
		`{"name": "a", "method": "GET", "endpoint": "https://a/", "secretValues": {"z": "long enough"}, "auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://b/{{secret.z}}", "parameters": [{"name": "x_key", "value": "{{ secret.z }}"}]}}`,
	} {
		f.Add([]byte(seed))
	}
	v, n := valid{rand.New(rand.NewPCG(1, 1))}, nasty{rand.New(rand.NewPCG(1, 1))}
	for range 10 {
		for _, d := range []doc{v.config(), n.config()} {
			data, err := json.Marshal(d)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &callout.Config{}
		if json.Unmarshal(data, c) != nil {
			return
		}
		for _, fault := range c.Validate([]string{"endpoint", "auth.token", "auth.parameters/A_token"}) {
			if fault.Code == "" || fault.Message == "" {
				t.Errorf("an empty fault: %+v", fault)
			}
		}
		if len(c.Validate(nil)) == 0 {
			checkRoundTrip(t, c)
		}
	})
}
