package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"callout/handler/egress"
	"callout/handler/webhook"
)

// Settings are all that the environment decides (design: section 9). They are
// read once; the zero value of each is the safe one.
type Settings struct {
	// Address to listen on.
	Address string
	// UnderHost says that a Functions host forwards the requests.
	UnderHost bool
	// OnAzure says that this is an instance of App Service.
	OnAzure bool
	// PublicHost is the name under which Azure serves this. It is empty elsewhere:
	// Core Tools gives a name too, which is only reached by plain http.
	PublicHost string
	// Tables says where the rows are, Vault where the secrets are.
	Tables TableSettings
	Vault  VaultSettings
	// DataDir is where the embedded store lives, if either is local.
	DataDir string
	// Egress says where calls may go.
	Egress egress.Policy
	// ConfigTTL is how long a configuration is served from memory.
	ConfigTTL time.Duration
	// HistoryTime is how long executions are kept.
	HistoryTime time.Duration
	// ApprovalTime is how long a technician may take to decide.
	ApprovalTime time.Duration
	// CallbackURLs are the prefixes of addresses that results may be posted to.
	CallbackURLs []string
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
}

const (
	defaultPort          = "7071"
	defaultDataDir       = ".callout"
	defaultConfigTTL     = 10 * time.Second
	defaultHistoryDays   = 30
	defaultApprovalHours = 24

	day = 24 * time.Hour
)

// reader reads settings and collects what is wrong with them.
type reader struct {
	env    func(string) string
	faults []error
}

func (r *reader) fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
}

// ReadSettings reads all settings from env. The error names everything that is
// wrong, a line each, and quotes no value: a connection string is one.
func ReadSettings(env func(string) string) (*Settings, error) {
	r := &reader{env: env}
	s := &Settings{
		OnAzure:   env("WEBSITE_INSTANCE_ID") != "",
		DataDir:   r.text("CALLOUT_DATA_DIR", defaultDataDir),
		ConfigTTL: r.duration("CALLOUT_CONFIG_TTL", defaultConfigTTL),
	}
	if s.OnAzure {
		s.PublicHost = strings.ToLower(env("WEBSITE_HOSTNAME"))
	}
	s.Address, s.UnderHost = r.address()
	s.LogLevel = r.level("CALLOUT_LOG_LEVEL")
	s.HistoryTime = day * time.Duration(r.whole("CALLOUT_HISTORY_DAYS", defaultHistoryDays, 3650))
	s.ApprovalTime = time.Hour * time.Duration(r.whole("CALLOUT_APPROVAL_HOURS", defaultApprovalHours, 30*24))
	s.CallbackURLs = r.callbacks()
	s.Egress = r.egress(s)
	r.auth()
	s.Tables, s.Vault = r.tables(s.OnAzure), r.vault(s.OnAzure)
	return s, errors.Join(r.faults...)
}

func (r *reader) text(name, otherwise string) string {
	if v := strings.TrimSpace(r.env(name)); v != "" {
		return v
	}
	return otherwise
}

// address is where to listen. The host only ever calls 127.0.0.1, and alone
// nobody else may.
func (r *reader) address() (address string, underHost bool) {
	name, port := "FUNCTIONS_CUSTOMHANDLER_PORT", r.env("FUNCTIONS_CUSTOMHANDLER_PORT")
	underHost = port != ""
	if !underHost {
		name, port = "CALLOUT_PORT", r.text("CALLOUT_PORT", defaultPort)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && underHost {
		r.fault(name, "must be a port, a whole number up to 65535")
	}
	return net.JoinHostPort("127.0.0.1", port), underHost
}

func (r *reader) duration(name string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(r.text(name, otherwise.String()))
	if err != nil || d < 0 || d > time.Hour {
		r.fault(name, `must be a duration from 0s to 1h, such as "10s"`)
	}
	return d
}

// whole reads a whole number from 1 to most.
func (r *reader) whole(name string, otherwise, most int) int {
	n, err := strconv.Atoi(r.text(name, strconv.Itoa(otherwise)))
	if err != nil || n < 1 || n > most {
		r.fault(name, "must be a whole number from 1 to %d", most)
	}
	return n
}

// callbacks reads a list with commas or white space in between.
func (r *reader) callbacks() []string {
	const name = "CALLOUT_CALLBACK_URLS"
	list := strings.FieldsFunc(r.env(name), func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	for i, prefix := range list {
		if err := webhook.CheckPrefix(prefix); err != nil {
			r.fault(name, "entry %d %v", i+1, err)
		}
	}
	return list
}

func (r *reader) level(name string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(r.text(name, "info"))); err != nil {
		r.fault(name, "must be debug, info, warn or error")
	}
	return level
}

func (r *reader) flag(name string) bool {
	switch strings.ToLower(r.text(name, "false")) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	r.fault(name, "must be true or false")
	return false
}

func (r *reader) egress(s *Settings) egress.Policy {
	p := egress.Policy{PlainHTTP: r.flag("CALLOUT_EGRESS_HTTP"), OnAzure: s.OnAzure}
	if s.PublicHost != "" {
		p.OwnHosts = []string{s.PublicHost}
	}
	if site := strings.ToLower(r.env("WEBSITE_SITE_NAME")); s.OnAzure && site != "" { // also where it has a domain of its own
		p.OwnHosts = append(p.OwnHosts, site+".azurewebsites.net")
	}
	var err error
	if p.Allow, err = egress.ParseAllow(r.env("CALLOUT_EGRESS_ALLOW")); err != nil {
		r.fault("CALLOUT_EGRESS_ALLOW", "%v", err)
	}
	if p.Hosts, err = egress.ParseHosts(r.env("CALLOUT_EGRESS_HOSTS")); err != nil {
		r.fault("CALLOUT_EGRESS_HOSTS", "%v", err)
	}
	if p.Ports, err = egress.ParsePorts(r.env("CALLOUT_EGRESS_PORTS")); err != nil {
		r.fault("CALLOUT_EGRESS_PORTS", "%v", err)
	}
	return p
}

func (r *reader) auth() {
	if v := r.text("CALLOUT_AUTH", "keys"); v != "keys" {
		r.fault("CALLOUT_AUTH", `must be "keys": this version leaves sign-in to function keys`)
	}
}
