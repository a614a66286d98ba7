package azurite

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// answers fails the test unless Azurite answers there.
func answers(t *testing.T, s *Server) {
	t.Helper()
	transport := s.Transport()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(s.Endpoint() + "/Tables")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if name := response.Header.Get("Server"); !strings.HasPrefix(name, "Azurite-Table/3.35.0") {
		t.Errorf("who answers calls itself %q", name)
	}
}

// gone waits until nothing listens at the address, and fails the test if that
// does not come.
func gone(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		_ = connection.Close()
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("something still listens at %s", address)
}

func TestAServerIsThereForItsTest(t *testing.T) {
	var address string
	t.Run("of one test", func(t *testing.T) {
		s := Start(t)
		answers(t, s)
		address = s.address
	})
	gone(t, address)
}

func TestAServerWithTokensSpeaksHTTPS(t *testing.T) {
	s := StartWithTokens(t)
	if !strings.HasPrefix(s.Endpoint(), "https://127.0.0.1:") {
		t.Errorf("the endpoint is %s", s.Endpoint())
	}
	answers(t, s)
}

func TestSharedIsOneServer(t *testing.T) {
	first := Shared(t)
	t.Run("in another test", func(t *testing.T) {
		if Shared(t) != first {
			t.Error("it is another server")
		}
		answers(t, first)
	})
	if one, other := TableName(), TableName(); one == other {
		t.Errorf("two tests get the same table, %s", one)
	}
}

func TestTheConnectionStringOfAServer(t *testing.T) {
	got := strings.Split(ConnectionString("http://127.0.0.1:1"), ";")
	for _, part := range []string{"DefaultEndpointsProtocol=http", "AccountName=" + Account, "AccountKey=" + Key, "TableEndpoint=http://127.0.0.1:1/" + Account} {
		if !slices.Contains(got, part) {
			t.Errorf("it lacks %s: %v", part, got)
		}
	}
}

// parentVariable tells this test binary, started again by a test, to be one
// that starts a server and is then killed.
const parentVariable = "AZURITE_TEST_PARENT"

func TestAServerEndsWithItsParent(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		_, _ = os.Stdout.WriteString(Shared(t).address + "\n")
		select {} // until it is killed
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self, "-test.run", "^"+t.Name()+"$")
	parent.Env = append(os.Environ(), parentVariable+"=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("127.0.0.1:12345\n"))
	n, readErr := output.Read(line)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	if readErr != nil {
		t.Fatalf("it told no address: %v", readErr)
	}
	gone(t, strings.TrimSpace(string(line[:n])))
}

func TestAnAzuriteThatDoesNotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	id, err := newIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(id.keyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := start(id); err == nil || !strings.Contains(err.Error(), "ended before it listened") {
		t.Errorf("start: %v", err)
	}
}

func TestWithoutAzuriteTheErrorTellsHowToInstallIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/go.mod", []byte("module other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if _, err := start(identity{}); err == nil || !strings.Contains(err.Error(), "npm ci --prefix e2e/node") {
		t.Errorf("start: %v", err)
	}
}
