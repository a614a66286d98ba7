package keyvault

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"callout/handler/storetest/vaultserver"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// client is the SDK's own client: what people and other programs do in a vault.
func client(t *testing.T, server *vaultserver.Server) *azsecrets.Client {
	t.Helper()
	c, err := azsecrets.NewClient(server.URL(), tokensOf(server), &azsecrets.ClientOptions{
		ClientOptions:                        azcore.ClientOptions{Transport: server.Client()},
		DisableChallengeResourceVerification: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t *testing.T, people *azsecrets.Client, name string) {
	t.Helper()
	if _, err := people.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{Value: to.Ptr("value")}, nil); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	_ = body.Close()
	return string(raw)
}

// edited replaces the body of an answer.
func edited(t *testing.T, resp *http.Response, err error, edit func(string) string) (*http.Response, error) {
	t.Helper()
	if err != nil {
		return resp, err
	}
	body := edit(read(t, resp.Body))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return resp, nil
}

// says is an answer that no vault has given.
func says(req *http.Request, status int, header http.Header, body string) *http.Response {
	resp := reply(req, status, header)
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp
}

// loses sends the first request of a method that brings a token, and drops the
// answer.
func loses(next transport, method string) transport {
	lost := false
	return func(req *http.Request) (*http.Response, error) {
		resp, err := next(req)
		if err == nil && !lost && req.Method == method && req.Header.Get("Authorization") != "" {
			lost = true
			_ = resp.Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
		return resp, err
	}
}
