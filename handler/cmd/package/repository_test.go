package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unmarshal decodes a file of this repository.
func unmarshal(t *testing.T, name string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, filepath.Join("../../..", name))), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestHostJSON(t *testing.T) {
	var host struct {
		Version         string
		FunctionTimeout string
		CustomHandler   struct {
			Description struct {
				DefaultExecutablePath string
			}
			EnableProxyingHTTPRequest bool
		}
		Extensions struct {
			HTTP struct {
				RoutePrefix string
				HSTS        struct {
					IsEnabled bool
				}
				CustomHeaders map[string]string
			}
		}
		Logging struct {
			ApplicationInsights struct {
				SamplingSettings struct {
					ExcludedTypes string
				}
			}
		}
	}
	unmarshal(t, "host.json", &host)
	for what, ok := range map[string]bool{
		"version":                               host.Version == "2.0",
		"the binary's name, without ./":         host.CustomHandler.Description.DefaultExecutablePath == binaryName,
		"proxying":                              host.CustomHandler.EnableProxyingHTTPRequest,
		"the prefix that routes are written to": host.Extensions.HTTP.RoutePrefix == "api",
		"HSTS":                                  host.Extensions.HTTP.HSTS.IsEnabled,
		"no sniffing":                           host.Extensions.HTTP.CustomHeaders["X-Content-Type-Options"] == "nosniff",
		"the time Azure gives a response":       host.FunctionTimeout == "00:03:50",
		"every request is kept in the log":      host.Logging.ApplicationInsights.SamplingSettings.ExcludedTypes == "Request",
	} {
		if !ok {
			t.Errorf("host.json: not as it should be: %s", what)
		}
	}
}

// The example must start as it stands and open nothing.
func TestExampleSettings(t *testing.T) {
	var settings struct {
		IsEncrypted *bool
		Values      map[string]string
	}
	unmarshal(t, "local.settings.json.example", &settings)
	if settings.IsEncrypted == nil || *settings.IsEncrypted {
		t.Error("IsEncrypted must be false")
	}
	want := map[string]string{
		"FUNCTIONS_WORKER_RUNTIME": "custom",
		"AzureWebJobsStorage":      "UseDevelopmentStorage=true",
		"CALLOUT_TABLES":           "local",
		"CALLOUT_VAULT":            "local",
		"CALLOUT_DATA_DIR":         "../.callout",
		"CALLOUT_EGRESS_ALLOW":     "",
		"CALLOUT_EGRESS_HOSTS":     "",
		"CALLOUT_EGRESS_PORTS":     "443",
		"CALLOUT_EGRESS_HTTP":      "false",
		"CALLOUT_CONFIG_TTL":       "10s",
		"CALLOUT_HISTORY_DAYS":     "30",
		"CALLOUT_APPROVAL_HOURS":   "24",
		"CALLOUT_CALLBACK_URLS":    "",
		"CALLOUT_LOG_LEVEL":        "info",
	}
	if !maps.Equal(settings.Values, want) {
		t.Errorf("Values are %q, want %q", slices.Sorted(maps.Keys(settings.Values)), slices.Sorted(maps.Keys(want)))
	}
	// Under the host the working directory is dist/, which Core Tools publishes
	// whole: the store and its key must lie outside.
	if !strings.HasPrefix(settings.Values["CALLOUT_DATA_DIR"], "../") {
		t.Error("CALLOUT_DATA_DIR lies in dist/")
	}
}
