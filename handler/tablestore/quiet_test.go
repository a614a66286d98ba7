package tablestore

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"callout/handler/store"
	"callout/handler/storetest/azurite"
)

// loggedVariable tells this test binary, started again by a test, to use a
// store while the SDK is told to log everything.
const loggedVariable = "TABLESTORE_TEST_LOGGED"

// The SDK's log would put the keys of rows, and what failed requests were
// answered, on standard error.
func TestTheSDKDoesNotLog(t *testing.T) {
	if os.Getenv(loggedVariable) != "" {
		s, err := New(Options{ConnectionString: azurite.Shared(t).ConnectionString()})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Table("people").Put(t.Context(), store.Row{Partition: "p", Key: "k"})
		_, _ = s.Table("people").Get(t.Context(), "p", "other")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$")
	again.Env = append(os.Environ(), loggedVariable+"=1", "AZURE_SDK_GO_LOGGING=all")
	output, err := again.CombinedOutput()
	if err != nil || strings.TrimSpace(string(output)) != "PASS" {
		t.Errorf("%v: %s", err, output)
	}
}

// The SDK would name itself, the version of Go and the system to the service.
func TestNothingIsToldAboutThisMachine(t *testing.T) {
	var seen []string
	table := inMemory(t, func(request *http.Request) (*http.Response, error) {
		seen = append(seen, request.Header.Get("User-Agent"))
		return refuse(request, http.StatusForbidden, 0), nil
	})
	if _, err := table.Get(t.Context(), "p", "k"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v", err)
	}
	if len(seen) != 1 || seen[0] != "" {
		t.Errorf("the User-Agents are %q", seen)
	}
}
