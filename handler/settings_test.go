package main

import (
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/egress"
	"callout/handler/secret"
)

// read reads settings from names and values.
func read(env map[string]string) (*Settings, error) {
	return ReadSettings(func(name string) string { return env[name] })
}

func TestWithoutAnySettingAllIsSafe(t *testing.T) {
	got, err := read(nil)
	want := &Settings{Address: "127.0.0.1:7071", DataDir: ".callout", ConfigTTL: 10 * time.Second, HistoryTime: 30 * day, ApprovalTime: day, CallbackURLs: []string{}, LogLevel: slog.LevelInfo}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v (%v)\nwant %+v", got, err, want)
	}
}

func TestEachSetting(t *testing.T) {
	cases := []struct {
		name, value string
		set         func(*Settings)
	}{
		{"CALLOUT_PORT", "8080", func(s *Settings) { s.Address = "127.0.0.1:8080" }},
		{"CALLOUT_PORT", "0", func(s *Settings) { s.Address = "127.0.0.1:0" }},
		{"FUNCTIONS_CUSTOMHANDLER_PORT", "50123", func(s *Settings) { s.Address, s.UnderHost = "127.0.0.1:50123", true }},
		{"CALLOUT_DATA_DIR", " /var/lib/callout ", func(s *Settings) { s.DataDir = "/var/lib/callout" }},
		{"CALLOUT_HISTORY_DAYS", "1", func(s *Settings) { s.HistoryTime = day }},
		{"CALLOUT_APPROVAL_HOURS", "720", func(s *Settings) { s.ApprovalTime = 30 * day }},
		{"CALLOUT_CALLBACK_URLS", "https://a.example.com/b, https://c.example.com", func(s *Settings) {
			s.CallbackURLs = []string{"https://a.example.com/b", "https://c.example.com"}
		}},
		{"CALLOUT_CONFIG_TTL", "0s", func(s *Settings) { s.ConfigTTL = 0 }},
		{"CALLOUT_CONFIG_TTL", "1h", func(s *Settings) { s.ConfigTTL = time.Hour }},
		{"CALLOUT_LOG_LEVEL", "debug", func(s *Settings) { s.LogLevel = slog.LevelDebug }},
		{"CALLOUT_LOG_LEVEL", "ERROR", func(s *Settings) { s.LogLevel = slog.LevelError }},
		{"CALLOUT_EGRESS_HTTP", "true", func(s *Settings) { s.Egress.PlainHTTP = true }},
		{"CALLOUT_EGRESS_HTTP", "0", func(*Settings) {}},
		{"CALLOUT_EGRESS_ALLOW", "10.1.0.0/16, fd12:3456::/32", func(s *Settings) {
			s.Egress.Allow = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12:3456::/32")}
		}},
		{"CALLOUT_EGRESS_HOSTS", "API.example.com *.example.org", func(s *Settings) {
			s.Egress.Hosts = []string{"api.example.com", "*.example.org"}
		}},
		{"CALLOUT_EGRESS_PORTS", "443,8443", func(s *Settings) { s.Egress.Ports = []uint16{443, 8443} }},
		{"CALLOUT_AUTH", "keys", func(*Settings) {}},
		{"CALLOUT_TABLES", "local", func(*Settings) {}},
		{"CALLOUT_VAULT", "local", func(*Settings) {}},
		{"CALLOUT_TABLES", "https://x.table.core.windows.net", func(s *Settings) { s.Tables.Endpoint = "https://x.table.core.windows.net" }},
		{"CALLOUT_TABLES", "UseDevelopmentStorage=true", func(s *Settings) { s.Tables.ConnectionString = secret.New("UseDevelopmentStorage=true") }},
		{"CALLOUT_VAULT", "https://x.vault.azure.net", func(s *Settings) { s.Vault.URL = "https://x.vault.azure.net" }},
		{"CALLOUT_VAULT", "https://127.0.0.1:8443", func(s *Settings) {
			s.Vault = VaultSettings{URL: "https://127.0.0.1:8443", AnyDomain: true}
		}},
		// Core Tools gives a name under which only plain http answers.
		{"WEBSITE_HOSTNAME", "localhost:7071", func(*Settings) {}},
	}
	for _, c := range cases {
		want, _ := read(nil)
		c.set(want)
		got, err := read(map[string]string{c.name: c.value})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s=%s\ngot  %+v (%v)\nwant %+v", c.name, c.value, got, err, want)
		}
	}
}

func TestUnderTheHostItsPortCounts(t *testing.T) {
	got, err := read(map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": "50123", "CALLOUT_PORT": "not looked at"})
	if err != nil || got.Address != "127.0.0.1:50123" || !got.UnderHost {
		t.Errorf("got %+v (%v)", got, err)
	}
}

// A value that is refused is a fault of its setting, which is named; the value
// itself is not, because some are credentials.
func TestValuesThatAreRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"CALLOUT_PORT":                 {"http", "-1", "65536", "70.71", "127.0.0.1:7071"},
		"FUNCTIONS_CUSTOMHANDLER_PORT": {"0", "http", "65536", " 7071"},
		"CALLOUT_AUTH":                 {"entra", "Keys", "none"},
		"CALLOUT_TABLES":               {"http://x.table.core.windows.net", "Local"},
		"CALLOUT_VAULT":                {"http://x.vault.azure.net", "https://", "memory"},
		"CALLOUT_CONFIG_TTL":           {"10", "-1s", "61m", "soon"},
		"CALLOUT_LOG_LEVEL":            {"verbose", "3"},
		"CALLOUT_EGRESS_HTTP":          {"yes", "TRUE!"},
		"CALLOUT_EGRESS_ALLOW":         {"10.0.0.0/33", "169.254.0.0/16", "example.com"},
		"CALLOUT_EGRESS_HOSTS":         {"https://example.com", "*", "a b_c!"},
		"CALLOUT_EGRESS_PORTS":         {"0", "65536", "https"},
	} {
		for _, value := range values {
			_, err := read(map[string]string{name: value})
			if err == nil {
				t.Errorf("%s=%s is accepted", name, value)
				continue
			}
			if !strings.HasPrefix(err.Error(), name+" ") {
				t.Errorf("%s=%s: the error does not name the setting: %v", name, value, err)
			}
		}
	}
}

func TestAllFaultsAreReportedTogetherAndNoValueIsQuoted(t *testing.T) {
	const canary = "AccountKey!canary4711"
	names := []string{"CALLOUT_PORT", "CALLOUT_AUTH", "CALLOUT_TABLES", "CALLOUT_VAULT", "CALLOUT_CONFIG_TTL", "CALLOUT_LOG_LEVEL",
		"CALLOUT_EGRESS_HTTP", "CALLOUT_EGRESS_ALLOW", "CALLOUT_EGRESS_HOSTS", "CALLOUT_EGRESS_PORTS"}
	env := map[string]string{}
	for _, name := range names {
		env[name] = canary
	}
	_, err := read(env)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range names {
		if !strings.Contains("\n"+err.Error(), "\n"+name+" ") {
			t.Errorf("%s is not named:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("a value is quoted:\n%v", err)
	}
}

func TestOnAzure(t *testing.T) {
	azure := func(tables, vault string) error {
		_, err := read(map[string]string{"WEBSITE_INSTANCE_ID": "x", "CALLOUT_TABLES": tables, "CALLOUT_VAULT": vault})
		return err
	}
	cases := []struct {
		name, tables, vault string
		named               []string
	}{
		{"both missing", "", "", []string{"CALLOUT_TABLES", "CALLOUT_VAULT"}},
		{"both local", "local", "local", []string{"CALLOUT_TABLES", "CALLOUT_VAULT"}},
		{"Azurite", "UseDevelopmentStorage=true", "https://x.vault.azure.net", []string{"CALLOUT_TABLES"}},
		{"a vault outside Azure", "https://x.table.core.windows.net", "https://x.vault.azure.net.example.com", []string{"CALLOUT_VAULT"}},
	}
	for _, c := range cases {
		err := azure(c.tables, c.vault)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		var named []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			name, _, _ := strings.Cut(line, " ")
			named = append(named, name)
		}
		if !slices.Equal(named, c.named) {
			t.Errorf("%s: %v", c.name, err)
		}
		if strings.Contains(err.Error(), "windows.net") || strings.Contains(err.Error(), "azure.net") {
			t.Errorf("%s: a value is quoted: %v", c.name, err)
		}
	}
}

func TestOnAzureTheServiceKnowsItsNameAndDoesNotCallItself(t *testing.T) {
	got, _ := read(map[string]string{"WEBSITE_INSTANCE_ID": "x", "WEBSITE_HOSTNAME": "Callout.azurewebsites.net"})
	want := egress.Policy{OnAzure: true, OwnHosts: []string{"callout.azurewebsites.net"}}
	if !got.OnAzure || got.PublicHost != "callout.azurewebsites.net" || !reflect.DeepEqual(got.Egress, want) {
		t.Errorf("got %+v", got)
	}
}
