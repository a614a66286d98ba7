package tablestore

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"

	"callout/handler/storetest/azurite"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

func TestConnectionStrings(t *testing.T) {
	const key = "AccountKey=a2V5"
	for in, want := range map[string]account{
		"DefaultEndpointsProtocol=https;AccountName=abc;" + key + ";EndpointSuffix=core.windows.net": {"abc", "a2V5", "https://abc.table.core.windows.net"},
		"AccountName=abc;" + key:                                               {"abc", "a2V5", "https://abc.table.core.windows.net"},
		"accountname=abc;ACCOUNTKEY=a2V5;":                                     {"abc", "a2V5", "https://abc.table.core.windows.net"},
		" AccountName = abc ; " + key + " ; ":                                  {"abc", "a2V5", "https://abc.table.core.windows.net"},
		"AccountName=abc;" + key + ";EndpointSuffix=core.chinacloudapi.cn":     {"abc", "a2V5", "https://abc.table.core.chinacloudapi.cn"},
		"AccountName=abc;AccountKey=a2V5PQ==;BlobEndpoint=http://elsewhere/":   {"abc", "a2V5PQ==", "https://abc.table.core.windows.net"},
		"AccountName=abc;" + key + ";TableEndpoint=https://tables.example/abc": {"abc", "a2V5", "https://tables.example/abc"},
		"AccountName=abc;" + key + ";TableEndpoint=http://127.0.0.1:1/abc":     {"abc", "a2V5", "http://127.0.0.1:1/abc"},
		"AccountName=abc;" + key + ";TableEndpoint=http://[::1]:1/abc":         {"abc", "a2V5", "http://[::1]:1/abc"},
		"AccountName=abc;" + key + ";TableEndpoint=http://localhost:1/abc":     {"abc", "a2V5", "http://localhost:1/abc"},
		"UseDevelopmentStorage=true":                                           {azurite.Account, azurite.Key, "http://127.0.0.1:10002/devstoreaccount1"},
		"usedevelopmentstorage=TRUE;":                                          {azurite.Account, azurite.Key, "http://127.0.0.1:10002/devstoreaccount1"},
	} {
		if got, err := parseConnectionString(in); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", in, got, err, want)
		}
		if _, err := New(Options{ConnectionString: in}); err != nil {
			t.Errorf("New: %s: %v", in, err)
		}
	}
}

// What an account is called does not tell how it was opened, nor its key.
func TestTheNameOfAnAccount(t *testing.T) {
	byKey := func(s string) Options { return Options{ConnectionString: s + ";AccountName=abc;AccountKey=c2Vlbg==;"} }
	byToken := func(s string) Options { return Options{Endpoint: s, Credential: anyone{}} }
	for _, c := range []struct {
		want    string
		options []Options
	}{
		{"https://abc.table.core.windows.net", []Options{
			byKey("DefaultEndpointsProtocol=https"),
			byKey("TableEndpoint=https://abc.table.core.windows.net/"),
			byToken("https://abc.table.core.windows.net"),
			byToken("https://abc.table.core.windows.net/"),
			byToken("HTTPS://ABC.table.core.windows.net"),
		}},
		{"https://127.0.0.1:10002/devstoreaccount1", []Options{
			byKey("TableEndpoint=https://127.0.0.1:10002/devstoreaccount1"),
			byToken("https://127.0.0.1:10002/devstoreaccount1/"),
		}},
		{"http://127.0.0.1:10002/devstoreaccount1", []Options{{ConnectionString: "UseDevelopmentStorage=true"}}},
		{"https://other.table.core.windows.net", []Options{byToken("https://other.table.core.windows.net")}},
	} {
		for i, options := range c.options {
			s, err := New(options)
			if err != nil {
				t.Errorf("%s, %d: %v", c.want, i, err)
				continue
			}
			if got := s.Account(); got != c.want {
				t.Errorf("it is called %s, want %s", got, c.want)
			}
		}
	}
}

// anyone is a credential that must not be asked.
type anyone struct{}

// GetToken implements azcore.TokenCredential.
func (anyone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	panic("asked for a token before the first call")
}

func TestOptionsThatAreRefused(t *testing.T) {
	const name, key = "AccountName=seen;", "AccountKey=c2Vlbg==;"
	byKey := func(s string) Options { return Options{ConnectionString: s} }
	byToken := func(s string) Options { return Options{Endpoint: s, Credential: anyone{}} }
	for _, c := range []struct {
		what    string
		options Options
		words   string
	}{
		{"nothing", Options{}, "neither a connection string nor an endpoint"},
		{"both", Options{ConnectionString: name + key, Endpoint: "https://seen"}, "both a connection string and an endpoint"},
		{"an endpoint alone", Options{Endpoint: "https://seen"}, "without a credential"},
		{"an endpoint over http", byToken("http://127.0.0.1/seen"), "must be an https address"},
		{"an endpoint with a query", byToken("https://seen/?sig=seen"), "without a query"},
		{"an endpoint with a password", byToken("https://seen:seen@host"), "must be an https address"},
		{"an endpoint that is a name", byToken("seen.table.core.windows.net"), "must be an https address"},
		{"an endpoint that is nonsense", byToken("https://seen\x7f/%zz"), "must be an https address"},
		{"no parts", byKey("seen"), "part 1 of the connection string is not name=value"},
		{"a part without a value", byKey(name + key + "seen"), "part 3 of the connection string is not name=value"},
		{"no name", byKey(key), "needs an AccountName"},
		{"a name that is a host", byKey("AccountName=seen.example/;" + key), "needs an AccountName"},
		{"no key", byKey(name), "needs the account's AccountKey"},
		{"an empty key", byKey(name + "AccountKey="), "needs the account's AccountKey"},
		{"a key that is no base64", byKey(name + "AccountKey=seen!"), "needs the account's AccountKey"},
		{"a signature in place of a key", byKey(name + "SharedAccessSignature=sig=seen"), "managed identity"},
		{"http to elsewhere", byKey(name + key + "DefaultEndpointsProtocol=http"), "http is taken for loopback only"},
		{"http to an endpoint elsewhere", byKey(name + key + "TableEndpoint=http://192.0.2.1/seen"), "http is taken for loopback only"},
		{"another protocol", byKey(name + key + "DefaultEndpointsProtocol=ftp"), "makes no https address"},
		{"a suffix with a user", byKey(name + key + "EndpointSuffix=x@seen"), "makes no https address"},
		{"no development storage", byKey("UseDevelopmentStorage=false"), "needs an AccountName"},
	} {
		s, err := New(c.options)
		if err == nil || s != nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v; want %q", c.what, err, c.words)
		}
		if err != nil && (strings.Contains(err.Error(), "seen") || strings.Contains(err.Error(), "c2Vlbg")) {
			t.Errorf("%s: the error quotes what was given: %v", c.what, err)
		}
	}
}

func TestNothingIsSentBeforeTheFirstCall(t *testing.T) {
	s, err := New(Options{Endpoint: "https://account.table.core.windows.net", Credential: anyone{}})
	if err != nil {
		t.Fatal(err)
	}
	s.Table("people")

	r := newRig(t, quick)
	r.sent()
	if r.store.Table(r.table.name) != r.table {
		t.Error("the same name gives another table")
	}
}

func FuzzParseConnectionString(f *testing.F) {
	for _, seed := range []string{
		"UseDevelopmentStorage=true", developmentStorage, "AccountName=abc;AccountKey=a2V5;EndpointSuffix=core.windows.net",
		";;=;", "AccountName=abc;AccountKey=a2V5;TableEndpoint=http://[::1", "AccountName=abc;AccountKey=a2V5;TableEndpoint=https://a@b?c#d",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseConnectionString(s)
		if err != nil {
			if len(s) > 20 && strings.Contains(err.Error(), s) {
				t.Errorf("the error quotes %q", s)
			}
			return
		}
		u, err := url.Parse(a.endpoint)
		if err != nil || u.Host == "" || a.key == "" || !accountName.MatchString(a.name) {
			t.Fatalf("%q gives %+v, %v", s, a, err)
		}
		if here := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback(); u.Scheme != "https" && !here {
			t.Errorf("%q sends rows in the clear to %s", s, a.endpoint)
		}
		opened, err := New(Options{ConnectionString: s})
		if err != nil {
			t.Fatalf("New refuses what was parsed: %v", err)
		}
		if name := opened.Account(); accountOf(name) != name || !strings.HasPrefix(name, u.Scheme+"://") {
			t.Errorf("%q is the account %q, which is %q", s, name, accountOf(name))
		}
	})
}
