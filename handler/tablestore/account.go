package tablestore

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// developmentStorage is what UseDevelopmentStorage=true stands for, which the
// SDK does not know. The key is published, the same in every Azurite
// (learn.microsoft.com/azure/storage/common/storage-use-azurite).
const developmentStorage = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;" +
	"AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;" +
	"TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"

// account is what a connection string says.
type account struct{ name, key, endpoint string }

var accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// newKeyService reads the connection string itself: the SDK's reader ignores
// TableEndpoint in some forms, and any address that it is given goes.
func newKeyService(connectionString string, client *aztables.ClientOptions) (service *aztables.ServiceClient, endpoint string, err error) {
	a, err := parseConnectionString(connectionString)
	if err != nil {
		return nil, "", err
	}
	credential, err := aztables.NewSharedKeyCredential(a.name, a.key)
	if err != nil {
		return nil, "", errAccountKey
	}
	service, err = aztables.NewServiceClientWithSharedKey(a.endpoint, credential, client)
	if err != nil {
		return nil, "", errService
	}
	return service, a.endpoint, nil
}

func newTokenService(options Options, client *aztables.ClientOptions) (*aztables.ServiceClient, error) {
	if options.Credential == nil {
		return nil, errors.New("tablestore: the endpoint is given without a credential; on Azure, turn on the managed identity")
	}
	if scheme, err := checkEndpoint(options.Endpoint); err != nil || scheme != "https" {
		return nil, errors.New("tablestore: the endpoint must be an https address like https://<account>.table.core.windows.net, without a query")
	}
	service, err := aztables.NewServiceClient(options.Endpoint, quietCredential{options.Credential}, client)
	if err != nil {
		return nil, errService
	}
	return service, nil
}

// Errors of connection strings. None quotes any part of one: it holds a key.
var (
	errAccountName = errors.New("tablestore: the connection string needs an AccountName of 3 to 24 small letters and digits")
	errAccountKey  = errors.New("tablestore: the connection string needs the account's AccountKey, which is base64; " +
		"copy it again from the account's access keys, or use the endpoint with a managed identity")
	errAddress = errors.New("tablestore: the connection string's TableEndpoint, DefaultEndpointsProtocol or EndpointSuffix " +
		"makes no https address; http is taken for loopback only")
	errService = errors.New("tablestore: the Azure SDK refuses these options")
)

// parseConnectionString reads name=value parts, split by semicolons, the names
// in any case. Parts for other services are ignored.
func parseConnectionString(s string) (account, error) {
	parts, err := connectionParts(s)
	if err != nil {
		return account{}, err
	}
	if strings.EqualFold(parts["usedevelopmentstorage"], "true") {
		return parseConnectionString(developmentStorage)
	}
	a := account{name: parts["accountname"], key: parts["accountkey"], endpoint: parts["tableendpoint"]}
	if !accountName.MatchString(a.name) {
		return account{}, errAccountName
	}
	if raw, err := base64.StdEncoding.DecodeString(a.key); err != nil || len(raw) == 0 {
		return account{}, errAccountKey
	}
	if a.endpoint == "" {
		a.endpoint = defaultEndpoint(a.name, parts)
	}
	if _, err := checkEndpoint(a.endpoint); err != nil {
		return account{}, errAddress
	}
	return a, nil
}

func connectionParts(s string) (map[string]string, error) {
	parts := map[string]string{}
	for i, part := range strings.Split(strings.TrimRight(strings.TrimSpace(s), ";"), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("tablestore: part %d of the connection string is not name=value; copy it again from the storage account", i+1)
		}
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return parts, nil
}

func defaultEndpoint(name string, parts map[string]string) string {
	protocol, suffix := parts["defaultendpointsprotocol"], parts["endpointsuffix"]
	if protocol == "" {
		protocol = "https"
	}
	if suffix == "" {
		suffix = "core.windows.net"
	}
	return protocol + "://" + name + ".table." + suffix
}

// checkEndpoint returns the scheme of an address that holds nothing but host,
// port and path: https, or http to this machine.
func checkEndpoint(endpoint string) (scheme string, err error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", errAddress
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return "", errAddress
	}
	return u.Scheme, nil
}

// accountOf writes an address that checkEndpoint has passed in the one way that
// all instances write it.
func accountOf(endpoint string) string {
	u, _ := url.Parse(endpoint) // it has been parsed before
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/")
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
