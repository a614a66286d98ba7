package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"callout/examples/sampleapi"
)

// sample is a configuration, and a call to show it with.
type sample struct {
	name      string
	config    map[string]any
	arguments map[string]any
}

func field(name, kind, description string, required bool) map[string]any {
	return map[string]any{"name": name, "type": kind, "description": description, "required": required}
}

// samples are one configuration for each kind of credential. They run without
// approval, because nobody would be there to give it.
func samples(api string) []sample {
	return []sample{
		{
			name: "sample_status",
			config: map[string]any{"endpoint": api + "/status", "method": "GET", "approval": "none",
				"description": "Tell whether the sample help desk is up.", "auth": map[string]any{"type": "none"}},
			arguments: map[string]any{},
		},
		{
			name: "sample_find_devices",
			config: map[string]any{"endpoint": api + "/devices", "method": "GET", "approval": "none",
				"description": "List the devices of a site.",
				"auth":        map[string]any{"type": "apiKey", "header": "X-Api-Key", "key": sampleapi.Key},
				"fields":      []any{field("site", "string", "The site, such as berlin or lisbon", false)}},
			arguments: map[string]any{"site": "berlin"},
		},
		{
			name: "sample_create_ticket",
			config: map[string]any{"endpoint": api + "/tickets", "method": "POST", "approval": "none",
				"description":  "Create a ticket in the sample help desk.",
				"instructions": "Call once for each new problem. Say what is broken and where in the summary.",
				"auth":         map[string]any{"type": "bearer", "token": sampleapi.Token},
				"fields": []any{field("summary", "string", "What is broken, and where", true),
					map[string]any{"name": "priority", "type": "string", "enum": []string{"low", "normal", "high"}, "default": "normal"}}},
			arguments: map[string]any{"summary": "printer-2 in berlin is offline", "priority": "high"},
		},
		{
			name: "sample_send_message",
			config: map[string]any{"endpoint": api + "/messages", "method": "POST", "approval": "none",
				"description": "Send a message to a technician.",
				"auth":        map[string]any{"type": "basic", "username": sampleapi.Username, "password": sampleapi.Password},
				"fields": []any{field("to", "string", "Who is to get it", true),
					field("text", "string", "What to say", true)}},
			arguments: map[string]any{"to": "on-call", "text": "printer-2 needs a look"},
		},
		{
			name: "sample_list_sites",
			config: map[string]any{"endpoint": api + "/sites", "method": "GET", "approval": "none",
				"description": "List the sites of the sample help desk.",
				"auth": map[string]any{"type": "oauth2ClientCredentials", "tokenUrl": api + "/oauth/token",
					"parameters": []any{
						map[string]any{"name": "client_id", "value": sampleapi.ClientID},
						map[string]any{"name": "client_secret", "value": sampleapi.ClientSecret}}}},
			arguments: map[string]any{},
		},
	}
}

// tour creates what is missing, makes one call through each sample, and says how
// to go on.
func tour(ctx context.Context, out io.Writer, c *client, api string) error {
	fmt.Fprintf(out, "\nCallout is up. One call through each sample configuration:\n\n")
	for _, s := range samples(api) {
		if err := show(ctx, out, c, s); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, next, c.base)
	return nil
}

const next = `
Callout serves %[1]s until you press Ctrl-C. Nobody else on the network can reach it.

  configurations  %[1]s/configs
  history         %[1]s/executions
  API document    %[1]s/openapi.json

Try:

  curl -s %[1]s/configs/sample_create_ticket
  curl -s -X POST %[1]s/execute/sample_create_ticket -d '{"arguments": {"summary": "switch-1 in lisbon is slow"}}'
  curl -s -X POST %[1]s/configs/sample_find_devices/test

`

func show(ctx context.Context, out io.Writer, c *client, s sample) error {
	status, err := c.call(ctx, http.MethodGet, "/configs/"+s.name, nil, nil)
	if status == http.StatusNotFound {
		_, err = c.call(ctx, http.MethodPut, "/configs/"+s.name, s.config, nil)
	}
	if err != nil {
		return err
	}
	var result struct {
		Status   string
		Request  struct{ Method, URL string }
		Response *struct {
			Status int
			Body   json.RawMessage
		}
		Error      *struct{ Message string }
		DurationMS int `json:"durationMs"`
	}
	if _, err := c.call(ctx, http.MethodPost, "/execute/"+s.name, map[string]any{"arguments": s.arguments}, &result); err != nil {
		return err
	}
	fmt.Fprintf(out, "  %-21s %-9s %s %s (%d ms)\n", s.name, result.Status, result.Request.Method, result.Request.URL, result.DurationMS)
	if result.Response != nil {
		fmt.Fprintf(out, "  %-21s %d %s\n", "", result.Response.Status, result.Response.Body)
	}
	if result.Error != nil {
		fmt.Fprintf(out, "  %-21s %s\n", "", result.Error.Message)
	}
	return nil
}
