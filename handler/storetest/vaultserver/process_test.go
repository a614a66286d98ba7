package vaultserver

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// urlVariable tells the test binary, started again by a test, to write to the
// vault of that address instead.
const urlVariable = "VAULTSERVER_TEST_URL"

func TestMain(m *testing.M) {
	url := os.Getenv(urlVariable)
	if url == "" {
		os.Exit(m.Run())
	}
	if err := writeAsAnApp(url); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// writeAsAnApp does what a program on App Service does: it knows the vault's
// address, and everything else is in its environment.
func writeAsAnApp(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	identity, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		return err
	}
	client, err := azsecrets.NewClient(url, identity, &azsecrets.ClientOptions{DisableChallengeResourceVerification: true})
	if err != nil {
		return err
	}
	for _, value := range []string{"first", "second"} {
		if _, err := client.SetSecret(ctx, "name", azsecrets.SetSecretParameters{Value: to.Ptr(value)}, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestAnotherProcess(t *testing.T) {
	server := Start(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	app := exec.CommandContext(t.Context(), self)
	app.Env = append(server.IdentityEnv(), "SSL_CERT_FILE="+server.CertFile(), urlVariable+"="+server.URL())
	if output, err := app.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := server.Requests(); !maps.Equal(got, map[Kind]int{Challenge: 1, Token: 1, Set: 2}) {
		t.Errorf("the requests are %v", got)
	}
	found, err := client(t, server).GetSecret(t.Context(), "name", "", nil)
	if err != nil || *found.Value != "second" {
		t.Errorf("GetSecret: %v", err)
	}
}
